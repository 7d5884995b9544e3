"""Loss: what every loss of an input and a target shares, so that its record holds only what is its own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array, Batch, Cost, Formula, Options, Refusal, Special, Workload
from verify.records.elementwise import INF, NAN
from verify.records.sampling import elementwise_batch

NONE, SUM = {"reduction": "none"}, {"reduction": "sum"}

BENCH = tuple(
    Workload(label, (shape, shape), layout=layout)
    for label, shape, layout in (
        ("1024x1024", (1024, 1024), "contiguous"),
        ("64", (64,), "contiguous"),
        ("1000003", (1_000_003,), "contiguous"),
        ("1023x1025-strided", (1023, 1025), "strided"),
    )
)
_SHAPES: tuple[tuple[str, tuple[int, ...], str, Options], ...] = (
    ("37", (37,), "contiguous", {}),
    ("4x6-sum", (4, 6), "contiguous", SUM),
    ("3x5-none-transposed", (3, 5), "transposed", NONE),
    ("5x41-none", (5, 41), "contiguous", NONE),
    ("1031-none", (1031,), "contiguous", NONE),
    ("7x9-strided", (7, 9), "strided", {}),
    ("6-sum", (6,), "contiguous", SUM),
)
UNKNOWN_REDUCTION = Refusal(
    "reduction='max'", lambda f, tensor: f(tensor(3), tensor(3), reduction="max"), (ValueError,)
)


def varied(*options: Options) -> tuple[Workload, ...]:
    """Six workloads with all reductions and layouts, which take turns in having these options."""
    made = []
    for i, (label, shape, layout, reduction) in enumerate(_SHAPES):
        more = options[i % len(options)]
        text = "".join(f"-{name}-{value}" for name, value in more.items())
        made.append(Workload(f"{label}{text}", (shape, shape), {**reduction, **more}, layout))
    return tuple(made)


def reduced(loss: Array, reduction: str = "mean") -> Array:
    """The entries, their sum, or their mean."""
    if reduction == "none":
        return loss
    total: Array = loss.sum()
    return total / loss.size if reduction == "mean" else total


def shared(g: Array, entries: Array, reduction: str = "mean") -> Array:
    """The cotangent of each entry's loss."""
    return g / entries.size if reduction == "mean" else g


def cost(flops: float) -> Callable[[Workload], Cost]:
    """So many flops an entry, two inputs read; what is written is small beside them."""

    def of(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, 2 * n)

    return of


def batch(workload: Workload) -> Batch | None:
    """Entries are independent as long as they are not reduced."""
    return elementwise_batch(workload) if workload.options.get("reduction") == "none" else None


def unreduced(options: Options) -> bool:
    """Whether each entry has a loss of its own: not reduced, and without weights of another shape."""
    return options.get("reduction") == "none" and options.keys().isdisjoint({"weight", "pos_weight"})


def within(formula: Formula) -> Callable[..., Any]:
    """The bound of a result that is known by this formula. Shapes: that of the result."""

    def bound(a: Arithmetic, *inputs: Array, **options: Any) -> Any:
        return a.stored(formula.evaluate(*inputs, **options), formula.bound(a, *inputs, **options))

    return bound


def of_pairs(name: str, source: str, *rows: tuple[float, float, float], options: Options = NONE) -> Special:
    """Rows of two inputs and the loss that is required, so often that a vectorised loop meets each."""
    x, y, result = (np.tile(np.array(column), 17) for column in zip(*rows, strict=True))
    return Special(name, (x, y), result, source, options)


def nothing() -> Special:
    """A sum over no entries."""
    return Special("empty", (np.zeros(0), np.zeros(0)), np.zeros(()), "an empty sum is 0", SUM)


# A torch before 2.3 has no such function, and asks to compile nothing here.
_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", lambda: False)


def quietly(function: Callable[..., Any]) -> Callable[..., Any]:
    """A loss without its advice about shapes and reductions, which is no part of its result."""

    def quiet(*inputs: Any, **options: Any) -> Any:
        if _compiling():
            # torch compiles nothing that catches warnings.
            return function(*inputs, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*inputs, **options)

    return quiet


def mismatched(**options: Any) -> Refusal:
    """Two shapes of which neither repeats to the other."""
    return Refusal("shapes 3 and 4", lambda f, tensor: quietly(f)(tensor(3), tensor(4), **options))


def infinite(name: str) -> tuple[Special, ...]:
    """What a loss of the distance is where an input is nan or infinite, by its formula in torch.nn."""
    source = f"the formula of torch.nn.{name}; IEEE 754-2019, 6.1 and 6.2"
    return (
        of_pairs("nan", source, (NAN, 1.0, NAN), (1.0, NAN, NAN), (INF, INF, NAN)),
        of_pairs("infinities", source, (INF, 1.0, INF), (-INF, 1.0, INF), (INF, -INF, INF)),
        of_pairs("equal", source, (1.0, 1.0, 0.0), (-0.0, 0.0, 0.0)),
        nothing(),
    )
