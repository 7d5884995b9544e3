"""Roots: sqrt and rsqrt."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.operation import Domain, HardInput, Identity
from verify.operations.powers import IEEE, SUBJECT, power
from verify.records import promotions
from verify.records.elementwise import (
    INF,
    INTO_INTEGERS,
    NOT_BELOW_ZERO,
    POLE_AT_ZERO,
    ZERO_STAYS,
    agreement,
    array_api,
    elementwise,
    far,
    gradient,
    positive,
    special,
)
from verify.records.sampling import values


def _rsqrt(x: Any) -> Any:
    return 1 / np.sqrt(x)


SQRT = elementwise(
    "sqrt",
    SUBJECT,
    torch.sqrt,
    analysed("√x", np.sqrt, "the error of a vector library's root"),
    gradient(
        "∂x = g/(2√x)",
        lambda g, x: g / (2 * np.sqrt(x)),
        "from the stored y (derivatives.yaml, sqrt)",
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
    promotion=promotions.TO_FLOATING,
)

RSQRT = elementwise(
    "rsqrt",
    SUBJECT,
    torch.rsqrt,
    analysed("1/√x", _rsqrt, "a root and a quotient; more than CUDA's rsqrt"),
    gradient(
        "∂x = −g/(2x√x)",
        lambda g, x: -g / (2 * x * np.sqrt(x)),
        "−g y³/2 from the stored y (derivatives.yaml, rsqrt)",
        lambda g, x: -0.5 * g * power(_rsqrt(x), 3),
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
    special(f"{IEEE}, rSqrt", {"nan": NOT_BELOW_ZERO, "infinity": ((INF, 0.0),), "zeros": POLE_AT_ZERO}),
    refuses=(INTO_INTEGERS,),
    promotion=promotions.TO_FLOATING,
)
