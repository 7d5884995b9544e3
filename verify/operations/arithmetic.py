"""Arithmetic on entries, with broadcasting: add, sub, mul, div."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.axes import summed_to
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Operation, Special, Workload
from verify.records import promotions
from verify.records.refusals import not_a_tensor, not_broadcastable
from verify.records.sampling import always, broadcast_cost, elementwise_batch, normal, off_zero
from verify.records.summed import of_gradient

_CHECK = (
    Workload("7", ((7,), (7,))),
    Workload("5x33+33", ((5, 33), (33,))),
    Workload("1031", ((1031,), (1031,))),
    Workload("4x1+3x1x6", ((4, 1), (3, 1, 6))),
    Workload("6x10+6x10-transposed", ((6, 10), (6, 10)), layout="transposed"),
    Workload("3x401+scalar-strided", ((3, 401), ()), layout="strided"),
)
_BENCH = (
    Workload("4096x1024", ((4096, 1024), (4096, 1024))),
    Workload("64", ((64,), (64,))),
    Workload("4096x1024+1024", ((4096, 1024), (1024,))),
    Workload("1023x1025-strided", ((1023, 1025), (1023, 1025)), layout="strided"),
)
_NAN, _INF = np.nan, np.inf
_REFUSES = (not_broadcastable(), not_a_tensor(2))
_ONE_ROUNDING = "one rounding, IEEE 754-2019, 5.4.1; broadcasting: torch, Broadcasting semantics"
_SUMMED = "the gradient of a broadcast input is summed"


def _pairs(*pairs: tuple[float, float]) -> Inputs:
    first, second = zip(*pairs, strict=True)
    return np.array(first), np.array(second)


def _special(name: str, *rows: tuple[float, float, float]) -> Special:
    """Rows of two inputs and their required result."""
    x, y, result = (np.array(column) for column in zip(*rows, strict=True))
    return Special(name, (x, y), result, "IEEE 754-2019, 6.1 to 6.3")


def _to_both(of_x: Any, of_y: Any) -> Any:
    """A vjp from the two partial derivatives times g, each summed to its input's shape."""
    return lambda g, x, y: (summed_to(of_x(g, x, y), x.shape), summed_to(of_y(g, x, y), y.shape))


def _repeated(g: Array, x: Array, y: Array) -> Array:
    return g


_CANCELLING = HardInput("cancelling", lambda a: _pairs((1 + 2 * a.u, -1.0), (1.0, a.u - 1), (3.0, -3.0)))
_ZEROS = HardInput("zeros", lambda a: _pairs((0.0, -0.0), (0.0, 1.5), (-0.0, -2.0)))
_SUM_FAR = (
    HardInput("near overflow", lambda a: _pairs((a.largest / 2, a.largest / 4), (a.largest, -1.0)), far=True),
    HardInput(
        "subnormal", lambda a: _pairs((a.smallest, a.smallest), (a.smallest_normal, a.smallest)), far=True
    ),
)
_PRODUCT_FAR = (
    HardInput(
        "near overflow",
        lambda a: _pairs((a.largest / 16, 2.0), (1.0, a.largest / 8), (-0.5, a.largest / 8)),
        far=True,
    ),
    HardInput(
        "near underflow",
        lambda a: _pairs((a.smallest_normal, 1.5), (3.0, a.smallest_normal), (a.smallest, 7.0)),
        far=True,
    ),
)

ADD = Operation(
    name="add",
    subject="arithmetic",
    function=torch.add,
    forward=analysed("x + y", lambda x, y: x + y, _ONE_ROUNDING),
    vjp=analysed("∂x = g, ∂y = g (summed where broadcast)", _to_both(_repeated, _repeated), _SUMMED),
    domain=Domain(normal, (_CANCELLING, _ZEROS, *_SUM_FAR)),
    check=_CHECK,
    bench=_BENCH,
    cost=broadcast_cost(1),
    identities=(
        Identity("x + y = y + x", lambda f, x, y: f(x, y), lambda f, x, y: f(y, x)),
        Identity("x + y = x − (−y)", lambda f, x, y: f(x, y), lambda f, x, y: torch.sub(x, -y)),
    ),
    special=(
        _special("nan", (_NAN, 1.0, _NAN), (_INF, _NAN, _NAN)),
        _special("infinities", (_INF, 1.0, _INF), (_INF, _INF, _INF), (_INF, -_INF, _NAN)),
        _special("zeros", (0.0, -0.0, 0.0), (-0.0, -0.0, -0.0), (1.0, -1.0, 0.0)),
    ),
    refuses=_REFUSES,
    batch=elementwise_batch,
    summations=(of_gradient(1, lambda x: (x, x.new_zeros(()))),),
    entrywise=always,
    promotion=promotions.SUM_OF_TWO,
)

