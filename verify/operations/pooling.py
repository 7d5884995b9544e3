"""Pooling of images: avg_pool2d, max_pool2d."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, either, twice
from verify.formulas.arithmetic import Arithmetic
from verify.operation import (
    Array,
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
from verify.records.moments import unit
from verify.records.refusals import not_a_tensor
from verify.records.sampling import beside_one, distinct, first_of_all
from verify.records.windows import Window, added, gathered
from verify.summation import Summation

_NAN, _INF = np.nan, np.inf


def _windows(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1
) -> tuple[Window, Window]:
    """How rows and columns are read; the stride is the kernel's size where none is given."""
    each = (kernel_size, kernel_size if stride is None else stride, padding, dilation)
    pairs = (value if isinstance(value, tuple) else (value, value) for value in each)
    rows, columns = zip(*pairs, strict=True)
    return Window(x.shape[2], *rows), Window(x.shape[3], *columns)


def _read(x: Any, windows: tuple[Window, Window], backwards: bool = False) -> Any:
    """Shapes: (batch, channels, rows, columns, taps)."""
    indices = tuple(w.read_by if backwards else w.reads for w in windows)
    read = np.swapaxes(gathered(x, indices), 3, 4)
    return np.reshape(read, (*read.shape[:4], -1))


def _divisor(windows: tuple[Window, Window], count_include_pad: bool) -> Array:
    """How many entries each place takes the mean of."""
    rows, columns = windows
    if count_include_pad:
        return np.full((rows.places, columns.places), float(rows.kernel * columns.kernel))
    within = [(w.reads < w.size).sum(axis=1) for w in windows]
    return np.multiply.outer(*within).astype(float)


def _average(x: Any, count_include_pad: bool = True, **options: Any) -> Any:
    windows, scale = _windows(x, **options), unit(x, (0, 1, 2, 3))
    return _read(x / scale, windows).sum(axis=-1) / _divisor(windows, count_include_pad) * scale


def _average_vjp(g: Any, x: Any, count_include_pad: bool = True, **options: Any) -> tuple[Any]:
    windows = _windows(x, **options)
    return (_read(g / _divisor(windows, count_include_pad), windows, backwards=True).sum(axis=-1),)


def _average_vjp_in_steps(g: Any, x: Any, count_include_pad: bool = True, **options: Any) -> tuple[Any]:
    windows = _windows(x, **options)
    read = _read(g / _divisor(windows, count_include_pad), windows, backwards=True)
    return (added(read[..., k] for k in reversed(range(read.shape[-1]))),)


def _chosen(x: Any, windows: tuple[Window, Window]) -> Array:
    """The number, from 1 on, of the entry that each place takes: the first of the largest."""
    numbers = 1.0 + np.arange(x.shape[2] * x.shape[3]).reshape(1, 1, *x.shape[2:])
    shape = (*x.shape[:2], *(w.places for w in windows), _taps(windows))
    read = np.broadcast_to(_read(numbers, windows), shape)
    flat = np.reshape(x, (*x.shape[:2], -1))
    # A tap in the padding reads what the window's first tap inside it reads, and comes after it.
    inside = read > 0
    first = np.argmax(inside, axis=-1)[..., None]
    entry = np.where(inside, read, np.take_along_axis(read, first, axis=-1)).astype(int)
    n, c, rows, columns, taps = entry.shape
    values = np.take_along_axis(flat, np.reshape(entry, (n, c, -1)) - 1, axis=2)
    values = np.reshape(values, (n, c, rows, columns, taps))
    winner = np.argmax(values, axis=-1)[..., None]
    return np.asarray(np.take_along_axis(entry, winner, axis=-1)[..., 0])


def _taps(windows: tuple[Window, Window]) -> int:
    return math.prod(w.kernel for w in windows)


def _maximum(x: Any, **options: Any) -> Any:
    chosen = _chosen(x, _windows(x, **options))
    flat = np.reshape(x, (*x.shape[:2], -1))
    picked = np.take_along_axis(flat, np.reshape(chosen, (*x.shape[:2], -1)) - 1, axis=2)
    return np.reshape(picked, chosen.shape)


def _routed(g: Any, x: Any, **options: Any) -> Any:
    """Of the cotangents whose window read an entry those whose maximum it is, and 0 for the others."""
    windows = _windows(x, **options)
    numbers = 1 + np.arange(x.shape[2] * x.shape[3]).reshape(*x.shape[2:], 1)
    return _read(g, windows, backwards=True) * (
        _read(_chosen(x, windows), windows, backwards=True) == numbers
    )


def _maximum_vjp(g: Any, x: Any, **options: Any) -> tuple[Any]:
    return (_routed(g, x, **options).sum(axis=-1),)


def _maximum_vjp_in_steps(g: Any, x: Any, **options: Any) -> tuple[Any]:
    routed = _routed(g, x, **options)
    return (added(routed[..., k] for k in reversed(range(routed.shape[-1]))),)


