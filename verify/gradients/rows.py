"""Rows: tensors as real vectors, and back.

A complex entry counts as two real ones, its real and its imaginary part. With that, torch's convention
for complex gradients, the conjugate Wirtinger derivative, is the ordinary gradient of a real function.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from verify.finite_differences.line import Vector

Tensors = tuple[torch.Tensor, ...]

_WIDEST = (torch.float64, torch.complex128)


def size(x: torch.Tensor) -> int:
    """How many real entries a tensor has."""
    return x.numel() * (2 if x.is_complex() else 1)


def row(tensors: Sequence[torch.Tensor]) -> Vector:
    """Several tensors as one real vector in float64."""
    if not tensors:
        return np.zeros(0)
    parts = [_flat(t) for t in tensors]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _flat(x: torch.Tensor) -> Vector:
    wide = x if x.dtype in _WIDEST else x.to(torch.complex128 if x.is_complex() else torch.float64)
    entries = wide.numpy(force=True).reshape(-1)
    return np.ascontiguousarray(entries).view(np.float64) if x.is_complex() else np.asarray(entries)


def rows(evaluations: Sequence[Tensors | None], length: int) -> Vector:
    """Several evaluations as real rows of one length; nan for those that are missing or of another shape.

    Shapes: gives (evaluations, length).
    """
    first = [] if evaluations[0] is None else [y.shape for y in evaluations[0]]
    whole = [e for e in evaluations if e is not None and [y.shape for y in e] == first]
    if len(whole) == len(evaluations):
        parts = [_flat(torch.stack(ys)).reshape(len(whole), -1) for ys in zip(*whole, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    found = np.full((len(evaluations), length), np.nan)
    for values, e in zip(found, evaluations, strict=True):
        if e is not None and sum(map(size, e)) == length:
            values[:] = row(e)
    return found


def split(vector: Vector, tensors: Sequence[torch.Tensor]) -> list[Vector]:
    """A real vector in pieces, one for each tensor."""
    pieces, begin = [], 0
    for t in tensors:
        pieces.append(vector[begin : begin + size(t)])
        begin += size(t)
    return pieces


def tensors_of(vector: Vector, like_these: Sequence[torch.Tensor]) -> Tensors:
    """A real vector as tensors of the shapes, dtypes and devices of others."""
    return tuple(_tensor(piece, x) for piece, x in zip(split(vector, like_these), like_these, strict=True))


def _tensor(piece: Vector, x: torch.Tensor) -> torch.Tensor:
    values = torch.from_numpy(piece.copy())
    if x.dtype is torch.float64 and x.is_cpu:
        return values.view(x.shape)
    return like(values.to(x.device), x)


def like(row: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The inverse of `row`: a real row in the shape and the dtype of x."""
    if x.is_complex():
        return torch.view_as_complex(row.reshape(*x.shape, 2)).to(x.dtype)
    return row.reshape(x.shape).to(x.dtype)


def laid_out(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Values in memory of their own, with the strides of x; the same where x is expanded.

    `values` must be alike along the dimensions in which x is expanded.
    """
    if 0 in x.stride() and x.numel():
        once = values[tuple(slice(0, 1) if s == 0 else slice(None) for s in x.stride())]
        return once.clone(memory_format=torch.contiguous_format).expand(x.shape)
    if x.is_contiguous():
        return values.clone(memory_format=torch.contiguous_format)
    return torch.empty_strided(x.shape, x.stride(), dtype=values.dtype, device=x.device).copy_(values)
