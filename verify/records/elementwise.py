"""Elementwise: what every function of one number shares, so that its record holds only what is its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.elementary import ELEMENTARY
from verify.formulas.running_error import Computed
from verify.operation import (
    Array,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.promotion import Promotion
from verify.records.refusals import not_a_tensor
from verify.records.sampling import always, elementwise_batch, elementwise_cost, values

NAN, INF = math.nan, math.inf

# Inputs and results that are required of many functions, and names for several such pairs.
Pairs = tuple[tuple[float, float], ...]
Rows = Mapping[str, Pairs]
NAN_STAYS: Pairs = ((NAN, NAN),)
ZERO_STAYS: Pairs = ((0.0, 0.0), (-0.0, -0.0))
ONE_AT_ZERO: Pairs = ((0.0, 1.0), (-0.0, 1.0))
POLE_AT_ZERO: Pairs = ((0.0, INF), (-0.0, -INF))
NOT_BELOW_ZERO: Pairs = ((NAN, NAN), (-1.0, NAN), (-INF, NAN))
NOT_AT_INFINITY: Pairs = ((INF, NAN), (-INF, NAN))

CHECK = (
    Workload("7", ((7,),)),
    Workload("scalar", ((),)),
    Workload("5x33", ((5, 33),)),
    # Longer than the body of any vectorised loop, and no multiple of it.
    Workload("1031", ((1031,),)),
    Workload("6x10-transposed", ((6, 10),), layout="transposed"),
    Workload("3x401-strided", ((3, 401),), layout="strided"),
)
BENCH = (
    Workload("4096x1024", ((4096, 1024),)),
    Workload("64", ((64,),)),
    Workload("1000003", ((1_000_003,),)),
    Workload("1024x1024-strided", ((1024, 1024),), layout="strided"),
)

ZEROS = HardInput("zeros", lambda a: values(0.0, -0.0))
SMALLEST = HardInput(
    "smallest", lambda a: values(a.smallest, -a.smallest, a.smallest_normal, -a.smallest_normal)
)

# A floating-point result is not stored as whole numbers (torch.can_cast).
INTO_INTEGERS = Refusal(
    "an out of int64",
    lambda f, tensor: f(tensor(3), out=torch.empty(3, dtype=torch.int64, device=tensor().device)),
)

# Special values stand often enough in a row that the body of a vectorised loop meets each of them, as does
# its rest: no vector register holds so many, and the number is odd.
_REPEATED = 17


def elementwise(
    name: str,
    subject: str,
    function: Callable[..., Any],
    forward: Formula,
    vjp: Formula,
    domain: Domain,
    identities: tuple[Identity, ...],
    special: tuple[Special, ...],
    *,
    naive: Callable[..., Any] | None = None,
    refuses: tuple[Refusal, ...] = (),
    check: tuple[Workload, ...] = CHECK,
    bench: tuple[Workload, ...] = BENCH,
    promotion: Promotion | None = None,
) -> Operation:
    """An operation that takes one tensor entry by entry.

    Its hard inputs that are not far are asked with every option of its workloads too: where pieces meet,
    an option decides.
    """
    domain = replace(domain, hard=(*domain.hard, *_with_options(domain, check)))
    return Operation(
        name=name,
        subject=subject,
        function=function,
        forward=forward,
        vjp=vjp,
        domain=domain,
        check=check,
        bench=bench,
        cost=elementwise_cost(1),
        identities=identities,
        naive=naive,
        special=special,
        refuses=(not_a_tensor(**check[0].options), *refuses),
        batch=elementwise_batch,
        entrywise=always,
        promotion=promotion,
    )


def _with_options(domain: Domain, check: tuple[Workload, ...]) -> Iterator[HardInput]:
    told = {", ".join(f"{key} {value}" for key, value in w.options.items()): w.options for w in check}
    for hard in domain.hard:
        for text, options in told.items():
            if options and not hard.far and not hard.options:
                yield HardInput(f"{hard.name}, {text}", hard.build, options)


def gradient(
    text: str,
    derivative: Callable[..., Any],
    source: str,
    algorithm: Callable[..., Any] | None = None,
    fused: bool = False,
) -> Formula:
    """The vjp of one input: g f′(x) as it is in mathematics and, where that differs, as torch forms it."""

    def alone(one: Callable[..., Any]) -> Callable[..., Any]:
        return lambda g, x, **options: (one(g, x, **options),)

    return analysed(text, alone(derivative), source, alone(algorithm) if algorithm else None, fused)


class _AnalysedFunctions:
    """NumPy's functions, and where it has none by a name, the elementary function of that name."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name) if hasattr(np, name) else ELEMENTARY[name]