_STORED = "windows that overlap are added one after another, each sum stored (ATen)"
_OF_AVERAGE = "∂x = Σ of g/n over the windows that read x"
_OF_MAXIMUM = "∂x = Σ of g over the windows whose maximum x is"
_AVERAGE = analysed("the mean of the entries in a window", _average, "a sum in any order and a quotient")
_MAXIMUM = analysed("the largest entry in a window", _maximum, "exact: no rounding")


def _image(*rows: list[float]) -> Array:
    return np.array(rows).reshape(1, 1, len(rows), -1)


def _hard(name: str, *rows: Callable[[Arithmetic], list[float]], far: bool = True) -> HardInput:
    """One image, each row of which is told of the arithmetic, under a window of 2 by 2."""
    return HardInput(name, lambda a: (_image(*(row(a) for row in rows)),), {"kernel_size": 2}, far)


def _half_lost(a: Arithmetic) -> float:
    """Beside it 1 is lost by half of its digits."""
    return float(2.0 ** np.floor(-np.log2(a.u) / 2))


def _no_images(source: str) -> Special:
    images = (np.empty((0, 2, 4, 4)),)
    return Special("no images", images, np.empty((0, 2, 2, 2)), source, {"kernel_size": 2})


def _cost(workload: Workload) -> Cost:
    options = {name: value for name, value in workload.options.items() if name != "count_include_pad"}
    shape = workload.shapes[0]
    windows = _windows(np.broadcast_to(0.0, shape), **options)
    written = float(math.prod(shape[:2]) * math.prod(w.places for w in windows))
    return Cost(written * _taps(windows), math.prod(shape) + written, written)


def _without_overlap(workload: Workload) -> bool:
    return set(workload.options) == {"kernel_size"}


def _as_blocks(x: torch.Tensor, kernel_size: int) -> torch.Tensor:
    """Windows side by side, as a last dimension; entries that fill no window are left out."""
    read = x.unfold(2, kernel_size, kernel_size).unfold(3, kernel_size, kernel_size)
    return read.flatten(-2)


_REFUSES = (
    Refusal("a vector", lambda f, tensor: f(tensor(5), kernel_size=2), (RuntimeError, IndexError)),
    Refusal("a window larger than the image", lambda f, tensor: f(tensor(1, 1, 3, 3), kernel_size=4)),
    Refusal(
        "a padding of more than half the window",
        lambda f, tensor: f(tensor(1, 1, 5, 5), kernel_size=2, padding=2),
    ),
    Refusal("a stride of 0", lambda f, tensor: f(tensor(1, 1, 5, 5), kernel_size=2, stride=0)),
    not_a_tensor(kernel_size=2),
)
_BENCH = (
    Workload("8x64x64x64-2", ((8, 64, 64, 64),), {"kernel_size": 2}),
    Workload("1x8x16x16-2", ((1, 8, 16, 16),), {"kernel_size": 2}),
    Workload("8x64x63x65-3-stride2", ((8, 64, 63, 65),), {"kernel_size": 3, "stride": 2, "padding": 1}),
)
_CHECK = (
    Workload("2x3x6x6-2", ((2, 3, 6, 6),), {"kernel_size": 2}),
    Workload("1x2x7x8-3x2-stride1x2", ((1, 2, 7, 8),), {"kernel_size": (3, 2), "stride": (1, 2)}),
    Workload(
        "2x1x9x5-3-stride2-strided",
        ((2, 1, 9, 5),),
        {"kernel_size": 3, "stride": 2, "padding": 1},
        "strided",
    ),
    Workload(
        "1x2x5x9-2x5-padding1x2",
        ((1, 2, 5, 9),),
        {"kernel_size": (2, 5), "stride": (1, 2), "padding": (1, 2)},
    ),
    Workload(
        "1x33x5x4-2-stride1-transposed", ((1, 33, 5, 4),), {"kernel_size": 2, "stride": 1}, "transposed"
    ),
)

