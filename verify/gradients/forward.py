"""Forward: the tangents that forward mode gives, as real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from verify.gradients.function import Function, Tensors, UnusableFunction, row, tensors_of
from verify.line import Vector


def tangents(function: Function, direction: Vector, factors: Sequence[float]) -> list[Vector]:
    """J·(factor·direction) by forward mode, for several factors one after the other.

    Shapes: (variables,) gives (outputs,), both real rows.
    Raises: UnusableFunction where the function has no forward mode.
    """
    directions = tensors_of(direction, function.point.variables)
    found = []
    try:
        for factor in factors:
            with forward_ad.dual_level():
                found.append(np.array(row(_along(function, tuple(factor * d for d in directions)))))
    except (RuntimeError, NotImplementedError, UnusableFunction) as error:
        raise UnusableFunction(f"forward mode raised: {str(error).splitlines()[0]}") from error
    return found


def batched(function: Function, direction: Vector, factors: Sequence[float]) -> list[Vector]:
    """J·(factor·direction) for several factors in one forward pass under vmap."""
    variables = function.point.variables
    stacks = tuple(torch.stack([f * d for f in factors]) for d in tensors_of(direction, variables))

    values = tuple(_primal(function, x) for x in variables)

    def along(*directions: torch.Tensor) -> Tensors:
        found: Tensors = torch.func.jvp(lambda *x: function.outputs(x), values, directions)[1]
        return found

    try:
        found = torch.vmap(along, randomness="same")(*stacks)
    except (RuntimeError, NotImplementedError, UnusableFunction) as error:
        raise UnusableFunction(f"forward mode cannot be batched: {str(error).splitlines()[0]}") from error
    return [row([t[k] for t in found]) for k in range(len(factors))]


def _primal(function: Function, x: torch.Tensor) -> torch.Tensor:
    """A variable's values in its layout; torch cannot give a tangent to entries that share memory."""
    return function.copied(x).contiguous() if 0 in x.stride() else function.copied(x)


def _along(function: Function, directions: Tensors) -> Tensors:
    """The outputs' tangents; zeros where torch leaves one out because nothing depends on the inputs."""
    # torch's forward mode ships without types.
    make_dual: Any = forward_ad.make_dual
    unpack_dual: Any = forward_ad.unpack_dual
    variables = function.point.variables
    outputs = function.outputs(
        [make_dual(_primal(function, x), d) for x, d in zip(variables, directions, strict=True)]
    )
    found = [unpack_dual(y).tangent for y in outputs]
    return tuple(torch.zeros_like(y) if t is None else t for y, t in zip(outputs, found, strict=True))
