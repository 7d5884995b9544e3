"""Convolutions: conv1d, conv2d."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between, either, twice
from verify.formulas.arithmetic import Arithmetic
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
from verify.operations.matmul import product_and_sum
from verify.records.refusals import not_a_tensor, other_dtype
from verify.records.sampling import normal
from verify.records.summed import of_gradient, ones_for_each
from verify.records.windows import Window, added, gathered
from verify.summation import Summation

_NAN, _INF = np.nan, np.inf


def _windows(x: Any, w: Any, options: dict[str, Any]) -> tuple[Window, ...]:
    """How each dimension of the images is read."""
    return tuple(
        Window(size, kernel, **{name: _per_axis(value, axis) for name, value in options.items()})
        for axis, (size, kernel) in enumerate(zip(x.shape[2:], w.shape[2:], strict=True))
    )


def _per_axis(value: Any, axis: int) -> int:
    return int(value[axis] if isinstance(value, tuple) else value)


def _columns(x: Any, indices: tuple[Array, ...], groups: int) -> Any:
    """What each output place reads, as a matrix a group. Shapes: (batch, groups, places, channels × taps)."""
    n, channels = x.shape[:2]
    read, axes = gathered(x, indices), range(2, 2 + 2 * len(indices), 2)
    places, taps = [read.shape[i] for i in axes], [read.shape[i + 1] for i in axes]
    grouped = np.reshape(read, (n, groups, channels // groups, *read.shape[2:]))
    order = (0, 1, *(i + 1 for i in axes), 2, *(i + 2 for i in axes))
    return np.reshape(
        np.transpose(grouped, order), (n, groups, math.prod(places), channels // groups * math.prod(taps))
    )


def _convolution(x: Any, w: Any, b: Any, groups: int = 1, **options: Any) -> Any:
    columns, filters, windows = _operands(x, w, groups, options)
    return _as_images(np.matmul(columns, filters), w, windows) + np.reshape(b, (-1, *[1] * len(windows)))


def _convolution_in_one_sum(x: Any, w: Any, b: Any, groups: int = 1, **options: Any) -> Any:
    columns, filters, windows = _operands(x, w, groups, options)
    return _as_images(product_and_sum(columns, filters, np.reshape(b, (groups, 1, -1))), w, windows)


def _operands(x: Any, w: Any, groups: int, options: dict[str, Any]) -> tuple[Any, Any, tuple[Window, ...]]:
    """What is read and the filters, as a matrix a group: (channels × taps, filters of the group)."""
    windows = _windows(x, w, options)
    filters = np.swapaxes(np.reshape(w, (groups, w.shape[0] // groups, -1)), 1, 2)
    return _columns(x, tuple(v.reads for v in windows), groups), filters, windows


def _as_images(product: Any, w: Any, windows: tuple[Window, ...]) -> Any:
    sizes = (product.shape[0], w.shape[0], *(v.places for v in windows))
    return np.reshape(np.swapaxes(product, 2, 3), sizes)


def _convolution_vjp(g: Any, x: Any, w: Any, b: Any, groups: int = 1, **options: Any) -> tuple[Any, ...]:
    windows = _windows(x, w, options)
    # Of x: what read each entry, times the filters with their input and output exchanged.
    back = _columns(g, tuple(v.read_by for v in windows), groups)
    turned = np.reshape(_turned(w, groups), (groups, -1, w.shape[1]))
    of_x = np.reshape(np.swapaxes(np.matmul(back, turned), 2, 3), x.shape)
    # Of w: what was read times the cotangent, over all places of all images in one sum.
    rows, columns = _by_group(g, x, windows, groups)
    rows = np.reshape(np.moveaxis(rows, 1, 2), (groups, w.shape[0] // groups, -1))
    of_w = np.matmul(rows, np.reshape(columns, (groups, -1, columns.shape[3])))
    return of_x, np.reshape(of_w, w.shape), g.sum(axis=(0, *range(2, g.ndim)))


def _convolution_vjp_in_columns(
    g: Any, x: Any, w: Any, b: Any, groups: int = 1, **options: Any
) -> tuple[Any, ...]:
    """By way of columns that are stored: one product a tap, and one a image, added where they belong."""
    windows = _windows(x, w, options)
    taps, per_group = math.prod(w.shape[2:]), w.shape[0] // groups
    back = _columns(g, tuple(v.read_by for v in windows), groups)
    back = np.moveaxis(np.reshape(back, (*back.shape[:3], per_group, taps)), 4, 0)
    turned = np.moveaxis(_turned(w, groups), 2, 0)
    of_x = added(np.matmul(back[k], turned[k]) for k in range(taps))
    rows, columns = _by_group(g, x, windows, groups)
    of_w = added(np.matmul(rows[:, i], columns[:, i]) for i in range(x.shape[0]))
    of_b = added(image.sum(axis=tuple(range(1, image.ndim))) for image in (g[i] for i in range(g.shape[0])))
    return np.reshape(np.swapaxes(of_x, 2, 3), x.shape), np.reshape(of_w, w.shape), of_b


def _turned(w: Any, groups: int) -> Any:
    """The filters with input and output exchanged. Shapes: (groups, filters of a group, taps, channels)."""
    return np.swapaxes(np.reshape(w, (groups, w.shape[0] // groups, w.shape[1], -1)), 2, 3)


def _by_group(g: Any, x: Any, windows: tuple[Window, ...], groups: int) -> tuple[Any, Any]:
    """The cotangent (groups, images, filters, places), and what was read (groups, images, places, terms)."""
    n, filters = g.shape[:2]
    rows = np.reshape(g, (n, groups, filters // groups, -1))
    columns = _columns(x, tuple(v.reads for v in windows), groups)
    return np.moveaxis(rows, 1, 0), np.moveaxis(columns, 1, 0)


_FORWARD = analysed(
    "y[n, f, p] = b[f] + Σ over channels c and taps k of x[n, c, stride p + dilation k − padding] w[f, c, k]",
    _convolution,
    "one sum of the terms and the bias, in any order: torch.nn.Conv2d",
    algorithm=_convolution_in_one_sum,
)
_IN_STEPS = analysed(_FORWARD.text, _convolution, "a stored product and a sum")
_GRADIENT = "∂x = Σ of g w over what read x, ∂w = Σ of g x over images and places, ∂b = Σ g"
_VJP = either(
    analysed(_GRADIENT, _convolution_vjp, "a direct kernel: one sum in any order"),
    analysed(
        _GRADIENT,
        _convolution_vjp,
        "ATen slow_conv2d: columns, one a tap, and one product an image, each sum of which is stored",
        algorithm=_convolution_vjp_in_columns,
    ),
)


def _cost(workload: Workload) -> Cost:
    x, w, b = workload.shapes
    options = {name: value for name, value in workload.options.items() if name != "groups"}
    windows = _windows(np.broadcast_to(0.0, x), np.broadcast_to(0.0, w), options)
    written = float(x[0] * w[0] * math.prod(v.places for v in windows))
    elements = math.prod(x) + math.prod(w) + math.prod(b) + written
    return Cost(2.0 * math.prod(w[1:]) * written, elements, written)


def _hard_inputs(ones: int) -> tuple[HardInput, ...]:
    """A filter of two taps over four entries, in the last of so many further dimensions of size 1."""

    def inputs(entries: Any, taps: Any, bias: float) -> Inputs:
        x, w = np.array(entries), np.array(taps)
        return x.reshape((1, 1, *[1] * ones, -1)), w.reshape((1, 1, *[1] * ones, -1)), np.array([bias])

    def near(a: Arithmetic, bound: float, room: int) -> float:
        return float(2.0 ** (int(np.log2(bound)) // 2 + room))

    return (
        HardInput("zeros", lambda a: inputs([0.0, -0.0, 1.5, 0.0], [0.0, -2.0], 0.0)),
        HardInput(
            "cancelling",
            lambda a: inputs([2.0 ** min(10, int(-np.log2(a.u))), 1.0, -1.0, 0.5], [1.0, 1.0], -1.0),
        ),
        HardInput(
            "near overflow",
            lambda a: inputs([near(a, a.largest, -2)] * 4, [near(a, a.largest, -2)] * 2, a.largest / 8),
            far=True,
        ),
        HardInput(
            "near underflow",
            lambda a: inputs(
                [near(a, a.smallest_normal, 1)] * 4, [near(a, a.smallest_normal, 1)] * 2, a.smallest_normal
            ),
            far=True,
        ),
    )


def _specials(ones: int) -> tuple[Special, ...]:
    def shaped(*entries: float) -> Array:
        return np.array(entries).reshape((1, 1, *[1] * ones, -1))

    return (
        Special(
            "nan and infinities",
            (shaped(_NAN, 1.0, 2.0, _INF, -_INF), shaped(1.0, 1.0), np.array([0.5])),
            shaped(_NAN, 3.5, _INF, _NAN),
            "IEEE 754-2019, 6.1 and 6.2",
        ),
        Special(
            "no images",
            (np.empty((0, 1, *[2] * (ones + 1))), np.ones((1, 1, *[1] * (ones + 1))), np.array([0.5])),
            np.empty((0, 1, *[2] * (ones + 1))),
            "torch.nn.Conv2d: a batch of size 0",
        ),
    )


def _is_pointwise(workload: Workload) -> bool:
    return not workload.options and math.prod(workload.shapes[1][2:]) == 1


_twice, _in_steps = twice(_FORWARD), between(_FORWARD, _IN_STEPS)


def _shifted(f: Any, x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, **options: Any) -> torch.Tensor:
    """With the padding written out as zeros."""
    padding = options.pop("padding")
    each = padding if isinstance(padding, tuple) else (padding,) * (x.ndim - 2)
    result: torch.Tensor = f(F.pad(x, [n for pad in reversed(each) for n in (pad, pad)]), w, b, **options)
    return result


_IDENTITIES = (
    Identity(
        "padding = zeros written out",
        lambda f, *x, **options: f(*x, **options),
        _shifted,
        _twice,
        applies=lambda workload: "padding" in workload.options,
    ),
    Identity(
        "one tap = a product of matrices",
        lambda f, x, w, b: f(x, w, b),
        lambda f, x, w, b: (
            torch.einsum("ncp,fc->nfp", x.flatten(2), w.flatten(1)).reshape(x.shape[0], -1, *x.shape[2:])
            + b.reshape(-1, *[1] * (x.ndim - 2))
        ),
        _in_steps,
        applies=_is_pointwise,
    ),
    Identity(
        "conv(x, w, b) = conv(x, w, 0) + b",
        lambda f, *x, **options: f(*x, **options),
        lambda f, x, w, b, **options: f(x, w, 0 * b, **options) + b.reshape(-1, *[1] * (x.ndim - 2)),
        _in_steps,
    ),
)


def _images(workload: Workload) -> Batch:
    return Batch((0, None, None))


CONV1D = Operation(
    name="conv1d",
    subject="convolution",
    function=F.conv1d,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(normal, _hard_inputs(ones=0)),
    check=(
        Workload("2x3x9-4x3", ((2, 3, 9), (4, 3, 3), (4,))),
        Workload("1x2x37-3x5-stride2-padding2", ((1, 2, 37), (3, 2, 5), (3,)), {"stride": 2, "padding": 2}),
        Workload(
            "2x4x11-6x3-groups2-dilation2-strided",
            ((2, 4, 11), (6, 2, 3), (6,)),
            {"groups": 2, "dilation": 2, "padding": 2},
            "strided",
        ),
        Workload("3x5x5-5x1-transposed", ((3, 5, 5), (5, 5, 1), (5,)), layout="transposed"),
    ),
    bench=(
        Workload("8x64x1024-64x3", ((8, 64, 1024), (64, 64, 3), (64,)), {"padding": 1}),
        Workload("1x8x64-8x3", ((1, 8, 64), (8, 8, 3), (8,))),
        Workload("4x32x1023-33x5-stride2", ((4, 32, 1023), (33, 32, 5), (33,)), {"stride": 2}),
    ),
    cost=_cost,
    identities=_IDENTITIES,
    special=_specials(ones=0),
    refuses=(
        Refusal(
            "3 channels and a filter for 4", lambda f, tensor: f(tensor(1, 3, 5), tensor(2, 4, 3), tensor(2))
        ),
        Refusal(
            "a filter longer than the input", lambda f, tensor: f(tensor(1, 1, 3), tensor(1, 1, 4), tensor(1))
        ),
        Refusal("a vector", lambda f, tensor: f(tensor(5), tensor(1, 1, 3), tensor(1))),
        Refusal(
            "a bias for 3 of 2 filters", lambda f, tensor: f(tensor(1, 1, 5), tensor(2, 1, 3), tensor(3))
        ),
        Refusal("a stride of 0", lambda f, tensor: f(tensor(1, 1, 5), tensor(1, 1, 3), tensor(1), stride=0)),
        Refusal(
            "a negative padding", lambda f, tensor: f(tensor(1, 1, 5), tensor(1, 1, 3), tensor(1), padding=-1)
        ),
        Refusal(
            "3 filters in 2 groups",
            lambda f, tensor: f(tensor(1, 2, 5), tensor(3, 1, 3), tensor(3), groups=2),
        ),
        other_dtype((1, 1, 5), (1, 1, 3)),
        not_a_tensor(2),
    ),
    batch=_images,
    summations=(
        Summation(lambda f, x: f(x[None, None], torch.ones_like(x)[None, None])[0, 0, 0]),
        of_gradient(1, lambda x: (ones_for_each(x, 2, 3), x.new_zeros(4, 2, 3), x.new_zeros(4))),
        of_gradient(2, lambda x: (ones_for_each(x, 2, 3), x.new_zeros(4, 2, 3), x.new_zeros(4))),
    ),
)

CONV2D = Operation(
    name="conv2d",
    subject="convolution",
    function=F.conv2d,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(normal, _hard_inputs(ones=1)),
    check=(
        Workload("2x3x5x5-4x3x3", ((2, 3, 5, 5), (4, 3, 3, 3), (4,))),
        Workload(
            "1x2x7x8-3x3x2-stride-padding",
            ((1, 2, 7, 8), (3, 2, 3, 2), (3,)),
            {"stride": (2, 3), "padding": (1, 0)},
        ),
        Workload(
            "2x4x6x7-4x2x3-depthwise-strided",
            ((2, 4, 6, 7), (4, 1, 2, 3), (4,)),
            {"groups": 4, "padding": 1},
            "strided",
        ),
        Workload(
            "1x4x9x9-6x3x3-groups2-dilation2-transposed",
            ((1, 4, 9, 9), (6, 2, 3, 3), (6,)),
            {"groups": 2, "dilation": 2},
            "transposed",
        ),
        Workload(
            "2x4x6x7-4x2x3-groups2-all-unlike",
            ((2, 4, 6, 7), (4, 2, 2, 3), (4,)),
            {"groups": 2, "stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)},
        ),
        Workload("2x33x3x4-5x1x1", ((2, 33, 3, 4), (5, 33, 1, 1), (5,))),
    ),
    bench=(
        Workload("8x64x32x32-64x3x3", ((8, 64, 32, 32), (64, 64, 3, 3), (64,)), {"padding": 1}),
        Workload("1x8x16x16-8x3x3", ((1, 8, 16, 16), (8, 8, 3, 3), (8,))),
        Workload("8x64x32x32-256x1x1", ((8, 64, 32, 32), (256, 64, 1, 1), (256,))),
        Workload(
            "8x64x32x32-64x3x3-depthwise",
            ((8, 64, 32, 32), (64, 1, 3, 3), (64,)),
            {"padding": 1, "groups": 64},
        ),
    ),
    cost=_cost,
    identities=_IDENTITIES,
    special=_specials(ones=1),
    refuses=(
        Refusal(
            "3 channels and a filter for 4",
            lambda f, tensor: f(tensor(1, 3, 5, 5), tensor(2, 4, 3, 3), tensor(2)),
        ),
        Refusal(
            "a filter larger than the input",
            lambda f, tensor: f(tensor(1, 1, 3, 3), tensor(1, 1, 3, 4), tensor(1)),
        ),
        Refusal("a matrix", lambda f, tensor: f(tensor(5, 5), tensor(1, 1, 3, 3), tensor(1))),
        Refusal(
            "a dilation of 0",
            lambda f, tensor: f(tensor(1, 1, 5, 5), tensor(1, 1, 3, 3), tensor(1), dilation=0),
        ),
        Refusal(
            "3 channels in 2 groups",
            lambda f, tensor: f(tensor(1, 3, 5, 5), tensor(2, 1, 3, 3), tensor(2), groups=2),
        ),
        other_dtype((1, 1, 5, 5), (1, 1, 3, 3)),
        not_a_tensor(2),
    ),
    batch=_images,
    summations=(
        Summation(
            lambda f, x: f(x[None, :, None, None], torch.ones_like(x)[None, :, None, None])[0, 0, 0, 0]
        ),
        of_gradient(1, lambda x: (ones_for_each(x, 2, 3, 3), x.new_zeros(4, 2, 3, 3), x.new_zeros(4))),
        of_gradient(2, lambda x: (ones_for_each(x, 2, 3, 3), x.new_zeros(4, 2, 3, 3), x.new_zeros(4))),
    ),
)
