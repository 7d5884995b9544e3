"""Exponentials and logarithms: exp, exp2, expm1, log, log2, log10, log1p."""

from __future__ import annotations

import math

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.elementary import exp2, ln2, ln10, log2, log10
from verify.operation import Domain, HardInput, Inputs, Workload
from verify.records import promotions
from verify.records.elementwise import (
    INF,
    INTO_INTEGERS,
    NAN,
    NAN_STAYS,
    NOT_BELOW_ZERO,
    ONE_AT_ZERO,
    SMALLEST,
    ZERO_STAYS,
    ZEROS,
    agreement,
    array_api,
    elementwise,
    far,
    gradient,
    positive,
    special,
)
from verify.records.sampling import normal, values

_SUBJECT = "exponentials"
_DOCUMENTED = "the documented error of {}"
_REFUSES = (INTO_INTEGERS,)


def _ends(a: Arithmetic) -> Inputs:
    """Where eˣ, and five times it, is just inside the normal numbers, and below them."""
    over, under = math.log(a.largest / 8), math.log(8 * a.smallest_normal)
    return values(over, 0.9 * over, under, 0.9 * under, math.log(8 * a.smallest))


def _binary_ends(a: Arithmetic) -> Inputs:
    over, under = math.log2(a.largest / 8), math.log2(8 * a.smallest_normal)
    return values(over, 0.93 * over, 0.87 * over, under, 0.93 * under)


_BEYOND = far("beyond", lambda a: values(-a.largest, -a.largest / 2))

EXP = elementwise(
    "exp",
    _SUBJECT,
    torch.exp,
    analysed("eˣ", np.exp, _DOCUMENTED.format("exp")),
    gradient("∂x = g eˣ", lambda g, x: g * np.exp(x), "from the stored y (derivatives.yaml, exp)"),
    Domain(normal, (ZEROS, SMALLEST, far("ends", _ends), _BEYOND)),
    (
        agreement("eˣ e⁻ˣ = 1", np.exp, lambda f, m, x: f(x) * f(-x), lambda f, m, x: 0 * x + 1),
        agreement("e²ˣ = (eˣ)²", np.exp, lambda f, m, x: f(2 * x), lambda f, m, x: f(x) * f(x)),
    ),
    special(
        array_api("exp"), {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, 0.0)), "zeros": ONE_AT_ZERO}
    ),
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)

EXP2 = elementwise(
    "exp2",
    _SUBJECT,
    torch.exp2,
    analysed("2ˣ", exp2, _DOCUMENTED.format("exp2")),
    gradient(
        "∂x = g 2ˣ ln 2", lambda g, x: g * exp2(x) * ln2(x), "from the stored y (derivatives.yaml, exp2)"
    ),
    Domain(normal, (ZEROS, SMALLEST, far("ends", _binary_ends), _BEYOND)),
    (
        agreement("2ˣ 2⁻ˣ = 1", exp2, lambda f, m, x: f(x) * f(-x), lambda f, m, x: 0 * x + 1),
        agreement("log2 2ˣ = x", exp2, lambda f, m, x: m.log2(f(x)), lambda f, m, x: x),
    ),
    special(
        "IEEE 754-2019, 9.2.1, exp2",
        {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, 0.0)), "zeros": ONE_AT_ZERO},
    ),
    naive=lambda x: torch.exp(x * math.log(2)),
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)

EXPM1 = elementwise(
    "expm1",
    _SUBJECT,
    torch.expm1,
    analysed("eˣ − 1", np.expm1, _DOCUMENTED.format("expm1")),
    gradient(
        "∂x = g eˣ",
        lambda g, x: g * np.exp(x),
        "g (y + 1) from the stored y (derivatives.yaml, expm1)",
        lambda g, x: g * (np.expm1(x) + 1),
    ),
    Domain(
        normal,
        (
            ZEROS,
            SMALLEST,
            far("tiny", lambda a: values(a.u, -a.u, a.u / 3, 5 * a.smallest_normal)),
            far("near overflow", lambda a: values(math.log(a.largest / 8), 0.9 * math.log(a.largest / 8))),
            # y is −1 to rounding, eˣ is a normal number.
            far("rounded away", lambda a: values(math.log(a.u) - 1.5)),
            _BEYOND,
        ),
    ),
    (
        agreement("expm1 x = eˣ − 1", np.expm1, lambda f, m, x: f(x), lambda f, m, x: m.exp(x) - 1),
        agreement("log1p expm1 x = x", np.expm1, lambda f, m, x: m.log1p(f(x)), lambda f, m, x: x),
    ),
    special(
        array_api("expm1"), {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, -1.0)), "zeros": ZERO_STAYS}
    ),
    naive=lambda x: torch.exp(x) - 1,
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)

