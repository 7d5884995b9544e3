"""Circular and hyperbolic functions and their inverses: sin, cos, tan, sinh, cosh, asin, acos, atan."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.elementary import arccos, arcsin, arctan, pi
from verify.operation import Domain
from verify.records import promotions
from verify.records.elementwise import (
    INF,
    INTO_INTEGERS,
    NAN,
    NAN_STAYS,
    NOT_AT_INFINITY,
    ONE_AT_ZERO,
    SMALLEST,
    ZERO_STAYS,
    ZEROS,
    agreement,
    array_api,
    between,
    elementwise,
    even,
    far,
    gradient,
    odd,
    special,
)
from verify.records.sampling import normal, of_every_size, values

_SUBJECT = "trigonometry"
_DOCUMENTED = "the documented error of {}"
_function = functools.partial(elementwise, refuses=(INTO_INTEGERS,), promotion=promotions.TO_FLOATING)

# The argument is reduced by multiples of π/2, of which more digits are needed the further out it lies.
_LARGE = far("large arguments", lambda a: values(0.9 * a.largest, -a.largest / 3, 1 / a.u, 1000.0))
# Cancellation in the reduction: the result is as small as the error of a rounded multiple of π/2.
_ZEROS_OF_SINE = far("multiples of pi", lambda a: values(math.pi, -math.pi, 2 * math.pi, 113 * math.pi))
_ZEROS_OF_COSINE = far("odd multiples of pi/2", lambda a: values(*(k * math.pi / 2 for k in (1, -1, 3, 355))))

SIN = _function(
    "sin",
    _SUBJECT,
    torch.sin,
    analysed("sin x", np.sin, _DOCUMENTED.format("sin")),
    gradient("∂x = g cos x", lambda g, x: g * np.cos(x), "derivatives.yaml, sin"),
    Domain(of_every_size, (ZEROS, SMALLEST, _LARGE, _ZEROS_OF_SINE)),
    (
        odd("sin", np.sin),
        agreement(
            "sin² x + cos² x = 1",
            np.sin,
            lambda f, m, x: f(x) * f(x) + m.cos(x) * m.cos(x),
            lambda f, m, x: 0 * x + 1,
        ),
    ),
    special(array_api("sin"), {"nan": NAN_STAYS, "infinities": NOT_AT_INFINITY, "zeros": ZERO_STAYS}),
)

COS = _function(
    "cos",
    _SUBJECT,
    torch.cos,
    analysed("cos x", np.cos, _DOCUMENTED.format("cos")),
    gradient("∂x = −g sin x", lambda g, x: g * -np.sin(x), "derivatives.yaml, cos"),
    Domain(of_every_size, (ZEROS, SMALLEST, _LARGE, _ZEROS_OF_COSINE)),
    (
        even("cos", np.cos),
        agreement(
            "cos 2x = 1 − 2 sin² x",
            np.cos,
            lambda f, m, x: f(2 * x),
            lambda f, m, x: 1 - 2 * (m.sin(x) * m.sin(x)),
        ),
    ),
    special(array_api("cos"), {"nan": NAN_STAYS, "infinities": NOT_AT_INFINITY, "zeros": ONE_AT_ZERO}),
)

TAN = _function(
    "tan",
    _SUBJECT,
    torch.tan,
    analysed("tan x", np.tan, _DOCUMENTED.format("tan")),
    gradient(
        "∂x = g/cos² x",
        lambda g, x: g / (np.cos(x) * np.cos(x)),
        "g (1 + y²) from the stored y (derivatives.yaml, tan)",
        lambda g, x: g * (1 + np.square(np.tan(x))),
    ),
    Domain(
        between(-1.2, 1.2),
        (
            ZEROS,
            SMALLEST,
            far("large arguments", lambda a: values(0.9 * a.largest, 1000.0, -30000.0)),
            _ZEROS_OF_SINE,
            # As near to a pole as the square of the result allows.
            far("beside the pole", lambda a: values(math.pi / 2 - 8 / math.sqrt(a.largest))),
        ),
    ),
    (
        odd("tan", np.tan),
        agreement("tan x = sin x/cos x", np.tan, lambda f, m, x: f(x), lambda f, m, x: m.sin(x) / m.cos(x)),
    ),
    special(array_api("tan"), {"nan": NAN_STAYS, "infinities": NOT_AT_INFINITY, "zeros": ZERO_STAYS}),
)

# Where eˣ/2, and five times it, is inside the range.
_GROWN = far("near overflow", lambda a: values(*(s * math.log(a.largest / 4) for s in (1, -1, 0.9, -0.8))))
_TINY = far("tiny", lambda a: values(a.u, -a.u, a.u / 3, 5 * a.smallest_normal))

SINH = _function(
    "sinh",
    _SUBJECT,
    torch.sinh,
    analysed("sinh x", np.sinh, _DOCUMENTED.format("sinh")),
    gradient("∂x = g cosh x", lambda g, x: g * np.cosh(x), "derivatives.yaml, sinh"),
    Domain(normal, (ZEROS, SMALLEST, _TINY, _GROWN)),
    (
        odd("sinh", np.sinh),
        agreement(
            "sinh 2x = 2 sinh x cosh x",
            np.sinh,
            lambda f, m, x: f(2 * x),
            lambda f, m, x: 2 * (f(x) * m.cosh(x)),
        ),
    ),
    special(
        array_api("sinh"), {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, -INF)), "zeros": ZERO_STAYS}
    ),
    naive=lambda x: (torch.exp(x) - torch.exp(-x)) / 2,
)

COSH = _function(
    "cosh",
    _SUBJECT,
    torch.cosh,
    analysed("cosh x", np.cosh, _DOCUMENTED.format("cosh")),
    gradient("∂x = g sinh x", lambda g, x: g * np.sinh(x), "derivatives.yaml, cosh"),
    Domain(normal, (ZEROS, SMALLEST, _TINY, _GROWN)),
    (
        even("cosh", np.cosh),
        agreement(
            "cosh 2x = 1 + 2 sinh² x",
            np.cosh,
            lambda f, m, x: f(2 * x),
            lambda f, m, x: 1 + 2 * (m.sinh(x) * m.sinh(x)),
        ),
    ),
    special(
        array_api("cosh"), {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, INF)), "zeros": ONE_AT_ZERO}
    ),
)

# A quarter away from ±1, where the slope is infinite.
_inside = between(-0.75, 0.75)
_BESIDE_ONE = far("beside one", lambda a: values(1 - 32 * a.u, 32 * a.u - 1, 1 - a.u))

ASIN = _function(
    "asin",
    _SUBJECT,
    torch.asin,
    analysed("arcsin x", arcsin, _DOCUMENTED.format("asin")),
    gradient(
        "∂x = g/√(1 − x²)",
        lambda g, x: g / np.sqrt((1 - x) * (1 + x)),
        "g rsqrt(−x x + 1) (derivatives.yaml, asin)",
        lambda g, x: g * (1 / np.sqrt(-x * x + 1)),
    ),
    Domain(_inside, (ZEROS, SMALLEST, _TINY, _BESIDE_ONE)),
    (
        odd("arcsin", arcsin),
        agreement("sin(arcsin x) = x", arcsin, lambda f, m, x: m.sin(f(x)), lambda f, m, x: x),
    ),
    special(
        array_api("asin"),
        {"nan": ((NAN, NAN), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)), "zeros": ZERO_STAYS},
    ),
)

ACOS = _function(
    "acos",
    _SUBJECT,
    torch.acos,
    analysed("arccos x", arccos, _DOCUMENTED.format("acos")),
    gradient(
        "∂x = −g/√(1 − x²)",
        lambda g, x: -g / np.sqrt((1 - x) * (1 + x)),
        "−g rsqrt(−x x + 1) (derivatives.yaml, acos)",
        lambda g, x: g * -(1 / np.sqrt(-x * x + 1)),
    ),
    Domain(_inside, (ZEROS, SMALLEST, _TINY, _BESIDE_ONE)),
    (
        agreement(
            "arccos x + arcsin x = π/2",
            arccos,
            lambda f, m, x: f(x) + m.arcsin(x),
            lambda f, m, x: pi(x) / 2 + 0 * x,
        ),
        agreement("cos(arccos x) = x", arccos, lambda f, m, x: m.cos(f(x)), lambda f, m, x: x),
    ),
    special(
        array_api("acos"),
        {"nan": ((NAN, NAN), (1.5, NAN), (-1.5, NAN), (INF, NAN), (-INF, NAN)), "one": ((1.0, 0.0),)},
    ),
    naive=lambda x: math.pi / 2 - torch.asin(x),
)

ATAN = _function(
    "atan",
    _SUBJECT,
    torch.atan,
    analysed("arctan x", arctan, _DOCUMENTED.format("atan")),
    gradient("∂x = g/(x² + 1)", lambda g, x: g / (x * x + 1), "derivatives.yaml, atan"),
    Domain(
        of_every_size,
        (
            ZEROS,
            SMALLEST,
            _TINY,
            far("large", lambda a: values(a.largest, -a.largest / 3, 1 / math.sqrt(a.u))),
            # x² is beyond the largest number, its reciprocal is not below the smallest.
            far(
                "square overflows", lambda a: values(*(s * math.sqrt(a.largest) for s in (1.02, -1.04, 1.06)))
            ),
        ),
    ),
    (
        odd("arctan", arctan),
        agreement("tan(arctan x) = x", arctan, lambda f, m, x: m.tan(f(x)), lambda f, m, x: x),
    ),
    special(array_api("atan"), {"nan": NAN_STAYS, "zeros": ZERO_STAYS}),
    naive=lambda x: torch.asin(x / torch.sqrt(1 + x * x)),
)