SUB = Operation(
    name="sub",
    subject="arithmetic",
    function=torch.sub,
    forward=analysed("x − y", lambda x, y: x - y, _ONE_ROUNDING),
    vjp=analysed(
        "∂x = g, ∂y = −g (summed where broadcast)", _to_both(_repeated, lambda g, x, y: -g), _SUMMED
    ),
    domain=Domain(normal, (_CANCELLING, _ZEROS, *_SUM_FAR)),
    check=_CHECK,
    bench=_BENCH,
    cost=broadcast_cost(1),
    identities=(
        Identity("x − y = −(y − x)", lambda f, x, y: f(x, y), lambda f, x, y: -f(y, x)),
        Identity("x − y = x + (−y)", lambda f, x, y: f(x, y), lambda f, x, y: torch.add(x, -y)),
    ),
    special=(
        _special("nan", (_NAN, 1.0, _NAN), (_INF, _NAN, _NAN)),
        _special("infinities", (_INF, 1.0, _INF), (_INF, -_INF, _INF), (_INF, _INF, _NAN)),
        _special("zeros", (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (1.0, 1.0, 0.0)),
    ),
    refuses=_REFUSES,
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.DIFFERENCE,
)

MUL = Operation(
    name="mul",
    subject="arithmetic",
    function=torch.mul,
    forward=analysed("x y", lambda x, y: x * y, _ONE_ROUNDING),
    vjp=analysed(
        "∂x = g y, ∂y = g x (summed where broadcast)",
        _to_both(lambda g, x, y: g * y, lambda g, x, y: g * x),
        _SUMMED,
    ),
    domain=Domain(normal, (_ZEROS, *_PRODUCT_FAR)),
    check=_CHECK,
    bench=_BENCH,
    cost=broadcast_cost(1),
    identities=(
        Identity("x y = y x", lambda f, x, y: f(x, y), lambda f, x, y: f(y, x)),
        Identity("(−x) y = −(x y)", lambda f, x, y: f(-x, y), lambda f, x, y: -f(x, y)),
    ),
    special=(
        _special("nan", (_NAN, 0.0, _NAN), (_INF, _NAN, _NAN)),
        _special("infinities", (_INF, -1.0, -_INF), (_INF, 0.0, _NAN), (-_INF, -_INF, _INF)),
        _special("zeros", (0.0, -0.0, -0.0), (-0.0, -1.0, 0.0), (0.0, 3.0, 0.0)),
    ),
    refuses=_REFUSES,
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.SUM_OF_TWO,
)


def _divisors(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal numerators, and denominators three quarters away from 0."""
    x, _ = normal(generator, workload)
    _, y = off_zero(generator, workload)
    return x, y + np.copysign(0.5, y)


DIV = Operation(
    name="div",
    subject="arithmetic",
    function=torch.div,
    forward=analysed("x/y", lambda x, y: x / y, _ONE_ROUNDING),
    vjp=analysed(
        "∂x = g/y, ∂y = −g x/y² (summed where broadcast)",
        _to_both(lambda g, x, y: g / y, lambda g, x, y: -g * x / (y * y)),
        f"{_SUMMED}; −g ((x/y)/y), as derivatives.yaml forms it",
        algorithm=_to_both(lambda g, x, y: g / y, lambda g, x, y: -g * ((x / y) / y)),
    ),
    domain=Domain(
        _divisors,
        (
            HardInput("zero divided", lambda a: _pairs((0.0, 2.0), (-0.0, 3.0))),
            HardInput("near overflow", lambda a: _pairs((a.largest / 16, 0.5), (a.largest, 8.0)), far=True),
            HardInput(
                "near underflow",
                lambda a: _pairs((a.smallest_normal, 1.5), (a.smallest_normal, 0.75), (7 * a.smallest, 3.0)),
                far=True,
            ),
        ),
    ),
    check=_CHECK,
    bench=_BENCH,
    cost=broadcast_cost(1),
    identities=(
        Identity("(−x)/y = −(x/y)", lambda f, x, y: f(-x, y), lambda f, x, y: -f(x, y)),
        Identity("2x/(2y) = x/y", lambda f, x, y: f(2 * x, 2 * y), lambda f, x, y: f(x, y)),
    ),
    special=(
        _special("nan", (_NAN, 1.0, _NAN), (_INF, _NAN, _NAN)),
        _special("infinities", (_INF, -2.0, -_INF), (_INF, _INF, _NAN), (1.0, -_INF, -0.0)),
        _special("division by zero", (1.0, 0.0, _INF), (1.0, -0.0, -_INF), (0.0, 0.0, _NAN)),
    ),
    refuses=_REFUSES,
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.QUOTIENT,
)
