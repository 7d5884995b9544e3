"""Rounding to whole numbers, exact on every input: floor, ceil, round, trunc, frac."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.elementary import rint, trunc
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Operation, Special, Workload
from verify.records import promotions
from verify.records.refusals import not_a_tensor
from verify.records.sampling import always, elementwise_batch, elementwise_cost, off_whole_numbers, values

_CHECK = (
    Workload("7", ((7,),)),
    Workload("5x33", ((5, 33),)),
    Workload("1031", ((1031,),)),
    Workload("6x10-transposed", ((6, 10),), layout="transposed"),
    Workload("3x401-strided", ((3, 401),), layout="strided"),
)
_BENCH = (
    Workload("4096x1024", ((4096, 1024),)),
    Workload("64", ((64,),)),
    Workload("1023x1025-strided", ((1023, 1025),), layout="strided"),
)


def _beyond(a: Arithmetic) -> Inputs:
    """From 1/u on every number is whole, and next to it are the last that are not."""
    last = 1 / a.u
    return values(last, last / 2 - 0.5, 0.5 - last / 2, -last, 2 * last, a.largest, -a.largest)


_FAR = (
    # Jumps: a finite difference shows nothing there, the closed form does.
    HardInput(
        "halves", lambda a: values(0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.5 - a.u / 2, 0.5 + a.u), far=True
    ),
    HardInput("whole numbers", lambda a: values(0.0, 1.0, -1.0, 7.0, -8.0, 1 - a.u, 1 + 2 * a.u), far=True),
    HardInput("no fraction left", _beyond, far=True),
    HardInput("smallest", lambda a: values(a.smallest, -a.smallest, a.smallest_normal), far=True),
)
_EXACT = "exact (IEEE 754-2019, 5.9)"
_STEPS = "exact; torch takes the derivative of a step to be 0, at the jumps too (derivatives.yaml)"


def _special(name: str, *pairs: tuple[float, float]) -> Special:
    x, result = zip(*pairs, strict=True)
    return Special(name, values(*x), np.array(result), "Array API standard 2024.12 and IEEE 754-2019, 5.9")


def _record(
    name: str,
    formula: str,
    evaluate: Callable[[Any], Any],
    special: tuple[tuple[float, float], ...],
    identities: tuple[Identity, ...],
    slope: int = 0,
) -> Operation:
    """A rounding whose derivative is the same whole number everywhere."""

    def vjp(g: Array, x: Array) -> tuple[Array]:
        return (slope * g + 0 * x,)

    return Operation(
        name=name,
        subject="rounding",
        function=getattr(torch, name),
        forward=analysed(formula, evaluate, _EXACT),
        vjp=analysed("∂x = g" if slope else "∂x = 0", vjp, _STEPS),
        domain=Domain(off_whole_numbers, _FAR),
        check=_CHECK,
        bench=_BENCH,
        cost=elementwise_cost(1),
        identities=identities,
        special=(_special("signed zeros, nan and beyond", *special),),
        refuses=(not_a_tensor(),),
        promotion=promotions.FLOATING_ALONE if slope else promotions.ROUNDED,
        batch=elementwise_batch,
        entrywise=always,
    )


_NAN, _INF = np.nan, np.inf
_ENDS = ((_NAN, _NAN), (_INF, _INF), (-_INF, -_INF), (0.0, 0.0), (-0.0, -0.0))

FLOOR = _record(
    "floor",
    "⌊x⌋ = max {n whole : n ≤ x}",
    np.floor,
    (*_ENDS, (0.5, 0.0), (-0.5, -1.0), (2.0, 2.0)),
    (
        Identity("⌊x⌋ = −⌈−x⌉", lambda f, x: f(x), lambda f, x: -torch.ceil(-x)),
        Identity("⌊⌊x⌋⌋ = ⌊x⌋", lambda f, x: f(f(x)), lambda f, x: f(x)),
    ),
)
CEIL = _record(
    "ceil",
    "⌈x⌉ = min {n whole : n ≥ x}",
    np.ceil,
    (*_ENDS, (0.5, 1.0), (-0.5, -0.0), (2.0, 2.0)),
    (
        Identity("⌈x⌉ = −⌊−x⌋", lambda f, x: f(x), lambda f, x: -torch.floor(-x)),
        Identity(
            "⌈x⌉ − ⌊x⌋ = 1 off the whole numbers", lambda f, x: f(x) - x.floor(), lambda f, x: 0 * x + 1
        ),
    ),
)
ROUND = _record(
    "round",
    "the whole number nearest to x, the even one of two",
    rint,
    (*_ENDS, (0.5, 0.0), (-0.5, -0.0), (1.5, 2.0), (2.5, 2.0), (-2.5, -2.0)),
    (
        Identity("round(−x) = −round(x)", lambda f, x: f(-x), lambda f, x: -f(x)),
        Identity("round(x + 2) = round(x) + 2", lambda f, x: f(x + 2), lambda f, x: f(x) + 2),
    ),
)
TRUNC = _record(
    "trunc",
    "x towards 0: sign(x) ⌊|x|⌋",
    trunc,
    (*_ENDS, (0.5, 0.0), (-0.5, -0.0), (-1.5, -1.0)),
    (
        Identity("trunc(−x) = −trunc(x)", lambda f, x: f(-x), lambda f, x: -f(x)),
        Identity("x = trunc(x) + frac(x)", lambda f, x: f(x) + torch.frac(x), lambda f, x: x),
    ),
)
FRAC = _record(
    "frac",
    "x − trunc(x)",
    lambda x: x - trunc(x),
    ((_NAN, _NAN), (_INF, _NAN), (-_INF, _NAN), (0.0, 0.0), (2.0, 0.0), (1.75, 0.75), (-1.75, -0.75)),
    (
        Identity("x = trunc(x) + frac(x)", lambda f, x: torch.trunc(x) + f(x), lambda f, x: x),
        Identity("frac(−x) = −frac(x)", lambda f, x: f(-x), lambda f, x: -f(x)),
    ),
    slope=1,
)
