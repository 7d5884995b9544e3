"""Signs, exact on every input: abs, neg, sign."""

from __future__ import annotations

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.operation import Domain, Identity, Refusal
from verify.records import promotions
from verify.records.elementwise import (
    INF,
    NAN_STAYS,
    SMALLEST,
    ZEROS,
    array_api,
    elementwise,
    far,
    gradient,
    special,
)
from verify.records.sampling import off_zero, values

_SUBJECT = "signs"
_EXACT = "exact (IEEE 754-2019, 5.5.1)"
_ON_BOOL = Refusal(
    "a tensor of bool", lambda f, tensor: f(torch.ones(3, dtype=torch.bool, device=tensor().device))
)
_DOMAIN = Domain(
    off_zero, (ZEROS, SMALLEST, far("largest", lambda a: values(a.largest, -a.largest, a.smallest)))
)

ABS = elementwise(
    "abs",
    _SUBJECT,
    torch.abs,
    analysed("|x|", np.abs, _EXACT),
    gradient(
        "∂x = g sign x, 0 at 0", lambda g, x: g * np.sign(x), "a product with ±1 or 0 (derivatives.yaml, abs)"
    ),
    _DOMAIN,
    (
        Identity("|−x| = |x|", lambda f, x: f(-x), lambda f, x: f(x)),
        Identity("|x| = max(x, −x)", lambda f, x: f(x), lambda f, x: torch.maximum(x, -x)),
    ),
    special(
        array_api("abs"),
        {"nan": NAN_STAYS, "infinities": ((INF, INF), (-INF, INF)), "zeros": ((0.0, 0.0), (-0.0, 0.0))},
    ),
    promotion=promotions.KEPT,
)

NEG = elementwise(
    "neg",
    _SUBJECT,
    torch.neg,
    analysed("−x", lambda x: -x, _EXACT),
    gradient("∂x = −g", lambda g, x: -g, "exact (derivatives.yaml, neg)"),
    _DOMAIN,
    (
        Identity("−(−x) = x", lambda f, x: f(f(x)), lambda f, x: x),
        Identity("−x = 0 − x", lambda f, x: f(x), lambda f, x: 0 - x),
    ),
    special(
        _EXACT,
        {"nan": NAN_STAYS, "infinities": ((INF, -INF), (-INF, INF)), "zeros": ((0.0, -0.0), (-0.0, 0.0))},
    ),
    refuses=(_ON_BOOL,),
    promotion=promotions.NEGATED,
)

SIGN = elementwise(
    "sign",
    _SUBJECT,
    torch.sign,
    analysed("−1, 0 or 1", np.sign, "exact: two comparisons"),
    gradient(
        "∂x = 0",
        lambda g, x: 0 * g,
        "exact; torch takes the derivative of a step to be 0, at the jump too (derivatives.yaml, sign)",
    ),
    Domain(
        off_zero,
        (
            # A jump: a finite difference shows nothing there, the closed form does.
            far("zeros", ZEROS.build),
            far("smallest", SMALLEST.build),
            far("largest", lambda a: values(a.largest, -a.largest)),
        ),
    ),
    (
        Identity("sign(−x) = −sign x", lambda f, x: f(-x), lambda f, x: -f(x)),
        Identity("sign x |x| = x", lambda f, x: f(x) * torch.abs(x), lambda f, x: x),
    ),
    special(
        array_api("sign"),
        {"nan": NAN_STAYS, "infinities": ((INF, 1.0), (-INF, -1.0)), "zeros": ((0.0, 0.0), (-0.0, 0.0))},
    ),
    refuses=(
        Refusal(
            "a complex tensor",
            lambda f, tensor: f(torch.ones(3, dtype=torch.complex64, device=tensor().device)),
        ),
    ),
    promotion=promotions.KEPT,
)
