"""Elementary functions that formulas call: on float64, on balls, and on values with a running error.

NumPy's ufuncs reach `flint.arb` by the method of their own name. Where NumPy has no such function (erf) or
flint calls it otherwise (arctan), a formula calls it from here. `slope` tells how fast a function can
change near a point, by which an error of its argument reaches the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import flint
import numpy as np

from verify.operation import Array

_Floats = Callable[[Any], Any]


@dataclass(frozen=True)
class Elementary:
    """One function of one variable, in three arithmetics.

    `floats` takes float64 arrays, `ball` one `flint.arb`. `slope(x, e)` is at least |f′| everywhere in
    [x − e, x + e] (infinite where there is no such number). `accuracy` names what `Arithmetic.of_function`
    promises: a row of the table of documented errors, by the function's own name if left out, or `exact`.

    Calling it evaluates it in the arithmetic of its argument.
    """

    name: str
    floats: _Floats
    ball: Callable[[flint.arb], flint.arb]
    slope: Callable[[Array, Array], Array]
    accuracy: str = ""

    @property
    def documented(self) -> str:
        """What `Arithmetic.of_function` knows the error of this function by."""
        return self.accuracy or self.name

    def __call__(self, x: Any) -> Any:
        """The function's value in the arithmetic of `x`. Shapes: that of x."""
        through = getattr(x, "through", None)
        if through is not None:
            return through(self)
        if isinstance(x, flint.arb):
            return self.ball(x)
        if isinstance(x, np.ndarray) and x.dtype == object:
            return np.frompyfunc(lambda entry: self.ball(flint.arb(entry)), 1, 1)(x)
        return self.floats(x)


def _far_side(x: Array, e: Array) -> Array:
    return np.abs(x) + e


def _near_side(x: Array, e: Array) -> Array:
    nearest: Array = np.maximum(np.abs(x) - e, 0)
    return nearest


def _reciprocal(x: Array) -> Array:
    inverse: Array = np.where(x > 0, 1 / np.where(x > 0, x, 1), np.inf)
    return inverse


def _of_log(scale: float, shift: float = 0.0) -> Callable[[Array, Array], Array]:
    return lambda x, e: _reciprocal(x + shift - e) / scale


def _each(function: Callable[[float], float]) -> _Floats:
    vectorised = np.frompyfunc(function, 1, 1)
    return lambda x: np.asarray(vectorised(x), dtype=float)


def _power_of_two(x: flint.arb) -> flint.arb:
    return flint.arb(2) ** x


def _half_to_even(x: flint.arb) -> flint.arb:
    """The nearest whole number of an exact one, the even one of two that are equally near."""
    below = x.floor()
    rest = x - below
    if rest != flint.arb(0.5):
        return below if rest < 0.5 else below + 1
    return below if (below / 2).floor() * 2 == below else below + 1


def _towards_zero(x: flint.arb) -> flint.arb:
    return x.floor() if x > 0 else x.ceil()


def _steep(x: Array, e: Array) -> Array:
    """A step has no slope that bounds it; on an exact argument none is asked for."""
    return np.full(np.shape(x), np.inf)


