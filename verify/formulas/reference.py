"""Reference: a NumPy formula evaluated in ball arithmetic: the exact value is enclosed, not estimated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import flint
import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.ulp import spacing
from verify.operation import Array, Formula

# The enclosure must be this much finer than the spacing of the format it judges, so that what is left
# of it cannot be mistaken for an error: 2⁻²⁰ ulp.
_FINENESS = 2.0**-20
_PRECISIONS = (128, 256, 512, 1024, 2048, 4096)

_to_ball = np.frompyfunc(lambda value: flint.arb(float(value)), 1, 1)
_middle = np.frompyfunc(lambda ball: float(ball.mid()), 1, 1)
_radius = np.frompyfunc(lambda ball: float(ball.rad()), 1, 1)


def _upward(bound: Any) -> float:
    """A float64 that is at least an exact number: flint rounds to nearest, and loses what underflows."""
    nearest = float(bound)
    return nearest if flint.arb(nearest) >= bound else float(np.nextafter(nearest, np.inf))


_distance = np.frompyfunc(lambda ball, value: _upward(abs(ball - value).upper()), 2, 1)


@dataclass(frozen=True)
class Enclosure:
    """Balls that contain the exact values of a formula at exact inputs.

    `balls` is an object array of `flint.arb`; `precision` is the number of bits they were computed with.
    """

    balls: Array
    precision: int

    @cached_property
    def value(self) -> Array:
        """The midpoints as float64 (an exact value beyond float64's range becomes infinite)."""
        middles: Array = np.asarray(_middle(self.balls), dtype=float)
        return middles

    @cached_property
    def radius(self) -> Array:
        """The half-widths as float64; infinite where the formula is undefined."""
        radii: Array = np.asarray(_radius(self.balls), dtype=float)
        return radii

    def error(self, computed: Array, arithmetic: Arithmetic) -> Array:
        """A proved upper bound on |computed − exact|, rounded to float64, in the dtype's own terms.

        An infinite result is right, with error 0, exactly where rounding to nearest overflows: where
        the exact magnitude reaches the largest number plus half its spacing (IEEE 754-2019, 4.3.1).

        Shapes: `computed` must have the enclosure's shape. Raises: ValueError if it does not.
        """
        if computed.shape != self.balls.shape:
            raise ValueError(f"the result has shape {computed.shape}, the reference {self.balls.shape}")
        finite = np.isfinite(computed)
        error = np.full(computed.shape, np.inf)
        with flint.ctx.workprec(max(self.precision, 128)):
            if finite.any():
                balls = _to_ball(np.where(finite, computed, 0.0))
                error[finite] = np.asarray(_distance(self.balls, balls), dtype=float)[finite]
            largest = arithmetic.largest
            overflow = flint.arb(largest) + flint.arb(float(spacing(largest, arithmetic))) / 2
            for index in map(tuple, np.argwhere(np.isinf(computed))):
                if self.balls[index] * (1 if computed[index] > 0 else -1) >= overflow:
                    error[index] = 0.0
        return error


def in_balls(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Float arrays as exact balls; index arrays as they are. Floats are exact, so every radius is 0."""
    return tuple(
        np.asarray(_to_ball(a), dtype=object)
        if isinstance(a, np.ndarray | np.generic) and a.dtype.kind == "f"
        else a
        for a in arguments
    )


def certify(
    evaluate: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: Mapping[str, Any],
    arithmetic: Arithmetic,
) -> tuple[Enclosure | None, ...]:
    """Enclose every array that a formula returns, raising the precision until each is fine enough.

    A formula that returns one array gives a tuple of one; None (an index input's gradient) stays None.
    A ball that stays wide at the highest precision is returned as it is: its radius says so, and
    `Enclosure.error` then reports an error no smaller than it.
    """
    for precision in _PRECISIONS:
        found = enclosures(evaluate, arguments, options, precision)
        if all(e is None or _fine(e, arithmetic) for e in found):
            break
    return found


def enclosures(
    evaluate: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any], precision: int
) -> tuple[Enclosure | None, ...]:
    """What a formula returns in ball arithmetic of so many bits, however wide it is."""
    with flint.ctx.workprec(precision), np.errstate(all="ignore"):
        results = _as_arrays(evaluate(*in_balls(arguments), **options))
    return tuple(None if r is None else Enclosure(r, precision) for r in results)


def _as_arrays(result: Any) -> tuple[Array | None, ...]:
    results = result if isinstance(result, tuple) else (result,)
    return tuple(None if r is None else _all_balls(np.asarray(r, dtype=object)) for r in results)


_as_ball = np.frompyfunc(lambda value: value if isinstance(value, flint.arb) else flint.arb(value), 1, 1)


def _all_balls(values: Array) -> Array:
    # A formula may write a plain 0 or 1 into some entries; those are exact too.
    return np.asarray(_as_ball(values), dtype=object)


def _fine(enclosure: Enclosure, arithmetic: Arithmetic) -> bool:
    with np.errstate(all="ignore"):
        allowed = _FINENESS * spacing(enclosure.value, arithmetic)
        return bool(np.all(enclosure.radius <= allowed))


def plain(
    evaluate: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any]
) -> tuple[Any, ...]:
    """The same formula in float64: fast, and as accurate as float64 and the formula allow."""
    with np.errstate(all="ignore"):
        result = evaluate(*arguments, **options)
    results = result if isinstance(result, tuple) else (result,)
    return tuple(None if r is None else np.asarray(r, dtype=float) for r in results)


def certified(
    formula: Formula, arguments: tuple[Any, ...], options: Mapping[str, Any], arithmetic: Arithmetic
) -> tuple[Enclosure | None, ...]:
    """As `certify`, of a formula."""
    return certify(formula.evaluate, arguments, options, arithmetic)


def enclosed_by_float64(
    formula: Formula, arguments: tuple[Any, ...], options: Mapping[str, Any], arithmetic: Arithmetic
) -> tuple[Enclosure | None, ...]:
    """What a formula gives in float64, as balls as wide as float64's rounding may have moved it.

    Fast, and fine enough for a format whose unit roundoff is far above float64's times the condition.
    """
    double = Arithmetic.of("float64")
    values = plain(formula.evaluate, arguments, options)
    with np.errstate(all="ignore"):
        bound = formula.bound(double, *arguments, **options)
    bounds = bound if isinstance(bound, tuple) else (bound,)
    return tuple(
        None
        if value is None
        else Enclosure(np.asarray(_ball(value, double.stored(value, error)), dtype=object), _PRECISIONS[0])
        for value, error in zip(values, bounds, strict=True)
    )


_ball = np.frompyfunc(lambda value, radius: flint.arb(float(value), float(radius)), 2, 1)


def wrong_entries(
    evaluate: Callable[..., Any], arguments: tuple[Any, ...], options: Mapping[str, Any], computed: Array
) -> float:
    """How many entries of an integer result differ from the formula's, which compares inputs exactly.

    Raises: ValueError if the shapes differ.
    """
    (expected,) = plain(evaluate, arguments, options)
    if computed.shape != expected.shape:
        raise ValueError(f"the result has shape {computed.shape}, the reference {expected.shape}")
    return float(np.sum(computed != expected))
