"""Analysis: formulas whose bound is found by running error, from the steps that a kernel takes.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.running_error import Computed
from verify.operation import Array, Formula

# Puts a value into the stored type, in the steps of a kernel that keeps all else in the working type.
Store = Callable[[Any], Any]


def analysed(
    text: str,
    evaluate: Callable[..., Any],
    source: str,
    algorithm: Callable[..., Any] | None = None,
    fused: bool = False,
) -> Formula:
    """A formula whose bound is the running error of `algorithm`: the same value in the steps torch takes.

    Left out, `evaluate` is itself the algorithm. `fused`: one kernel takes all steps in the working type, and
    nothing but the result is stored. `source` names where the steps are documented.
    """
    steps = algorithm or evaluate

    def bound(a: Arithmetic, *arguments: Any, **options: Any) -> Any:
        a = replace(a, u=a.w) if fused else a
        result = steps(*(_exact(x, a) for x in arguments), **options)
        if isinstance(result, tuple):
            return tuple(None if r is None else _error(r) for r in result)
        return _error(result)

    return Formula(text, evaluate, bound, f"running error (Higham 2002, §3.3); {source}")


def _exact(x: Any, a: Arithmetic) -> Any:
    return Computed(x, np.zeros(np.shape(x)), a) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def _error(result: Any) -> Array:
    # A result that no input enters is a constant.
    return result.error if isinstance(result, Computed) else np.zeros(np.shape(result))


def analysed_in_working_type(
    text: str, evaluate: Callable[..., Any], source: str, algorithm: Callable[..., Any]
) -> Formula:
    """A formula whose bound is the running error of `algorithm(store, *arguments, **options)`.

    `store(x)` is x once it has been rounded to the stored type; nothing else is, nor the result.
    """

    def bound(a: Arithmetic, *arguments: Array, **options: Any) -> Any:
        wide = a if a.u == a.w else Arithmetic.of("float32", a.device)

        def store(x: Any) -> Any:
            return Computed(x.value, Computed(x.value, x.error, a).read, wide)

        steps = analysed(text, evaluate, source, lambda *given, **named: algorithm(store, *given, **named))
        return steps.bound(wide, *arguments, **options)

    return Formula(text, evaluate, bound, f"running error (Higham 2002, §3.3) in the working type; {source}")


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