AVG_POOL2D = Operation(
    name="avg_pool2d",
    subject="convolution",
    function=F.avg_pool2d,
    forward=_AVERAGE,
    vjp=either(
        analysed(_OF_AVERAGE, _average_vjp, "a quotient and a sum in any order"),
        analysed(
            _OF_AVERAGE,
            _average_vjp,
            _STORED,
            algorithm=_average_vjp_in_steps,
        ),
    ),
    domain=Domain(
        beside_one,
        (
            _hard("zeros", lambda a: [0.0, -0.0], lambda a: [1.5, 0.0], far=False),
            _hard("cancelling", lambda a: [1.0, _half_lost(a)], lambda a: [-_half_lost(a), 1.0]),
            _hard("near overflow", lambda a: [a.largest / 8] * 2, lambda a: [a.largest / 8] * 2),
            _hard("the sum overflows", lambda a: [a.largest / 2] * 2, lambda a: [a.largest / 2] * 2),
            _hard("subnormal", lambda a: [4 * a.smallest] * 2, lambda a: [4 * a.smallest] * 2),
        ),
    ),
    check=(
        *_CHECK,
        Workload(
            "2x2x5x5-3-stride2-without-pad",
            ((2, 2, 5, 5),),
            {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
        ),
    ),
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity("avg_pool(−x) = −avg_pool(x)", lambda f, x, **o: f(-x, **o), lambda f, x, **o: -f(x, **o)),
        Identity(
            "without overlap, the mean of each block",
            lambda f, x, kernel_size: f(x, kernel_size=kernel_size),
            lambda f, x, kernel_size: _as_blocks(x, kernel_size).mean(-1),
            twice(_AVERAGE),
            applies=_without_overlap,
        ),
    ),
    special=(
        Special(
            "nan and infinities",
            (_image([_NAN, 1.0, _INF, 1.0, _INF, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0, -_INF]),),
            _image([_NAN, _INF, _NAN]),
            "IEEE 754-2019, 6.1 and 6.2",
            {"kernel_size": 2},
        ),
        _no_images("torch.nn.AvgPool2d"),
    ),
    refuses=(
        *_REFUSES,
        Refusal("a divisor of 0", lambda f, tensor: f(tensor(1, 1, 4, 4), kernel_size=2, divisor_override=0)),
    ),
    batch=first_of_all,
    summations=(
        Summation(lambda f, x: f(x[None, None], kernel_size=(1, len(x)))[0, 0, 0], parts=lambda n: n),
    ),
)


def _distinct_images(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries of one image that differ by 1/2, so that no step of a difference changes a maximum."""
    shape = workload.shapes[0]
    images = [distinct(generator, Workload("", (shape[2:],)))[0] for _ in range(math.prod(shape[:2]))]
    return (np.reshape(np.array(images), shape),)


def _gradient(f: Any, x: torch.Tensor, cotangents: torch.Tensor, **options: Any) -> torch.Tensor:
    leaf = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(leaf, **options), leaf, cotangents)
    return gradient


def _falling(x: torch.Tensor) -> torch.Tensor:
    """As large as x, and smaller from entry to entry: the first of a window is its maximum."""
    return -torch.arange(x.numel(), dtype=x.dtype, device=x.device).reshape(x.shape)


MAX_POOL2D = Operation(
    name="max_pool2d",
    subject="convolution",
    function=F.max_pool2d,
    forward=_MAXIMUM,
    vjp=either(
        analysed(_OF_MAXIMUM, _maximum_vjp, "a sum in any order"),
        analysed(
            _OF_MAXIMUM,
            _maximum_vjp,
            _STORED,
            algorithm=_maximum_vjp_in_steps,
        ),
    ),
    domain=Domain(
        _distinct_images,
        (
            HardInput(
                "negative beside padding",
                lambda a: (_image([-1.0, -2.0], [-3.0, -4.0]),),
                {"kernel_size": 2, "padding": 1, "stride": 1},
            ),
            _hard("largest", lambda a: [-a.largest, a.largest], lambda a: [0.5, 1.0]),
            _hard("most negative", lambda a: [-a.largest, -a.largest / 2], lambda a: [-a.largest] * 2),
            _hard("subnormal", lambda a: [a.smallest, -a.smallest], lambda a: [0.0, 2 * a.smallest]),
        ),
    ),
    check=(
        *_CHECK,
        Workload("2x2x7x7-2-dilation3", ((2, 2, 7, 7),), {"kernel_size": 2, "stride": 2, "dilation": 3}),
        Workload(
            "1x2x6x8-2x5-dilation3x1",
            ((1, 2, 6, 8),),
            {"kernel_size": (2, 5), "stride": 1, "padding": (0, 2), "dilation": (3, 1)},
        ),
    ),
    bench=_BENCH,
    cost=_cost,
    identities=(
        Identity(
            "max_pool(2x − 1) = 2 max_pool(x) − 1",
            lambda f, x, **o: f(2 * x - 1, **o),
            lambda f, x, **o: 2 * f(x, **o) - 1,
        ),
        Identity(
            "of equal entries the first has the gradient",
            lambda f, x, **o: _gradient(f, 0 * x, f(x, **o), **o),
            lambda f, x, **o: _gradient(f, _falling(x), f(x, **o), **o),
        ),
        Identity(
            "without overlap, the largest of each block",
            lambda f, x, kernel_size: f(x, kernel_size=kernel_size),
            lambda f, x, kernel_size: _as_blocks(x, kernel_size).amax(-1),
            applies=_without_overlap,
        ),
    ),
    special=(
        Special(
            "nan and infinities",
            (_image([_NAN, 1.0, _INF, 1.0, -_INF, -_INF], [1.0, 1.0, 1.0, -_INF, -_INF, -_INF]),),
            _image([_NAN, _INF, -_INF]),
            "IEEE 754-2019, 9.6: maximum; padding is −inf (torch.nn.MaxPool2d)",
            {"kernel_size": 2},
        ),
        _no_images("torch.nn.MaxPool2d"),
    ),
    refuses=(
        *_REFUSES,
        Refusal("a dilation of 0", lambda f, tensor: f(tensor(1, 1, 4, 4), kernel_size=2, dilation=0)),
    ),
    batch=first_of_all,
)
