"""Powers: square, reciprocal, pow and the power of a number."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.operation import Domain, HardInput, Identity, Inputs, Refusal, Workload
from verify.records import promotions
from verify.records.elementwise import (
    BENCH,
    CHECK,
    INF,
    INTO_INTEGERS,
    NAN,
    NAN_STAYS,
    ONE_AT_ZERO,
    POLE_AT_ZERO,
    SMALLEST,
    ZERO_STAYS,
    ZEROS,
    agreement,
    array_api,
    elementwise,
    far,
    gradient,
    no_entries,
    positive,
    required,
    special,
)
from verify.records.sampling import normal, off_zero, values

SUBJECT = "powers"
IEEE = "IEEE 754-2019, 9.2.1"


def times(number: float, *factors: float) -> Inputs:
    """A number times each of these factors, as the inputs of an operation."""
    return values(*(number * factor for factor in factors))


def power(x: Any, exponent: float) -> Any:
    """xᵖ as torch forms it: common powers by products, quotients and roots (PowKernel.cpp, PowKernel.cu)."""
    shortcuts = {
        0: lambda: 0 * x + 1,
        1: lambda: x,
        2: lambda: x * x,
        3: lambda: x * x * x,
        -1: lambda: 1 / x,
        -2: lambda: 1 / (x * x),
        0.5: lambda: np.sqrt(x),
        -0.5: lambda: 1 / np.sqrt(x),
    }
    return shortcuts.get(exponent, lambda: x**exponent)()


SQUARE = elementwise(
    "square",
    SUBJECT,
    torch.square,
    analysed("x²", lambda x: x * x, "one rounding, IEEE 754-2019, 5.4.1"),
    gradient("∂x = 2g x", lambda g, x: g * (2 * x), "pow_backward (FunctionsManual.cpp)"),
    Domain(
        normal,
        (
            ZEROS,
            far("near overflow", lambda a: values(np.sqrt(a.largest / 2), -np.sqrt(a.largest / 2))),
            far(
                "near underflow",
                lambda a: values(np.sqrt(2 * a.smallest_normal), -np.sqrt(7 * a.smallest), a.smallest),
            ),
        ),
    ),
    (
        Identity("(−x)² = x²", lambda f, x: f(-x), lambda f, x: f(x)),
        Identity("x² = x x", lambda f, x: f(x), lambda f, x: x * x),
    ),
    special(
        array_api("square"),
        {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, INF)), "zeros": ((0.0, 0.0), (-0.0, 0.0))},
    ),
    promotion=promotions.POWER,
)


def _off_the_pole(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries moved away from 0 by 1/2."""
    return tuple(x + np.copysign(0.25, x) for x in off_zero(generator, workload))


RECIPROCAL = elementwise(
    "reciprocal",
    SUBJECT,
    torch.reciprocal,
    analysed("1/x", lambda x: 1 / x, "one rounding, IEEE 754-2019, 5.4.1"),
    gradient(
        "∂x = −g/x²",
        lambda g, x: -g / (x * x),
        "−g y² from the stored y (derivatives.yaml, reciprocal)",
        lambda g, x: -g * ((1 / x) * (1 / x)),
    ),
    Domain(
        _off_the_pole,
        (
            HardInput("beside one", lambda a: values(1.0, -1.0, 1 - a.u, 1 + 2 * a.u)),
            far("steep", lambda a: values(4 / np.sqrt(a.largest), -8 / np.sqrt(a.largest))),
            far("flat", lambda a: values(0.125 / np.sqrt(a.smallest_normal), a.largest, -a.largest / 3)),
        ),
    ),
    (
        Identity("1/(2x) = (1/x)/2", lambda f, x: f(2 * x), lambda f, x: f(x) / 2),
        agreement("x (1/x) = 1", lambda x: 1 / x, lambda f, m, x: x * f(x), lambda f, m, x: 0 * x + 1),
    ),
    special(
        array_api("reciprocal"),
        {"nan": NAN_STAYS, "infinities": ((INF, 0.0), (-INF, -0.0)), "zeros": POLE_AT_ZERO},
    ),
    refuses=(INTO_INTEGERS,),
    promotion=promotions.TO_FLOATING,
)


