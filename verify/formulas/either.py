"""Either: the bound of a value that kernels compute in one of two ways, and that of two such values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array, Formula


def either(one: Formula, other: Formula) -> Formula:
    """The first formula, bounded by whichever of two ways errs more: a kernel is free to take either."""

    def bound(a: Arithmetic, *arguments: Array, **options: Any) -> Any:
        left, right = (formula.bound(a, *arguments, **options) for formula in (one, other))
        if isinstance(left, tuple):
            return tuple(np.maximum(*pair) for pair in zip(left, right, strict=True))
        return np.maximum(left, right)

    return Formula(one.text, one.evaluate, bound, f"{one.source}; or {other.source}")


def between(one: Formula, other: Formula) -> Callable[..., Any]:
    """The bound of an identity: how far apart a value computed in one way and in another may lie."""

    def bound(a: Arithmetic, *inputs: Array, **options: Any) -> Any:
        value = one.evaluate(*inputs, **options)
        return sum(a.stored(value, formula.bound(a, *inputs, **options)) for formula in (one, other))

    return bound


def twice(formula: Formula) -> Callable[..., Any]:
    """The bound of an identity whose two sides are evaluations of one formula."""
    return between(formula, formula)
