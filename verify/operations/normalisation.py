"""Normalisation of rows by their own moments: layer_norm, rms_norm."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import Store, analysed_in_working_type, between, either, twice
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.axes import summed_to
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.records.moments import (
    Axes,
    in_linear_form,
    mean,
    moments,
    reciprocal,
    standardised,
    standardised_vjp,
)
from verify.records.sampling import beside_one
from verify.records.summed import of_gradient, ones_for_each

_NAN, _INF = np.nan, np.inf
EPS = 1e-5
STORED_MOMENTS = "the mean and the reciprocal deviation are stored between forward and backward (ATen)"


def _last(x: Any, w: Any) -> Axes:
    """The dimensions that are taken together: those of the weight."""
    return tuple(range(x.ndim - w.ndim, x.ndim))


def _of_last(name: str) -> Callable[..., Any]:
    """A torch function that is told the shape of a row, as one that takes it from its weight."""
    return lambda x, w, *b, eps=EPS: getattr(F, name)(x, w.shape, w, *b, eps=eps)


def _layer_norm(x: Any, w: Any, b: Any, eps: float = EPS) -> Any:
    return standardised(x, w, b, _last(x, w), eps)


def _layer_norm_in_steps(store: Store, x: Any, w: Any, b: Any, eps: float = EPS) -> Any:
    centre, scale = moments(x, _last(x, w), eps)
    return (x * scale - centre * scale) * w + b


def _layer_norm_vjp(g: Any, x: Any, w: Any, b: Any, eps: float = EPS) -> tuple[Any, Any, Any]:
    of_x, of_w = standardised_vjp(g, x, w, _last(x, w), eps)
    return of_x, summed_to(of_w, w.shape), summed_to(g, w.shape)


def _layer_norm_vjp_in_steps(
    store: Store, g: Any, x: Any, w: Any, b: Any, eps: float = EPS
) -> tuple[Any, Any, Any]:
    axes = _last(x, w)
    centre, scale = (store(moment) for moment in moments(x, axes, eps))
    of_w = g * (x * scale - centre * scale)
    of_x = in_linear_form(g * w, x, centre, scale, axes)
    return of_x, _added_rows(store, of_w, w), _added_rows(store, g, w)


def _layer_norm_vjp_in_one_sum(
    store: Store, g: Any, x: Any, w: Any, b: Any, eps: float = EPS
) -> tuple[Any, Any, Any]:
    axes = _last(x, w)
    centre, scale = (store(moment) for moment in moments(x, axes, eps))
    of_w = g * (x * scale - centre * scale)
    of_x = in_linear_form(g * w, x, centre, scale, axes)
    return of_x, summed_to(of_w, w.shape), summed_to(g, w.shape)


def _added_rows(store: Store, rows: Any, w: Any) -> Any:
    """Row after row into a buffer of the stored type."""
    return functools.reduce(lambda total, row: store(total + row), np.reshape(rows, (-1, *w.shape)))


def spread_around_one(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries of mean 1 and deviation near 2, so that no row is nearly constant; parameters of mean 1."""
    x, *parameters = beside_one(generator, workload)
    steps = np.resize([-1.5, 0.0, 1.5], x.shape)
    return (generator.permuted(steps, axis=None) + x, *parameters)


def row_cost(flops: float) -> Callable[[Workload], Cost]:
    """So many flops an entry; entries and parameters are read once, and the result is written once."""

    def cost(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, n + sum(math.prod(shape) for shape in workload.shapes), n)

    return cost


def offset(a: Arithmetic) -> float:
    """A mean beside which half of the digits are left for the deviations."""
    return float(2.0 ** np.floor(-np.log2(a.u) / 2))


def hard_rows(shaped: Callable[[Array], Inputs], **options: Any) -> tuple[HardInput, ...]:
    """Rows of four on which the moments are lost in one way or another, as the inputs of an operation."""

    def hard(name: str, row: Callable[[Arithmetic], list[float]]) -> HardInput:
        return HardInput(name, lambda a: shaped(np.array(row(a))), options, far=True)

    return (
        # Without the room that this ε gives, no difference is short enough where the deviation is 0.
        HardInput("constant", lambda a: shaped(np.full(4, 1.5)), {**options, "eps": 1.0}),
        hard("large mean", lambda a: [offset(a) + d for d in (1.0, -2.0, 3.0, 0.0)]),
        hard("square overflows", lambda a: [beyond_root(a) * d for d in (1.0, -1.0, 0.5, 2.0)]),
        hard("square underflows", lambda a: [a.smallest_normal * d for d in (8.0, -8.0, 4.0, 16.0)]),
    )


