"""Normalisation of channels over images and places: batch_norm, in training and in evaluation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import Store, analysed, analysed_in_working_type, either, twice
from verify.operation import (
    Array,
    Batch,
    Domain,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.normalisation import EPS, STORED_MOMENTS, hard_rows, row_cost, spread_around_one
from verify.records.moments import Axes, mean, reciprocal, standardised, standardised_vjp
from verify.records.refusals import not_a_tensor
from verify.records.sampling import beside_one
from verify.records.summed import CASCADE, cascade, of_gradient, ones_for_each
from verify.summation import Summation

_NAN, _INF = np.nan, np.inf


def _images(workload: Workload) -> Batch:
    return Batch((0, None, None))


def _per_channel(parameters: Any, x: Any) -> Any:
    """Shapes: (channels,) gives (channels, 1, ...), which broadcasts to x."""
    return np.reshape(parameters, (-1, *[1] * (x.ndim - 2)))


def _but_channels(x: Any) -> Axes:
    return (0, *range(2, x.ndim))


def _batch_norm(x: Any, w: Any, b: Any, eps: float = EPS) -> Any:
    return standardised(x, _per_channel(w, x), _per_channel(b, x), _but_channels(x), eps)


def _stored_moments(store: Store, x: Any, eps: float) -> tuple[Any, Any]:
    """The moments as stored: the variance is that around the stored mean."""
    axes = _but_channels(x)
    centre = store(mean(x, axes))
    return centre, store(reciprocal(x, centre, axes, eps, store))


def _as_is(x: Any) -> Any:
    """What is read is stored in any case."""
    return x


def _batch_norm_in_steps(store: Store, x: Any, w: Any, b: Any, eps: float = EPS) -> Any:
    centre, scale = _stored_moments(store, x, eps)
    factor = scale * _per_channel(w, x)
    return x * factor + (_per_channel(b, x) - centre * factor)


def _batch_norm_vjp(g: Any, x: Any, w: Any, b: Any, eps: float = EPS) -> tuple[Any, Any, Any]:
    axes = _but_channels(x)
    of_x, of_w = standardised_vjp(g, x, _per_channel(w, x), axes, eps)
    return of_x, of_w.sum(axis=axes), g.sum(axis=axes)


def _batch_norm_vjp_in_steps(
    store: Store, g: Any, x: Any, w: Any, b: Any, eps: float = EPS
) -> tuple[Any, Any, Any]:
    axes = _but_channels(x)
    centre, scale = _stored_moments(store, x, eps)
    d = x - centre
    products = (d * g).sum(axis=axes, keepdims=True)
    n = x.size // x.shape[1]
    k = products * scale * scale / n
    of_x = (g - mean(g, axes) - d * k) * scale * _per_channel(w, x)
    return of_x, np.reshape(products * scale, w.shape), g.sum(axis=axes)


def _one_channel(row: Array) -> Inputs:
    return row.reshape(4, 1), np.array([-0.5]), np.array([1.0])


_STORED = "each step stored where memory is not contiguous (ATen batch_norm_cpu_transform_input_template)"
_TRAINED = "(x − mean x)/√(var x + ε) w + b over images and places"
_OF_TRAINED = "∂x = (g − mean g − z mean(g z)) w/√(var x + ε), ∂w = Σ g z, ∂b = Σ g over images and places"
_BATCH_NORM = either(
    analysed_in_working_type(
        _TRAINED,
        _batch_norm,
        "torch.nn.BatchNorm2d; as x α + (b − mean α) with α = w/√(var x + ε)",
        _batch_norm_in_steps,
    ),
    analysed(_TRAINED, _batch_norm, _STORED),
)


def _in_training(x: Any, w: Any, b: Any, eps: float = EPS, running: Any = (None, None)) -> Any:
    """Running moments, where they are asked for, are those of this batch alone."""
    mean, variance = running
    return F.batch_norm(x, mean, variance, w, b, training=True, momentum=1.0, eps=eps)


def _running_mean(function: Any, terms: torch.Tensor) -> torch.Tensor:
    """The mean of a batch of single numbers, which the running mean is set to."""
    running = (terms.new_zeros(1), terms.new_ones(1))
    function(terms[:, None], None, None, running=running)
    return running[0][0]


BATCH_NORM = Operation(
    name="batch_norm",
    subject="normalisation",
    function=_in_training,
    forward=_BATCH_NORM,
    vjp=either(
        analysed_in_working_type(_OF_TRAINED, _batch_norm_vjp, STORED_MOMENTS, _batch_norm_vjp_in_steps),
        analysed(_OF_TRAINED, _batch_norm_vjp, _STORED, functools.partial(_batch_norm_vjp_in_steps, _as_is)),
    ),
    domain=Domain(spread_around_one, hard_rows(_one_channel)),
    check=(
        Workload("9x5", ((9, 5), (5,), (5,))),
        Workload("3x2x7", ((3, 2, 7), (2,), (2,))),
        Workload("2x3x3x4-eps", ((2, 3, 3, 4), (3,), (3,)), {"eps": 0.01}),
        Workload("6x33-transposed", ((6, 33), (33,), (33,)), layout="transposed"),
        Workload("2x4x41-strided", ((2, 4, 41), (4,), (4,)), layout="strided"),
    ),
    bench=(
        Workload("8x64x32x32", ((8, 64, 32, 32), (64,), (64,))),
        Workload("32x64", ((32, 64), (64,), (64,))),
        Workload("4096x1024", ((4096, 1024), (1024,), (1024,))),
    ),
    cost=row_cost(8),
    identities=(
        Identity(
            "batch_norm(4x) with 16 ε = batch_norm(x)",
            lambda f, x, w, b, eps=EPS: f(4 * x, w, b, eps=16 * eps),
            lambda f, x, w, b, eps=EPS: f(x, w, b, eps=eps),
            twice(_BATCH_NORM),
        ),
        Identity(
            "the order of images does not matter",
            lambda f, x, w, b, **options: f(x, w, b, **options),
            lambda f, x, w, b, **options: f(x.flip(0), w, b, **options).flip(0),
            twice(_BATCH_NORM),
        ),
    ),
    special=(
        Special(
            "nan and infinity in a channel each",
            (
                np.array([[_NAN, _INF, 2.0], [1.0, 1.0, 2.0]]),
                np.array([1.0, 2.0, 0.5]),
                np.array([0.0, 1.0, -1.0]),
            ),
            np.array([[_NAN, _NAN, -1.0], [_NAN, _NAN, -1.0]]),
            "IEEE 754-2019, 6.2 and 7.2; equal entries are their own mean",
        ),
    ),
    refuses=(
        Refusal("a weight for 3 of 4 channels", lambda f, tensor: f(tensor(2, 4), tensor(3), tensor(4))),
        Refusal("a bias for 3 of 4 channels", lambda f, tensor: f(tensor(2, 4), tensor(4), tensor(3))),
        Refusal(
            "one value a channel", lambda f, tensor: f(tensor(1, 4), tensor(4), tensor(4)), (ValueError,)
        ),
        not_a_tensor(3),
    ),
    summations=(
        Summation(
            _running_mean,
            parts=lambda n: n,
            depth=cascade,
            source=f"torch.nn.BatchNorm1d, mean per dimension and variance of torch.var; a mean by {CASCADE}",
        ),
        of_gradient(2, lambda x: (ones_for_each(x, 4), x.new_ones(4), x.new_zeros(4))),
    ),
)


def _evaluated(
    x: Any, w: Any, b: Any, running_mean: tuple[float, ...], running_var: tuple[float, ...], eps: float = EPS
) -> Any:
    centre, scale = _running(x, running_mean, running_var, eps)
    return (x - centre) * scale * _per_channel(w, x) + _per_channel(b, x)


def _running(
    x: Any, running_mean: tuple[float, ...], running_var: tuple[float, ...], eps: float
) -> tuple[Any, Any]:
    """The mean and the reciprocal deviation in the arithmetic of x, which are not differentiated."""
    zeros = 0 * x[:1].sum(axis=_but_channels(x), keepdims=True)
    centre, variance = (zeros + _per_channel(np.array(v), x) for v in (running_mean, running_var))
    return centre, 1 / np.sqrt(variance + eps)


def _evaluated_in_steps(store: Store, x: Any, w: Any, b: Any, eps: float = EPS, **running: Any) -> Any:
    centre, scale = _running(x, eps=eps, **running)
    factor = scale * _per_channel(w, x)
    return x * factor + (_per_channel(b, x) - centre * factor)


def _evaluated_vjp(g: Any, x: Any, w: Any, b: Any, eps: float = EPS, **running: Any) -> tuple[Any, Any, Any]:
    centre, scale = _running(x, eps=eps, **running)
    axes = _but_channels(x)
    of_w = ((x - centre) * g).sum(axis=axes, keepdims=True) * scale
    return g * scale * _per_channel(w, x), np.reshape(of_w, w.shape), g.sum(axis=axes)


def _in_evaluation(
    x: torch.Tensor,
    w: torch.Tensor,
    b: torch.Tensor,
    running_mean: tuple[float, ...],
    running_var: tuple[float, ...],
    eps: float = EPS,
) -> torch.Tensor:
    """With statistics that are given as plain numbers, in the dtype of the input."""
    mean, var = (torch.tensor(v, dtype=x.dtype, device=x.device) for v in (running_mean, running_var))
    return F.batch_norm(x, mean, var, w, b, training=False, eps=eps)


_IN_EVALUATION = "(x − m)/√(v + ε) w + b with the running mean m and variance v"
_OF_EVALUATED = "∂x = g w/√(v + ε), ∂w = Σ g (x − m)/√(v + ε), ∂b = Σ g over images and places"
_EVALUATED = either(
    analysed_in_working_type(
        _IN_EVALUATION,
        _evaluated,
        "torch.nn.BatchNorm2d in evaluation; as x α + (b − m α) with α = w/√(v + ε)",
        _evaluated_in_steps,
    ),
    analysed(_IN_EVALUATION, _evaluated, _STORED),
)
# Numbers that every dtype holds.
_RUNNING = {"running_mean": (0.5, -1.0, 2.0), "running_var": (0.25, 1.0, 3.0)}
_RUNNING_64 = {"running_mean": (0.5, -1.0) * 32, "running_var": (0.25, 3.0) * 32}


def _ones_in_evaluation(terms: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return ones_for_each(terms, 4), terms.new_ones(4), terms.new_zeros(4)


def _far_from_running_mean(row: Array) -> Inputs:
    return np.stack([row, row, row], axis=1), np.array([1.0, -0.5, 2.0]), np.array([0.0, 1.0, -1.0])


BATCH_NORM_EVALUATION = Operation(
    name="batch_norm_evaluation",
    subject="normalisation",
    function=_in_evaluation,
    forward=_EVALUATED,
    vjp=analysed(_OF_EVALUATED, _evaluated_vjp, _STORED),
    domain=Domain(
        beside_one,
        (
            HardInput("at the mean", lambda a: _far_from_running_mean(np.array([0.5, -1.0])), _RUNNING),
            HardInput(
                "large", lambda a: _far_from_running_mean(np.array([a.largest / 64, 1.0])), _RUNNING, far=True
            ),
            HardInput(
                "no variance",
                lambda a: _far_from_running_mean(np.array([0.5, 8.0])),
                {"running_mean": (0.5, -1.0, 2.0), "running_var": (0.0, 0.0, 0.0)},
                far=True,
            ),
        ),
    ),
    check=(
        Workload("9x3", ((9, 3), (3,), (3,)), _RUNNING),
        Workload("3x3x3", ((3, 3, 3), (3,), (3,)), _RUNNING),
        Workload("2x3x3x4-eps", ((2, 3, 3, 4), (3,), (3,)), {**_RUNNING, "eps": 0.01}),
        Workload("2x3x41-strided", ((2, 3, 41), (3,), (3,)), _RUNNING, "strided"),
        Workload("4x3x5x2-transposed", ((4, 3, 5, 2), (3,), (3,)), _RUNNING, "transposed"),
    ),
    bench=(
        Workload("8x64x32x32", ((8, 64, 32, 32), (64,), (64,)), _RUNNING_64),
        Workload("32x64", ((32, 64), (64,), (64,)), _RUNNING_64),
    ),
    cost=row_cost(2),
    identities=(
        Identity(
            "images are independent",
            lambda f, x, w, b, **options: f(x, w, b, **options),
            lambda f, x, w, b, **options: torch.cat([f(image, w, b, **options) for image in x.split(1)]),
            twice(_EVALUATED),
        ),
        Identity(
            "statistics of 0 and 1 leave x w + b",
            lambda f, x, w, b, running_mean, running_var, eps=EPS: f(
                x, w, b, running_mean=(0.0,) * 3, running_var=(1.0,) * 3, eps=0.0
            ),
            lambda f, x, w, b, running_mean, running_var, eps=EPS: torch.addcmul(
                _channels(b, x), x, _channels(w, x)
            ),
            lambda a, x, w, b, running_mean, running_var, eps=EPS: twice(_EVALUATED)(
                a, x, w, b, running_mean=(0.0,) * 3, running_var=(1.0,) * 3, eps=0.0
            ),
        ),
    ),
    special=(
        Special(
            "nan and infinities",
            (np.array([[_NAN, _INF, -_INF]]), np.array([1.0, -1.0, 1.0]), np.array([1.0, 1.0, 1.0])),
            np.array([[_NAN, -_INF, -_INF]]),
            "IEEE 754-2019, 6.1 and 6.2",
            _RUNNING,
        ),
    ),
    refuses=(
        Refusal(
            "a running mean for 2 of 3 channels",
            lambda f, tensor: f(
                tensor(2, 3), tensor(3), tensor(3), running_mean=(0.0, 0.0), running_var=(1.0,) * 3
            ),
        ),
        Refusal(
            "a weight for 2 of 3 channels",
            lambda f, tensor: f(tensor(2, 3), tensor(2), tensor(3), **_RUNNING),
        ),
    ),
    batch=_images,
    summations=(
        # (1 − 0)/√(1 + 0) is 1.
        of_gradient(1, _ones_in_evaluation, running_mean=(0.0,) * 4, running_var=(1.0,) * 4, eps=0.0),
        of_gradient(2, _ones_in_evaluation, running_mean=(0.0,) * 4, running_var=(1.0,) * 4, eps=0.0),
    ),
)


def _channels(parameters: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return parameters.reshape(-1, *[1] * (x.ndim - 2)).expand_as(x)
