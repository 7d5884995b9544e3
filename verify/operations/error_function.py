"""The error function and its complement: erf, erfc."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.elementary import erf, erfc, pi
from verify.operation import Domain, HardInput, Inputs, Workload
from verify.records import promotions
from verify.records.elementwise import (
    INF,
    INTO_INTEGERS,
    NAN_STAYS,
    ONE_AT_ZERO,
    SMALLEST,
    ZERO_STAYS,
    ZEROS,
    agreement,
    elementwise,
    far,
    gradient,
    odd,
    special,
)
from verify.records.sampling import normal, values

_SUBJECT = "error function"
_DOCUMENTED = "the documented error of {}"
_STEPS = "(2/√π exp(−x²)) g (derivatives.yaml, {})"


def _slope(x: Any) -> Any:
    return 2 / np.sqrt(pi(x)) * np.exp(-(x * x))


def _tails(a: Arithmetic) -> Inputs:
    """Where exp(−x²) and erfc x are about to leave the normal numbers."""
    end = math.sqrt(-math.log(a.smallest_normal))
    return values(0.9 * end, 0.75 * end, 0.6 * end)


# The float16 number at which an approximation of small absolute error is furthest off, and its neighbourhood.
_SMALL = HardInput("small", lambda a: values(577 * 2.0**-24, -577 * 2.0**-24, 2.0**-10, 2.0**-12))
_TINY = far("tiny", lambda a: values(a.u, -a.u, a.u / 3, 5 * a.smallest_normal))
_TAILS = far("tails", _tails)
_BEYOND = far("beyond", lambda a: values(a.largest, -a.largest))


def _not_small(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries, none nearer to 0 than 1/64: smaller ones have names."""
    return tuple(np.copysign(np.maximum(np.abs(x), 2.0**-6), x) for x in normal(generator, workload))


ERF = elementwise(
    "erf",
    _SUBJECT,
    torch.erf,
    analysed("erf x", erf, _DOCUMENTED.format("erf")),
    gradient("∂x = 2g exp(−x²)/√π", lambda g, x: _slope(x) * g, _STEPS.format("erf")),
    Domain(_not_small, (ZEROS, SMALLEST, _SMALL, _TINY, _TAILS, _BEYOND)),
    (
        odd("erf", erf),
        agreement("erf x + erfc x = 1", erf, lambda f, m, x: f(x) + m.erfc(x), lambda f, m, x: 0 * x + 1),
    ),
    special(
        "C23, F.10.8.1", {"nan": NAN_STAYS, "infinities": ((INF, 1.0), (-INF, -1.0)), "zeros": ZERO_STAYS}
    ),
    refuses=(INTO_INTEGERS,),
    promotion=promotions.TO_FLOATING,
)

ERFC = elementwise(
    "erfc",
    _SUBJECT,
    torch.erfc,
    analysed("erfc x = 1 − erf x", erfc, _DOCUMENTED.format("erfc")),
    gradient("∂x = −2g exp(−x²)/√π", lambda g, x: -_slope(x) * g, _STEPS.format("erfc")),
    Domain(normal, (ZEROS, SMALLEST, _TINY, _TAILS, _BEYOND)),
    (
        agreement("erfc(−x) = 2 − erfc x", erfc, lambda f, m, x: f(-x), lambda f, m, x: 2 - f(x)),
        agreement("erfc x = 1 − erf x", erfc, lambda f, m, x: f(x), lambda f, m, x: 1 - m.erf(x)),
    ),
    special(
        "C23, F.10.8.2", {"nan": NAN_STAYS, "infinities": ((INF, 0.0), (-INF, 2.0)), "zeros": ONE_AT_ZERO}
    ),
    naive=lambda x: 1 - torch.erf(x),
    refuses=(INTO_INTEGERS,),
    promotion=promotions.TO_FLOATING,
)
