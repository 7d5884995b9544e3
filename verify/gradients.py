"""Gradients: one vector-Jacobian product of a case, asked of autograd and of the closed form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from verify.case import Case, Point, round_to, to_array, to_tensor
from verify.operation import Array
from verify.reference import Enclosure, certify, plain


@dataclass(frozen=True)
class Gradient:
    """The gradient of ⟨cotangent, f⟩ in one input: computed by torch, enclosed by the closed form.

    `bound` is the largest absolute error that rounding explains. Shapes: all that of the input.
    """

    position: int
    computed: Array
    exact: Enclosure
    bound: Array


def cotangent(case: Case, seed: int, point: Point, shape: tuple[int, ...]) -> Array:
    """A random cotangent of a shape; the same for the same case, seed and point.

    Its entries use all of the dtype's digits, so that a narrower type on the way shows, and none is
    smaller than 1/4, so that no output hides.
    """
    normal = np.asarray(case.generator(seed, f"cotangent {point.name}").standard_normal(shape))
    return round_to(np.copysign(np.abs(normal) + 0.25, normal), case.dtype)


def gradients(case: Case, point: Point, g: Array) -> Iterator[Gradient]:
    """Every differentiable input's gradient. Raises: ValueError if torch's has the wrong shape."""
    vjp = case.operation.vjp
    assert vjp is not None, f"{case.operation.name} has no gradient"
    arguments = (g, *point.inputs)
    enclosures = certify(vjp.evaluate, arguments, point.options, case.arithmetic)
    with np.errstate(all="ignore"):
        bounds = vjp.bound(case.arithmetic, *arguments, **point.options)
        values = plain(vjp.evaluate, arguments, point.options)
    for position, computed in autograd(case, point, g):
        exact, bound, value = enclosures[position], bounds[position], values[position]
        if exact is None:
            raise ValueError(f"{case.operation.name}: the closed form gives no gradient for input {position}")
        with np.errstate(all="ignore"):
            stored = case.arithmetic.stored(value, bound)
        yield Gradient(position, computed, exact, np.broadcast_to(stored, computed.shape))


def autograd(case: Case, point: Point, g: Array) -> Iterator[tuple[int, Array]]:
    """Every differentiable input's gradient as torch computes it in the case's dtype, with its position."""
    inputs = case.tensors(point, requires_grad=True)
    output = case.function(*inputs, **point.options)
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"{case.operation.name} returned {type(output).__name__}; an operation returns one tensor"
        )
    leaves = [inputs[i] for i in point.differentiable]
    # In the layout of the inputs: a backward may be wrong for a strided cotangent alone.
    cotangents = to_tensor(g, case.dtype, case.device, case.workload.layout)
    for position, gradient in zip(
        point.differentiable, torch.autograd.grad(output, leaves, cotangents, allow_unused=True), strict=True
    ):
        # torch leaves out a gradient that is zero because the input is not used.
        computed = np.zeros(point.inputs[position].shape) if gradient is None else to_array(gradient)
        yield position, computed