def one_entry(shaped: Callable[[Array], Inputs], **options: Any) -> HardInput:
    """A row of one entry, which is its own mean: however large and odd it is, only the bias is left."""
    return HardInput("one entry", lambda a: shaped(np.array([0.7 / a.u])), options, far=True)


def beyond_root(a: Arithmetic) -> float:
    """A power of two whose square is beyond the largest number, and itself far from it."""
    return float(2.0 ** np.ceil(0.6 * np.log2(a.largest)))


def _first_row(row: Array) -> Inputs:
    n = len(row)
    return row[None], np.array([1.0, 0.5, -1.0, 2.0])[:n], np.array([0.5, 0.0, -1.0, 1.0])[:n]


def _rows(workload: Workload) -> Batch:
    return Batch((0, *(None for _ in workload.shapes[1:])))


def _is_plain(workload: Workload) -> bool:
    return not workload.options


_LAYER_NORM = analysed_in_working_type(
    "(x − mean x)/√(var x + ε) w + b over the last dimensions",
    _layer_norm,
    "torch.nn.LayerNorm; the mean is subtracted after scaling (ATen LayerNormKernelImpl)",
    _layer_norm_in_steps,
)
_OF_LAYER_NORM = "∂x = (g w − mean(g w) − z mean(g w z))/√(var x + ε), ∂w = Σ g z, ∂b = Σ g over rows"
_WITH_BIAS_ADDED = analysed_in_working_type(
    _LAYER_NORM.text,
    _layer_norm,
    "a stored result without a bias, and a sum",
    lambda store, x, w, b, **options: store(_layer_norm_in_steps(store, x, w, 0 * b, **options)) + b,
)

LAYER_NORM = Operation(
    name="layer_norm",
    subject="normalisation",
    function=_of_last("layer_norm"),
    forward=_LAYER_NORM,
    vjp=either(
        analysed_in_working_type(_OF_LAYER_NORM, _layer_norm_vjp, STORED_MOMENTS, _layer_norm_vjp_in_one_sum),
        analysed_in_working_type(
            _OF_LAYER_NORM, _layer_norm_vjp, "sums over rows in the stored type", _layer_norm_vjp_in_steps
        ),
    ),
    domain=Domain(spread_around_one, (*hard_rows(_first_row), one_entry(_first_row))),
    check=(
        Workload("5x33", ((5, 33), (33,), (33,))),
        Workload("2x3x4x5-20", ((2, 3, 4, 5), (4, 5), (4, 5))),
        Workload("7x7-strided", ((7, 7), (7,), (7,)), layout="strided"),
        Workload("6x8-eps-transposed", ((6, 8), (8,), (8,)), {"eps": 0.01}, "transposed"),
        Workload("9", ((9,), (9,), (9,))),
    ),
    bench=(
        Workload("4096x1024", ((4096, 1024), (1024,), (1024,))),
        Workload("32x64", ((32, 64), (64,), (64,))),
        Workload("64x50257", ((64, 50257), (50257,), (50257,))),
        Workload("1023x1025-strided", ((1023, 1025), (1025,), (1025,)), layout="strided"),
    ),
    cost=row_cost(8),
    identities=(
        Identity(
            "layer_norm(x, w, b) = layer_norm(x, w, 0) + b",
            lambda f, x, w, b, **options: f(x, w, b, **options),
            lambda f, x, w, b, **options: f(x, w, 0 * b, **options) + b,
            between(_LAYER_NORM, _WITH_BIAS_ADDED),
        ),
        Identity(
            "layer_norm(4x) with 16 ε = layer_norm(x)",
            lambda f, x, w, b, eps=EPS: f(4 * x, w, b, eps=16 * eps),
            lambda f, x, w, b, eps=EPS: f(x, w, b, eps=eps),
            twice(_LAYER_NORM),
        ),
    ),
    special=(
        Special(
            "nan and infinity",
            (np.array([[_NAN, 1.0], [_INF, 1.0], [2.0, 2.0]]), np.array([1.0, 2.0]), np.array([0.5, -1.0])),
            np.array([[_NAN, _NAN], [_NAN, _NAN], [0.5, -1.0]]),
            "IEEE 754-2019, 6.2 and 7.2: ∞ − ∞; equal entries are their own mean",
        ),
        Special(
            "no rows",
            (np.empty((0, 3)), np.ones(3), np.zeros(3)),
            np.empty((0, 3)),
            "torch.nn.LayerNorm: the shape of the input",
        ),
    ),
    refuses=(
        Refusal("a weight for 3 of 4 entries", lambda f, tensor: f(tensor(2, 4), tensor(3), tensor(3))),
        Refusal("a bias for 3 of 4 entries", lambda f, tensor: f(tensor(2, 4), tensor(4), tensor(3))),
        Refusal("a weight of a number", lambda f, tensor: f(tensor(2, 4), tensor(), tensor())),
        Refusal("a weight of more dimensions", lambda f, tensor: f(tensor(4), tensor(2, 4), tensor(2, 4))),
    ),
    batch=lambda workload: _rows(workload) if len(workload.shapes[0]) > len(workload.shapes[1]) else None,
    summations=(of_gradient(2, lambda x: (ones_for_each(x, 9), x.new_ones(9), x.new_zeros(9))),),
)