def _bases(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries where the exponent is 2 or 3, else positive ones from 1/2 to 16."""
    if workload.options["exponent"] in (2, 3):
        return normal(generator, workload)
    # (4 · 16)²·⁵ is a number of float16 too.
    return tuple(np.minimum(x, 16) for x in positive(generator, workload))


def _each(option: str, *numbers: float, workloads: tuple[Workload, ...]) -> tuple[Workload, ...]:
    """The workloads, which take turns in having one of these numbers as an option."""
    return tuple(
        Workload(f"{w.label}-{option}-{number:g}", w.shapes, {option: number}, w.layout)
        for w, number in zip(workloads, itertools.cycle(numbers), strict=False)
    )


POW = elementwise(
    "pow",
    SUBJECT,
    torch.pow,
    analysed("xᵖ", lambda x, exponent: x**exponent, "products and roots, or pow (PowKernel.cpp)", power),
    gradient(
        "∂x = g p xᵖ⁻¹",
        lambda g, x, exponent: g * exponent * x ** (exponent - 1),
        "g (p xᵖ⁻¹) (pow_backward, FunctionsManual.cpp)",
        lambda g, x, exponent: g * (exponent * power(x, exponent - 1)),
    ),
    Domain(
        _bases,
        (
            HardInput("zeros squared", ZEROS.build, {"exponent": 2}),
            HardInput("zeros cubed", ZEROS.build, {"exponent": 3}),
            HardInput("beside one", lambda a: values(1.0, 1 - a.u, 1 + 2 * a.u), {"exponent": 2.5}),
            far("cube near overflow", lambda a: times((a.largest / 2) ** (1 / 3), 1, -0.9, 0.7), exponent=3),
            far("near overflow", lambda a: times((a.largest / 2) ** 0.4, 1, 0.9, 0.7), exponent=2.5),
            far("near underflow", lambda a: times(a.smallest_normal**0.4, 2, 3, 5), exponent=2.5),
            far("root of little", lambda a: values(a.smallest_normal, 5 * a.smallest), exponent=0.5),
            far("square overflows", lambda a: times(np.sqrt(a.largest), 1.02, -1.04, 1.06), exponent=-1),
        ),
    ),
    (
        agreement(
            "(4x)ᵖ = 4ᵖ xᵖ",
            power,
            lambda f, m, x, exponent: f(4 * x, exponent=exponent),
            lambda f, m, x, exponent: 4.0**exponent * f(x, exponent=exponent),
        ),
        agreement(
            "xᵖ = x xᵖ⁻¹",
            power,
            lambda f, m, x, exponent: f(x, exponent=exponent),
            lambda f, m, x, exponent: x * f(x, exponent=exponent - 1),
        ),
    ),
    (
        *(
            required(f"exponent {p:g}", pairs, array_api("pow"), exponent=p)
            for p, pairs in (
                (0, ((NAN, 1.0), (INF, 1.0), (-INF, 1.0), (0.0, 1.0), (-0.0, 1.0))),
                (2, ((NAN, NAN), (INF, INF), (-INF, INF), (0.0, 0.0), (-0.0, 0.0))),
                (3, ((NAN, NAN), (INF, INF), (-INF, -INF), *ZERO_STAYS)),
                (-1, ((NAN, NAN), (INF, 0.0), (-INF, -0.0), *POLE_AT_ZERO)),
                (-2, ((NAN, NAN), (INF, 0.0), (-INF, 0.0), (0.0, INF), (-0.0, INF))),
                (2.5, ((NAN, NAN), (INF, INF), (-INF, INF), (0.0, 0.0), (-0.0, 0.0), (-2.0, NAN))),
                (0.5, ((NAN, NAN), (INF, INF), (0.0, 0.0), (-2.0, NAN))),
            )
        ),
        required("unlike a root", ((-0.0, 0.0), (-INF, INF)), array_api("pow"), exponent=0.5),
        no_entries(exponent=2),
    ),
    naive=lambda x, exponent: torch.exp(exponent * torch.log(x)),
    refuses=(
        Refusal(
            "a whole number to the power −1",
            lambda f, tensor: f(torch.tensor(2, device=tensor().device), exponent=-1),
        ),
    ),
    check=_each("exponent", 2, 0.5, 3, 2.5, -1, workloads=CHECK),
    bench=_each("exponent", 2, 0.5, 3, 2.5, workloads=BENCH),
    promotion=promotions.POWER,
)


def _exponential(x: Any, base: float) -> Any:
    return np.power(base, x)


def _log_of(base: float, x: Any) -> Any:
    """The logarithm of a number in the arithmetic of x, in which the number itself is exact."""
    return np.log(0 * x + base)


POWER_OF_SCALAR = elementwise(
    "power_of_scalar",
    SUBJECT,
    lambda x, base: torch.pow(base, x),
    analysed("aˣ", _exponential, "the documented error of pow"),
    gradient(
        "∂x = g aˣ ln a",
        lambda g, x, base: g * (_exponential(x, base) * _log_of(base, x)),
        "from the stored y (pow_backward_exponent, FunctionsManual.cpp)",
    ),
    Domain(
        normal,
        (
            HardInput("zeros", ZEROS.build, {"base": 10.0}),
            HardInput("smallest", SMALLEST.build, {"base": 0.5}),
            far("near overflow", lambda a: times(np.log2(a.largest / 8), 1, 0.93, 0.87), base=2.0),
            far("near underflow", lambda a: times(np.log10(8 * a.smallest_normal), 1, 0.93, 0.7), base=10.0),
            far("beyond", lambda a: values(a.largest, a.largest / 2), base=0.5),
        ),
    ),
    (
        agreement(
            "a⁻ˣ aˣ = 1",
            _exponential,
            lambda f, m, x, base: f(-x, base=base) * f(x, base=base),
            lambda f, m, x, base: 0 * x + 1,
        ),
        agreement(
            "2ˣ = exp2 x",
            _exponential,
            lambda f, m, x, base: f(x, base=base),
            lambda f, m, x, base: m.exp2(x),
            applies=lambda workload: workload.options["base"] == 2,
        ),
    ),
    (
        *(
            required(f"base {a:g}", pairs, f"{IEEE}, pow", base=a)
            for a, pairs in (
                (2.0, ((NAN, NAN), (INF, INF), (-INF, 0.0), *ONE_AT_ZERO)),
                (0.5, ((NAN, NAN), (INF, 0.0), (-INF, INF), *ONE_AT_ZERO)),
                (1.0, ((NAN, 1.0), (INF, 1.0), (-INF, 1.0), *ONE_AT_ZERO)),
                (0.0, ((NAN, NAN), (INF, 0.0), (2.5, 0.0), (-2.5, INF), *ONE_AT_ZERO)),
                (-1.0, ((INF, 1.0), (-INF, 1.0), (0.5, NAN), (3.0, -1.0), *ONE_AT_ZERO)),
            )
        ),
        no_entries(base=2.0),
    ),
    naive=lambda x, base: torch.exp(x * float(np.log(base))),
    check=_each("base", 2.0, 10.0, 0.5, 1.5, 10.0, workloads=CHECK),
    bench=_each("base", 2.0, 10.0, 2.0, 10.0, workloads=BENCH),
    promotion=promotions.POWER_OF_FLOATING,
)