_BESIDE_ONE = far("beside one", lambda a: values(1 + 2 * a.u, 1 - a.u, 1 + 6 * a.u, 1 - 16 * a.u))
_LOG_ENDS = far("ends", lambda a: values(a.largest, a.largest / 3, 16 * a.smallest_normal))


_AT_THE_ENDS = {
    "nan": NOT_BELOW_ZERO,
    "infinity": ((INF, INF),),
    "zeros": ((0.0, -INF), (-0.0, -INF)),
    "one": ((1.0, 0.0),),
}

LOG = elementwise(
    "log",
    _SUBJECT,
    torch.log,
    analysed("ln x", np.log, _DOCUMENTED.format("log")),
    gradient("∂x = g/x", lambda g, x: g / x, "derivatives.yaml, log"),
    Domain(positive, (HardInput("one", lambda a: values(1.0, 2.0)), _BESIDE_ONE, _LOG_ENDS)),
    (
        agreement("ln x² = 2 ln x", np.log, lambda f, m, x: f(x * x), lambda f, m, x: 2 * f(x)),
        agreement("e^(ln x) = x", np.log, lambda f, m, x: m.exp(f(x)), lambda f, m, x: x),
    ),
    special(array_api("log"), _AT_THE_ENDS),
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)

LOG2 = elementwise(
    "log2",
    _SUBJECT,
    torch.log2,
    analysed("log₂ x", log2, _DOCUMENTED.format("log2")),
    gradient("∂x = g/(x ln 2)", lambda g, x: g / (x * ln2(x)), "derivatives.yaml, log2"),
    Domain(positive, (HardInput("one", lambda a: values(1.0, 2.0)), _BESIDE_ONE, _LOG_ENDS)),
    (
        agreement("log₂ 2x = 1 + log₂ x", log2, lambda f, m, x: f(2 * x), lambda f, m, x: 1 + f(x)),
        agreement("exp2(log₂ x) = x", log2, lambda f, m, x: m.exp2(f(x)), lambda f, m, x: x),
    ),
    special(array_api("log2"), _AT_THE_ENDS),
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)

LOG10 = elementwise(
    "log10",
    _SUBJECT,
    torch.log10,
    analysed("log₁₀ x", log10, _DOCUMENTED.format("log10")),
    gradient("∂x = g/(x ln 10)", lambda g, x: g / (x * ln10(x)), "derivatives.yaml, log10"),
    Domain(
        positive,
        (
            HardInput("one", lambda a: values(1.0, 10.0)),
            _BESIDE_ONE,
            far("ends", lambda a: values(a.largest / 4, a.largest / 3, 16 * a.smallest_normal)),
            # x ln 10 is beyond the largest number, its reciprocal is not below the smallest.
            far("product overflows", lambda a: values(a.largest, a.largest / 1.5, a.largest / 2)),
        ),
    ),
    (
        agreement("log₁₀ x = ln x/ln 10", log10, lambda f, m, x: f(x), lambda f, m, x: m.log(x) / ln10(x)),
        agreement("log₁₀ x² = 2 log₁₀ x", log10, lambda f, m, x: f(x * x), lambda f, m, x: 2 * f(x)),
    ),
    special(array_api("log10"), _AT_THE_ENDS),
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)


def _beside_the_pole(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries from −1/2 on: the pole at −1 is four of a finite difference's longest steps away."""
    return tuple(x - 1 for x in positive(generator, workload))


LOG1P = elementwise(
    "log1p",
    _SUBJECT,
    torch.log1p,
    analysed("ln(1 + x)", np.log1p, _DOCUMENTED.format("log1p")),
    gradient("∂x = g/(x + 1)", lambda g, x: g / (x + 1), "log1p_backward (FunctionsManual.cpp)"),
    Domain(
        _beside_the_pole,
        (
            ZEROS,
            SMALLEST,
            far("tiny", lambda a: values(a.u, -a.u, a.u / 3, 5 * a.smallest_normal)),
            far("pole", lambda a: values(a.u - 1, 8 * a.u - 1)),
            far("largest", lambda a: values(a.largest, a.largest / 3)),
        ),
    ),
    (
        agreement("expm1 log1p x = x", np.log1p, lambda f, m, x: m.expm1(f(x)), lambda f, m, x: x),
        agreement("log1p x = ln(1 + x)", np.log1p, lambda f, m, x: f(x), lambda f, m, x: m.log(1 + x)),
    ),
    special(
        array_api("log1p"),
        {
            "nan": ((NAN, NAN), (-2.0, NAN), (-INF, NAN)),
            "infinity": ((INF, INF),),
            "pole": ((-1.0, -INF),),
            "zeros": ZERO_STAYS,
        },
    ),
    naive=lambda x: torch.log(1 + x),
    refuses=_REFUSES,
    promotion=promotions.TO_FLOATING,
)