def agreement(
    name: str,
    steps: Callable[..., Any],
    left: Callable[..., Any],
    right: Callable[..., Any],
    applies: Callable[[Workload], bool] = lambda workload: True,
) -> Identity:
    """Two expressions that are equal but for rounding, each written once for torch and for its bound.

    A side takes the function, where to find others by torch's name, the input and the options. `steps` is the
    function as torch forms it, in NumPy.
    """

    def error(side: Callable[..., Any], a: Arithmetic, x: Array, options: dict[str, Any]) -> Any:
        result = side(steps, _AnalysedFunctions(), Computed(x, np.zeros(x.shape), a), **options)
        return result.read if isinstance(result, Computed) else 0.0

    return Identity(
        name,
        lambda f, x, **options: left(f, torch, x, **options),
        lambda f, x, **options: right(f, torch, x, **options),
        lambda a, x, **options: error(left, a, x, options) + error(right, a, x, options),
        applies=applies,
    )


def even(symbol: str, steps: Callable[..., Any]) -> Identity:
    """f(−x) = f(x)."""
    return agreement(f"{symbol}(−x) = {symbol} x", steps, lambda f, m, x: f(-x), lambda f, m, x: f(x))


def odd(symbol: str, steps: Callable[..., Any]) -> Identity:
    """f(−x) = −f(x)."""
    return agreement(f"{symbol}(−x) = −{symbol} x", steps, lambda f, m, x: f(-x), lambda f, m, x: -f(x))


def far(name: str, build: Callable[[Arithmetic], Inputs], **options: Any) -> HardInput:
    """A hard input beyond the range where the textbook formula works or a finite difference sees anything."""
    return HardInput(name, build, options, far=True)


def special(source: str, rows: Rows) -> tuple[Special, ...]:
    """Special values by name, of each the pairs of input and required result; and an input of no entries."""
    return (*(required(name, pairs, source) for name, pairs in rows.items()), no_entries())


def required(name: str, pairs: Pairs, source: str, **options: Any) -> Special:
    """Inputs and the results that a source requires of them."""
    x, y = (np.tile(np.array(column, dtype=float), _REPEATED) for column in zip(*pairs, strict=True))
    return Special(name, (x,), y, source, options)


def no_entries(**options: Any) -> Special:
    """Of an input without entries the result has its shape, and no entries."""
    return Special("no entries", (np.zeros((0, 3)),), np.zeros((0, 3)), "one result an entry", options)


def array_api(function: str) -> str:
    """The source of special values that the Python array API standard requires of a function."""
    return f"Python array API standard 2024.12, {function}, special cases"


def positive(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries from 1/2 to some 30: a singularity at 0 is four of a difference's longest steps away."""
    return tuple(
        (0.5 + np.abs(generator.standard_normal(shape))) * 2.0 ** generator.integers(0, 4, size=shape)
        for shape in workload.shapes
    )


def between(low: float, high: float) -> Callable[[np.random.Generator, Workload], Inputs]:
    """A sampler of entries that are uniform in an interval."""

    def sample(generator: np.random.Generator, workload: Workload) -> Inputs:
        return tuple(generator.uniform(low, high, shape) for shape in workload.shapes)

    sample.__doc__ = f"Entries that are uniform between {low:g} and {high:g}."
    return sample
