"""Forward: the tangents that forward mode gives, as real rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.autograd import forward_ad

from verify.gradients.function import Function, UnusableFunction, row, tensors_of
from verify.line import Vector


def tangents(function: Function, direction: Vector) -> Vector:
    """J·direction by forward mode. Shapes: (variables,) gives (outputs,), both real rows.

    Raises: UnusableFunction where the function has no forward mode.
    """
    variables = function.point.variables
    directions = tensors_of(direction, variables)
    try:
        with forward_ad.dual_level():
            duals = [
                forward_ad.make_dual(function.copied(x), d) for x, d in zip(variables, directions, strict=True)
            ]
            return _row(function, duals)
    except (RuntimeError, NotImplementedError) as error:
        raise UnusableFunction(f"forward mode raised: {str(error).splitlines()[0]}") from error


def batched(function: Function, direction: Vector, factors: Sequence[float]) -> list[Vector]:
    """J·(factor·direction) for several factors in one forward pass under vmap."""
    variables = function.point.variables
    stacks = tuple(
        torch.stack([f * d for f in factors]) for d in tensors_of(direction, variables)
    )

    def along(*directions: torch.Tensor) -> tuple[torch.Tensor, ...]:
        duals = [
            forward_ad.make_dual(function.copied(x), d) for x, d in zip(variables, directions, strict=True)
        ]
        outputs = function.outputs(duals)
        found = [forward_ad.unpack_dual(y).tangent for y in outputs]
        return tuple(torch.zeros_like(y) if t is None else t for y, t in zip(outputs, found, strict=True))

    try:
        with forward_ad.dual_level():
            found = torch.vmap(along)(*stacks)
    except (RuntimeError, NotImplementedError) as error:
        raise UnusableFunction(f"forward mode cannot be batched: {str(error).splitlines()[0]}") from error
    return [row([t[k] for t in found]) for k in range(len(factors))]


def _row(function: Function, duals: Sequence[torch.Tensor]) -> Vector:
    outputs = function.outputs(duals)
    found = [forward_ad.unpack_dual(y).tangent for y in outputs]
    filled = [torch.zeros_like(y) if t is None else t for y, t in zip(outputs, found, strict=True)]
    return np.array(row(filled))