def _rms_norm(x: Any, w: Any, eps: float = EPS) -> Any:
    return x * _reciprocal(x, w, eps) * w


def _reciprocal(x: Any, w: Any, eps: float) -> Any:
    return reciprocal(x, 0.0, _last(x, w), eps)


def _rms_norm_vjp(g: Any, x: Any, w: Any, eps: float = EPS) -> tuple[Any, Any]:
    axes, scale = _last(x, w), _reciprocal(x, w, eps)
    z, gw = x * scale, g * w
    return scale * (gw - z * mean(gw * z, axes)), summed_to(g * z, w.shape)


def _rms_norm_vjp_in_steps(store: Store, g: Any, x: Any, w: Any, eps: float = EPS) -> tuple[Any, Any]:
    axes, scale = _last(x, w), _reciprocal(x, w, eps)
    gw = store(g * w)
    of_scale = (gw * x).sum(axis=axes, keepdims=True)
    of_mean = of_scale * scale * scale * scale / -2
    of_x = gw * scale + of_mean / math.prod(w.shape) * (2 * x)
    return of_x, summed_to(store(g * store(x * scale)), w.shape)


_RMS_NORM = analysed_in_working_type(
    "x/√(mean x² + ε) w over the last dimensions",
    _rms_norm,
    "torch.nn.RMSNorm; in the working type, and stored before it is weighted",
    lambda store, x, w, eps=EPS: store(x * _reciprocal(x, w, eps)) * w,
)

RMS_NORM = Operation(
    name="rms_norm",
    subject="normalisation",
    function=_of_last("rms_norm"),
    forward=_RMS_NORM,
    vjp=analysed_in_working_type(
        "∂x = (g w − z mean(g w z))/√(mean x² + ε), ∂w = Σ g z over rows",
        _rms_norm_vjp,
        "autograd of the steps",
        _rms_norm_vjp_in_steps,
    ),
    domain=Domain(spread_around_one, hard_rows(lambda row: _first_row(row)[:2])),
    check=(
        Workload("5x33", ((5, 33), (33,))),
        Workload("2x3x4x5-20", ((2, 3, 4, 5), (4, 5))),
        Workload("7x7-strided", ((7, 7), (7,)), layout="strided"),
        Workload("6x8-eps-transposed", ((6, 8), (8,)), {"eps": 0.01}, "transposed"),
    ),
    bench=(
        Workload("4096x1024", ((4096, 1024), (1024,))),
        Workload("32x64", ((32, 64), (64,))),
        Workload("1023x1025-strided", ((1023, 1025), (1025,)), layout="strided"),
    ),
    cost=row_cost(5),
    identities=(
        Identity(
            "rms_norm(4x) with 16 ε = rms_norm(x)",
            lambda f, x, w, eps=EPS: f(4 * x, w, eps=16 * eps),
            lambda f, x, w, eps=EPS: f(x, w, eps=eps),
            twice(_RMS_NORM),
        ),
        Identity(
            "rms_norm(−x) = −rms_norm(x)",
            lambda f, x, w, **o: f(-x, w, **o),
            lambda f, x, w, **o: -f(x, w, **o),
        ),
    ),
    special=(
        Special(
            "nan, infinity and zeros",
            (np.array([[_NAN, 1.0], [_INF, 1.0], [0.0, -0.0]]), np.array([1.0, 2.0])),
            np.array([[_NAN, _NAN], [_NAN, 0.0], [0.0, -0.0]]),
            "IEEE 754-2019, 6.1 to 6.3: 1/∞ = 0, ∞ · 0 is no number",
        ),
    ),
    refuses=(
        Refusal("a weight for 3 of 4 entries", lambda f, tensor: f(tensor(2, 4), tensor(3))),
        Refusal("a weight of a number", lambda f, tensor: f(tensor(2, 4), tensor())),
        Refusal(
            "a weight of more dimensions",
            lambda f, tensor: f(tensor(4), tensor(2, 4)),
            (RuntimeError, ValueError),
        ),
    ),
    batch=_rows,
    # 1/√(1 + 0) is 1.
    summations=(of_gradient(1, lambda x: (ones_for_each(x, 9), x.new_ones(9)), eps=0.0),),
    needs=("torch.nn.functional.rms_norm",),  # since torch 2.4
)
