"""Comparison: what torch computed, beside the enclosure of the exact value and what rounding may do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from verify.case import Case, Point, round_to, to_array, to_tensor
from verify.check import Finding, worst_of
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.reference import Enclosure, certified, plain
from verify.formulas.ulp import spacing
from verify.operation import Array, Formula, Inputs, Options

# How the exact values of a formula are enclosed, in the fineness that an arithmetic asks for.
Enclose = Callable[[Formula, tuple[Any, ...], Options, Arithmetic], tuple[Enclosure | None, ...]]


@dataclass(frozen=True)
class Comparison:
    """A computed result, or its gradient in one input, with its exact value enclosed.

    `bound` is the largest absolute error that rounding explains. Shapes: all the same.
    """

    question: str
    computed: Array
    exact: Enclosure
    bound: Array


def result(case: Case, point: Point) -> Array:
    """What the operation computes at a point. Raises: TypeError if that is not one tensor."""
    output = case.function(*case.tensors(point), **point.options)
    return to_array(_one_tensor(case, output))


def forward(case: Case, point: Point, computed: Array, enclose: Enclose = certified) -> Comparison:
    """A computed result (torch's, or another formula's) beside the reference."""
    formula = case.operation.forward
    (exact,) = enclose(formula, point.inputs, point.options, case.arithmetic)
    if exact is None:
        raise ValueError(f"{case.operation.name}: the reference formula returned nothing")
    (value,) = plain(formula.evaluate, point.inputs, point.options)
    with np.errstate(all="ignore"):
        bound = formula.bound(case.arithmetic, *point.inputs, **point.options)
        stored = np.broadcast_to(case.arithmetic.stored(value, bound), computed.shape)
    return Comparison("forward", computed, exact, stored)


def cotangent(case: Case, seed: int, point: Point, shape: tuple[int, ...]) -> Array:
    """A random cotangent of a shape; the same for the same case, seed and point.

    Its entries use all of the dtype's digits, so that a narrower type on the way shows, and none is
    smaller than 1/4, so that no output hides.
    """
    normal = np.asarray(case.generator(seed, f"cotangent {point.name}").standard_normal(shape))
    return round_to(np.copysign(np.abs(normal) + 0.25, normal), case.dtype)


def gradients(
    case: Case, point: Point, g: Array, enclose: Enclose = certified
) -> Iterator[tuple[int, Comparison]]:
    """The position of every differentiable input, and the gradient of ⟨g, f⟩ in it beside the closed form.

    Raises: ValueError where the operation or its closed form has none.
    """
    vjp = case.operation.vjp
    if vjp is None:
        raise ValueError(f"{case.operation.name} has no gradient")
    arguments = (g, *point.inputs)
    enclosures = enclose(vjp, arguments, point.options, case.arithmetic)
    with np.errstate(all="ignore"):
        bounds = vjp.bound(case.arithmetic, *arguments, **point.options)
        values = plain(vjp.evaluate, arguments, point.options)
    for position, computed in zip(point.differentiable, autograd(case, point, g), strict=True):
        exact, bound, value = enclosures[position], bounds[position], values[position]
        if exact is None:
            raise ValueError(f"{case.operation.name}: the closed form gives no gradient for input {position}")
        with np.errstate(all="ignore"):
            stored = np.broadcast_to(case.arithmetic.stored(value, bound), computed.shape)
        yield position, Comparison(f"gradient of input {position}", computed, exact, stored)


def explained(case: Case, point: Point, g: Array | None) -> tuple[Array, tuple[Array | None, ...]]:
    """What rounding explains of the result, and where there is a cotangent of each input's gradient.

    Shapes: those of the result and of the inputs. Units: absolute errors of what is stored.
    """
    forward, vjp = case.operation.forward, case.operation.vjp
    (output,) = _stored(case, forward, point.inputs, point)
    if output is None:
        raise ValueError(f"{case.operation.name}: the reference formula returned nothing")
    gradients = () if vjp is None or g is None else _stored(case, vjp, (g, *point.inputs), point)
    return output, tuple(gradients)


def _stored(case: Case, formula: Formula, arguments: Inputs, point: Point) -> list[Array | None]:
    values = plain(formula.evaluate, arguments, point.options)
    with np.errstate(all="ignore"):
        bound = formula.bound(case.arithmetic, *arguments, **point.options)
        bounds = bound if isinstance(bound, tuple | list) else (bound,)
        return [
            None
            if value is None
            else np.array(np.broadcast_to(case.arithmetic.stored(value, e), np.shape(value)), dtype=float)
            for value, e in zip(values, bounds, strict=True)
        ]


def in_ulps(case: Case, point: Point, compared: Comparison) -> Finding:
    """The entry nearest to its bound or furthest beyond it, in ulps of the exact value; and the most ulps."""
    exact = compared.exact.value
    error = compared.exact.error(compared.computed, case.arithmetic)
    # At an exact 0 the spacing is that of the smallest number, in which any error is astronomical.
    own = (exact == 0) & np.isfinite(compared.computed)
    ulp = spacing(np.where(own, compared.computed, exact), case.arithmetic)
    measured, allowed, worst = worst_of(error, compared.bound, ulp, compared.computed, exact, point.inputs)
    with np.errstate(all="ignore"):
        ulps = float(np.max(error / ulp, initial=0.0))  # beyond float64's range: inf
    blind = shows_nothing(compared.bound, exact, case.arithmetic)
    return Finding(compared.question, measured, allowed, "ulp", worst, {"ulps": ulps}, blind=blind)


def shows_nothing(bound: Array, exact: Array, arithmetic: Arithmetic) -> bool:
    """Whether a result of nothing but zeros would lie within the bound: passing it is no pass.

    Entries below the normal numbers may be lost to underflow and are not counted; where no entry is
    left, the exact result is 0, and the bound must at least tell it from 1. Shapes: broadcastable.
    """
    bound, exact = np.broadcast_arrays(bound, exact)
    counted = np.abs(exact) >= arithmetic.smallest_normal
    if counted.any():
        return bool(np.all(bound[counted] >= np.abs(exact[counted])))
    return bool(exact.size and np.all(bound >= 1))


def autograd(case: Case, point: Point, g: Array) -> Iterator[Array]:
    """Every differentiable input's gradient as torch computes it in the case's dtype."""
    inputs = case.tensors(point, requires_grad=True)
    output = _one_tensor(case, case.function(*inputs, **point.options))
    leaves = [inputs[i] for i in point.differentiable]
    # In the layout of the inputs: a backward may be wrong for a strided cotangent alone.
    cotangents = to_tensor(g, case.dtype, case.device, case.workload.layout)
    found = torch.autograd.grad(output, leaves, cotangents, allow_unused=True)
    for leaf, gradient in zip(leaves, found, strict=True):
        # torch leaves out a gradient that is zero because the input is not used.
        yield np.zeros(leaf.shape) if gradient is None else to_array(gradient)


def _one_tensor(case: Case, output: object) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        name = type(output).__name__
        raise TypeError(f"{case.operation.name} returned {name}; an operation returns one tensor")
    return output