_TABLE = (
    Elementary("exp", np.exp, lambda x: x.exp(), lambda x, e: np.exp(x + e)),
    Elementary("expm1", np.expm1, lambda x: x.expm1(), lambda x, e: np.exp(x + e)),
    Elementary("exp2", np.exp2, _power_of_two, lambda x, e: math.log(2) * np.exp2(x + e)),
    Elementary("log", np.log, lambda x: x.log(), _of_log(1.0)),
    Elementary("log2", np.log2, lambda x: x.log() / flint.arb.const_log2(), _of_log(math.log(2))),
    Elementary("log10", np.log10, lambda x: x.log() / flint.arb.const_log10(), _of_log(math.log(10))),
    Elementary("log1p", np.log1p, lambda x: x.log1p(), _of_log(1.0, 1.0)),
    # |√(x ± e) − √x| ≤ e/√x, and √e at 0: the slope of the chord.
    Elementary(
        "sqrt",
        np.sqrt,
        lambda x: x.sqrt(),
        lambda x, e: 1 / np.sqrt(np.where(x + e > 0, np.maximum(x, e), 1)),
    ),
    Elementary("sin", np.sin, lambda x: x.sin(), lambda x, e: np.minimum(np.abs(np.cos(x)) + e, 1)),
    Elementary("cos", np.cos, lambda x: x.cos(), lambda x, e: np.minimum(np.abs(np.sin(x)) + e, 1)),
    Elementary(
        "tan",
        np.tan,
        lambda x: x.tan(),
        # 1/cos² at the end that lies nearer to a pole; infinite where the interval may hold one.
        lambda x, e: _reciprocal(np.maximum(np.abs(np.cos(x)) - e, 0)) ** 2,
    ),
    Elementary("sinh", np.sinh, lambda x: x.sinh(), lambda x, e: np.cosh(_far_side(x, e))),
    Elementary("cosh", np.cosh, lambda x: x.cosh(), lambda x, e: np.sinh(_far_side(x, e))),
    Elementary("tanh", np.tanh, lambda x: x.tanh(), lambda x, e: 1 / np.cosh(_near_side(x, e)) ** 2),
    Elementary(
        "arcsin",
        np.arcsin,
        lambda x: x.asin(),
        lambda x, e: np.sqrt(_reciprocal(1 - _far_side(x, e) ** 2)),
    ),
    Elementary(
        "arccos",
        np.arccos,
        lambda x: x.acos(),
        lambda x, e: np.sqrt(_reciprocal(1 - _far_side(x, e) ** 2)),
    ),
    Elementary("arctan", np.arctan, lambda x: x.atan(), lambda x, e: 1 / (1 + _near_side(x, e) ** 2)),
    Elementary(
        "erf",
        _each(math.erf),
        lambda x: x.erf(),
        lambda x, e: 2 / math.sqrt(math.pi) * np.exp(-(_near_side(x, e) ** 2)),
    ),
    Elementary(
        "erfc",
        _each(math.erfc),
        lambda x: x.erfc(),
        lambda x, e: 2 / math.sqrt(math.pi) * np.exp(-(_near_side(x, e) ** 2)),
    ),
    Elementary("floor", np.floor, lambda x: x.floor(), _steep, "exact"),
    Elementary("ceil", np.ceil, lambda x: x.ceil(), _steep, "exact"),
    Elementary("trunc", np.trunc, _towards_zero, _steep, "exact"),
    Elementary("rint", np.rint, _half_to_even, _steep, "exact"),
)
ELEMENTARY: Mapping[str, Elementary] = MappingProxyType({function.name: function for function in _TABLE})

exp2, log2, log10 = ELEMENTARY["exp2"], ELEMENTARY["log2"], ELEMENTARY["log10"]
arcsin, arccos, arctan = ELEMENTARY["arcsin"], ELEMENTARY["arccos"], ELEMENTARY["arctan"]
erf, erfc = ELEMENTARY["erf"], ELEMENTARY["erfc"]
trunc, rint = ELEMENTARY["trunc"], ELEMENTARY["rint"]


@dataclass(frozen=True)
class Constant:
    """A number that no float type holds. Calling it gives the number in the arithmetic of an argument."""

    number: float
    ball: Callable[[], flint.arb]

    def __call__(self, like: Any) -> Any:
        """Enclosed beside balls, rounded beside floats. Shapes: none, it broadcasts."""
        rounded = getattr(like, "constant", None)
        if rounded is not None:
            return rounded(self.number)
        balls = isinstance(like, flint.arb) or (isinstance(like, np.ndarray) and like.dtype == object)
        return self.ball() if balls else self.number


pi = Constant(math.pi, flint.arb.pi)
ln2 = Constant(math.log(2), flint.arb.const_log2)
ln10 = Constant(math.log(10), flint.arb.const_log10)
