"""Powers and roots: sqrt, rsqrt, square, reciprocal, pow, power_of_scalar."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.operation import Domain, HardInput, Identity, Inputs, Refusal, Workload
from verify.records.elementwise import (
    BENCH,
    CHECK,
    INF,
    INTO_INTEGERS,
    NAN,
    NAN_STAYS,
    NOT_BELOW_ZERO,
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

_SUBJECT = "powers"
_IEEE = "IEEE 754-2019, 9.2.1"


def _times(number: float, *factors: float) -> Inputs:
    return values(*(number * factor for factor in factors))


def _rsqrt(x: Any) -> Any:
    return 1 / np.sqrt(x)


def _power(x: Any, exponent: float) -> Any:
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


SQRT = elementwise(
    "sqrt",
    _SUBJECT,
    torch.sqrt,
    analysed("√x", np.sqrt, "the error of a vector library's root"),
    gradient(
        "∂x = g/(2√x)",
        lambda g, x: g / (2 * np.sqrt(x)),
        "from the stored y (derivatives.yaml, sqrt)",
        lambda g, x: g / (2 * np.sqrt(x)),
    ),
    Domain(
        positive,
        (
            HardInput("beside one", lambda a: values(1.0, 1 - a.u, 1 + 2 * a.u, 4 - 4 * a.u)),
            far("smallest", lambda a: values(a.smallest, 3 * a.smallest, a.smallest_normal)),
            far("largest", lambda a: values(a.largest, a.largest / 2)),
        ),
    ),
    (
        Identity("√(4x) = 2√x", lambda f, x: f(4 * x), lambda f, x: 2 * f(x)),
        agreement("√x √x = x", np.sqrt, lambda f, m, x: f(x) * f(x), lambda f, m, x: x),
        # IEEE 754-2019, 5.4.1, and the array API standard ("Accuracy") require it. A root of 24 bits or fewer
        # lies further from a midpoint of two numbers than float64 rounds.
        Identity(
            "√x is rounded correctly", lambda f, x: f(x), lambda f, x: torch.sqrt(x.cpu().double()).to(x)
        ),
    ),
    special(
        array_api("sqrt"),
        {
            "nan": NOT_BELOW_ZERO,
            "infinity": ((INF, INF),),
            "zeros": ZERO_STAYS,
            "squares": ((1.0, 1.0), (4.0, 2.0), (0.25, 0.5), (144.0, 12.0)),
        },
    ),
    refuses=(INTO_INTEGERS,),
)

RSQRT = elementwise(
    "rsqrt",
    _SUBJECT,
    torch.rsqrt,
    analysed("1/√x", lambda x: 1 / np.sqrt(x), "a root and a quotient; more than CUDA's rsqrt", _rsqrt),
    gradient(
        "∂x = −g/(2x√x)",
        lambda g, x: -g / (2 * x * np.sqrt(x)),
        "−g y³/2 from the stored y (derivatives.yaml, rsqrt)",
        lambda g, x: -0.5 * g * _power(_rsqrt(x), 3),
    ),
    Domain(
        positive,
        (
            HardInput("beside one", lambda a: values(1.0, 1 - a.u, 1 + 2 * a.u, 4 - 4 * a.u)),
            far("steep", lambda a: values((a.largest / 16) ** (-2 / 3), 2 * (a.largest / 16) ** (-2 / 3))),
            far("flat", lambda a: values((16 * a.smallest_normal) ** (-2 / 3), a.largest / 2, a.largest)),
        ),
    ),
    (
        agreement("x rsqrt(x)² = 1", _rsqrt, lambda f, m, x: x * f(x) * f(x), lambda f, m, x: 0 * x + 1),
        agreement("rsqrt x = 1/√x", _rsqrt, lambda f, m, x: f(x), lambda f, m, x: 1 / m.sqrt(x)),
    ),
    special(f"{_IEEE}, rSqrt", {"nan": NOT_BELOW_ZERO, "infinity": ((INF, 0.0),), "zeros": POLE_AT_ZERO}),
    refuses=(INTO_INTEGERS,),
)

SQUARE = elementwise(
    "square",
    _SUBJECT,
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
)


def _off_the_pole(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries moved away from 0 by 1/2."""
    return tuple(x + np.copysign(0.25, x) for x in off_zero(generator, workload))


RECIPROCAL = elementwise(
    "reciprocal",
    _SUBJECT,
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
    _SUBJECT,
    torch.pow,
    analysed("xᵖ", lambda x, exponent: x**exponent, "products and roots, or pow (PowKernel.cpp)", _power),
    gradient(
        "∂x = g p xᵖ⁻¹",
        lambda g, x, exponent: g * exponent * x ** (exponent - 1),
        "g (p xᵖ⁻¹) (pow_backward, FunctionsManual.cpp)",
        lambda g, x, exponent: g * (exponent * _power(x, exponent - 1)),
    ),
    Domain(
        _bases,
        (
            HardInput("zeros squared", ZEROS.build, {"exponent": 2}),
            HardInput("zeros cubed", ZEROS.build, {"exponent": 3}),
            HardInput("beside one", lambda a: values(1.0, 1 - a.u, 1 + 2 * a.u), {"exponent": 2.5}),
            far("cube near overflow", lambda a: _times((a.largest / 2) ** (1 / 3), 1, -0.9, 0.7), exponent=3),
            far("near overflow", lambda a: _times((a.largest / 2) ** 0.4, 1, 0.9, 0.7), exponent=2.5),
            far("near underflow", lambda a: _times(a.smallest_normal**0.4, 2, 3, 5), exponent=2.5),
            far("root of little", lambda a: values(a.smallest_normal, 5 * a.smallest), exponent=0.5),
            far("square overflows", lambda a: _times(np.sqrt(a.largest), 1.02, -1.04, 1.06), exponent=-1),
        ),
    ),
    (
        agreement(
            "(4x)ᵖ = 4ᵖ xᵖ",
            _power,
            lambda f, m, x, exponent: f(4 * x, exponent=exponent),
            lambda f, m, x, exponent: 4.0**exponent * f(x, exponent=exponent),
        ),
        agreement(
            "xᵖ = x xᵖ⁻¹",
            _power,
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
)


def _exponential(x: Any, base: float) -> Any:
    return np.power(base, x)


def _log_of(base: float, x: Any) -> Any:
    """The logarithm of a number in the arithmetic of x, in which the number itself is exact."""
    return np.log(0 * x + base)


POWER_OF_SCALAR = elementwise(
    "power_of_scalar",
    _SUBJECT,
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
            far("near overflow", lambda a: _times(np.log2(a.largest / 8), 1, 0.93, 0.87), base=2.0),
            far("near underflow", lambda a: _times(np.log10(8 * a.smallest_normal), 1, 0.93, 0.7), base=10.0),
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
            required(f"base {a:g}", pairs, f"{_IEEE}, pow", base=a)
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
)
