"""Forward: the tangents that forward mode gives, as real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from verify.finite_differences.line import Vector
from verify.gradients.function import Function, UnusableFunction, first_line
from verify.gradients.rows import Tensors, row, tensors_of

# What an operation without forward mode raises, in torch itself or out of the checked function.
_NO_FORWARD_MODE = (RuntimeError, UnusableFunction)


def tangents(
    function: Function, variables: Tensors, direction: Vector, factors: Sequence[float]
) -> list[Vector]:
    """J·(factor·direction) by forward mode, for several factors one after the other.

    Shapes: (variables,) gives (outputs,), both real rows.
    Raises: UnusableFunction where the function has no forward mode.
    """
    return [tangent(function, variables, factor * direction) for factor in factors]


def tangent(function: Function, variables: Tensors, direction: Vector) -> Vector:
    """J·direction by forward mode, where the variables have these values.

    Shapes, Raises: as `tangents`.
    """
    try:
        with forward_ad.dual_level():
            # Copied while the level lasts: what it gave is gone with it.
            return np.array(row(_along(function, variables, tensors_of(direction, variables))))
    except _NO_FORWARD_MODE as error:
        raise UnusableFunction(f"forward mode raised: {first_line(error)}") from error


def batched(
    function: Function, variables: Tensors, direction: Vector, factors: Sequence[float]
) -> list[Vector]:
    """J·(factor·direction) for several factors in one forward pass under vmap."""
    stacks = tuple(torch.stack([f * d for f in factors]) for d in tensors_of(direction, variables))

    values = tuple(_primal(function, x) for x in variables)

    def along(*directions: torch.Tensor) -> Tensors:
        found: Tensors = torch.func.jvp(lambda *x: function.outputs(x), values, directions)[1]
        return found

    try:
        found = torch.vmap(along, randomness="same")(*stacks)
    except _NO_FORWARD_MODE as error:
        raise UnusableFunction(f"forward mode cannot be batched: {first_line(error)}") from error
    return [row([t[k] for t in found]) for k in range(len(factors))]


def _primal(function: Function, x: torch.Tensor) -> torch.Tensor:
    """A variable's values in its layout; torch cannot give a tangent to entries that share memory."""
    return function.copied(x).contiguous() if 0 in x.stride() else function.copied(x)


def _along(function: Function, variables: Tensors, directions: Tensors) -> Tensors:
    """The outputs' tangents; zeros where torch leaves one out because nothing depends on the inputs."""
    # torch's forward mode ships without types.
    make_dual: Any = forward_ad.make_dual
    unpack_dual: Any = forward_ad.unpack_dual
    outputs = function.outputs(
        [make_dual(_primal(function, x), d) for x, d in zip(variables, directions, strict=True)]
    )
    found = [unpack_dual(y).tangent for y in outputs]
    return tuple(torch.zeros_like(y) if t is None else t for y, t in zip(outputs, found, strict=True))
