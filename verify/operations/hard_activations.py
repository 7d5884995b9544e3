"""Activations made of straight pieces: hardsigmoid, hardswish, hardtanh, relu6."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.operation import Array, Domain, HardInput, Identity, Refusal
from verify.records.activation import CHECK, NEAR_ZERO, boolean, in_one_kernel, off_kinks, pieces, varied
from verify.records.elementwise import INF, ZEROS, agreement, elementwise, far
from verify.records.refusals import other_dtype
from verify.records.sampling import values

_EXACT = "exact: comparisons and a copy"
_EXTREMES = far("extremes", lambda a: values(0.75 * a.largest, -0.75 * a.largest))
_REFUSES = (other_dtype((3,)),)


def _at(*kinks: float, **options: Any) -> HardInput:
    """Exactly where a piece ends, and beside it."""
    beside = [value for kink in kinks for value in (kink, kink - 0.5, kink + 0.5)]
    return HardInput("where pieces meet", lambda a: values(*beside), options)


def _hardsigmoid(x: Array) -> Array:
    return np.where(x <= -3, 0 * x, np.where(x >= 3, 0 * x + 1, (x + 3) / 6))


HARDSIGMOID = elementwise(
    "hardsigmoid",
    "activations",
    F.hardsigmoid,
    analysed(
        "0 up to −3, 1 from 3 on, x/6 + 1/2 between",
        _hardsigmoid,
        "min(max(x + 3, 0), 6)/6, ATen, hardsigmoid_kernel",
        fused=True,
    ),
    in_one_kernel(
        "∂x = g/6 if −3 < x < 3 else 0",
        lambda g, x: np.where((x > -3) & (x < 3), g / 6, 0 * g),
        "a product with 1/6, ATen, hardsigmoid_backward_kernel",
        lambda g, x: np.where((x > -3) & (x < 3), g * ((0 * x + 1) / 6), 0 * g),
    ),
    Domain(off_kinks(-3, 3), (*NEAR_ZERO, _at(-3.0, 3.0), _EXTREMES)),
    (
        agreement("f(x) + f(−x) = 1", _hardsigmoid, lambda f, m, x: f(x) + f(-x), lambda f, m, x: 0 * x + 1),
        agreement(
            "f(x) = relu6(x + 3)/6",
            _hardsigmoid,
            lambda f, m, x: f(x),
            lambda f, m, x: F.relu6(x + 3) / 6 if m is torch else _hardsigmoid(x),
        ),
    ),
    pieces("Hardsigmoid", infinities=((INF, 1.0), (-INF, 0.0)), zeros=((0.0, 0.5), (-0.0, 0.5))),
    refuses=_REFUSES,
    check=CHECK,
)


# A third of the smallest number is 0 in float64, where nothing then tells that it was rounded.
_LEAST = HardInput("least normal", lambda a: values(a.smallest_normal, -a.smallest_normal))


def _hardswish(x: Array) -> Array:
    return np.where(x <= -3, 0 * x, np.where(x >= 3, x, x * (x + 3) / 6))


def _hardswish_steps(x: Array) -> Array:
    # An eighth of x, which rounds nothing: six times x may be beyond float64.
    gate = np.where(x >= 3, 6, np.where(x <= -3, 0, x + 3))
    return x / 8 * gate / 6 * 8


def _hardswish_slope(g: Array, x: Array) -> Array:
    return np.where(x <= -3, 0 * g, np.where(x >= 3, g, g * (x / 3 + 0.5)))


HARDSWISH = elementwise(
    "hardswish",
    "activations",
    F.hardswish,
    analysed(
        "0 up to −3, x from 3 on, x (x + 3)/6 between",
        _hardswish,
        "x min(max(x + 3, 0), 6)/6, ATen, hardswish_kernel",
        _hardswish_steps,
        fused=True,
    ),
    in_one_kernel(
        "∂x = 0 up to −3, g from 3 on, g (x/3 + 1/2) between",
        _hardswish_slope,
        "ATen, hardswish_backward_kernel",
    ),
    Domain(off_kinks(-3, 3), (ZEROS, _LEAST, _at(-3.0, 3.0), _EXTREMES)),
    (
        agreement(
            "f(x) = x hardsigmoid(x)",
            _hardswish_steps,
            lambda f, m, x: f(x),
            lambda f, m, x: x * (F.hardsigmoid(x) if m is torch else _hardsigmoid(x)),
        ),
    ),
    pieces("Hardswish", infinities=((INF, INF), (-INF, 0.0)), zeros=((0.0, 0.0), (-0.0, -0.0))),
    refuses=_REFUSES,
    check=CHECK,
)


def _hardtanh(x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    return np.where(x < min_val, 0 * x + min_val, np.where(x > max_val, 0 * x + max_val, x))


def _hardtanh_slope(g: Array, x: Array, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    return np.where((x > min_val) & (x < max_val), g, 0 * g)


_INSIDE = "exact; at a limit torch takes the derivative from outside, 0 (hardtanh_backward)"
_WIDE, _LOW = {"min_val": -0.5, "max_val": 2.0}, {"min_val": -4.0, "max_val": -2.0}

HARDTANH = elementwise(
    "hardtanh",
    "activations",
    F.hardtanh,
    analysed("min(max(x, lower), upper)", _hardtanh, _EXACT),
    in_one_kernel("∂x = g if lower < x < upper else 0", _hardtanh_slope, _INSIDE),
    Domain(off_kinks(-4, -2, -1, -0.5, 1, 2), (*NEAR_ZERO, _at(-1.0, 1.0), _EXTREMES)),
    (
        Identity(
            "f(x) = clamp(x, lower, upper)",
            lambda f, x, **options: f(x, **options),
            lambda f, x, min_val=-1.0, max_val=1.0: x.clamp(min_val, max_val),
        ),
        Identity(
            "f(f(x)) = f(x)",
            lambda f, x, **options: f(f(x, **options), **options),
            lambda f, x, **options: f(x, **options),
        ),
    ),
    pieces("Hardtanh", infinities=((INF, 1.0), (-INF, -1.0)), zeros=((0.0, 0.0), (-0.0, -0.0))),
    refuses=(
        boolean(),
        Refusal("limits crossed", lambda f, tensor: f(tensor(3), min_val=1.0, max_val=-1.0), (ValueError,)),
    ),
    check=varied({}, _WIDE, _LOW),
)

RELU6 = elementwise(
    "relu6",
    "activations",
    F.relu6,
    analysed("min(max(x, 0), 6)", lambda x: _hardtanh(x, 0.0, 6.0), _EXACT),
    in_one_kernel("∂x = g if 0 < x < 6 else 0", lambda g, x: _hardtanh_slope(g, x, 0.0, 6.0), _INSIDE),
    Domain(off_kinks(0, 6), (*NEAR_ZERO, _at(6.0), _EXTREMES)),
    (
        Identity("f(x) = min(relu(x), 6)", lambda f, x: f(x), lambda f, x: x.relu().clamp(max=6)),
        Identity("f(f(x)) = f(x)", lambda f, x: f(f(x)), lambda f, x: f(x)),
    ),
    pieces("ReLU6", infinities=((INF, 6.0), (-INF, 0.0)), zero=((0.0, 0.0),)),
    refuses=(boolean(),),
    check=CHECK,
)
