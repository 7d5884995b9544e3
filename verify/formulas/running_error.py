"""Running error: what rounding may do to a formula, found by evaluating it with a bound beside every value.

The formula that runs on float64 and in ball arithmetic runs here a third time, on `Computed` values: every
step adds what the rounding of that step, and the errors of what it is given, can do to its result. So a
bound needs no derivation by hand, only the steps in which torch computes.

A kernel may keep an intermediate in the working type or store it. Both are covered: a value is charged
with the storing when another step reads it, and the last value is not (`Arithmetic.stored` does that).
Underflow is covered, overflow on the way is not: an algorithm that overflows breaks its bound.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §3.3 (running error analysis),
and §3.1 for the sums, in any order and with or without fused multiply-add.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.elementary import ELEMENTARY, Elementary
from verify.operation import Array


class Computed(NDArrayOperatorsMixin):
    """Float64 values, each with the largest error that rounding may have given it.

    Shapes: `error` has that of `value`. The error is that before storing; `read` adds what storing does.
    """

    def __init__(self, value: Any, error: Any, arithmetic: Arithmetic) -> None:
        self.value: Array = np.asarray(value, dtype=float)
        self.error: Array = np.broadcast_to(np.asarray(error, dtype=float), self.value.shape)
        self.arithmetic = arithmetic

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Computed:
        return self._like(self.value[index], self.error[index])

    @property
    def T(self) -> Computed:  # noqa: N802 - NumPy's own name
        """The transpose."""
        return self._like(self.value.T, self.error.T)

    @property
    def read(self) -> Array:
        """The error once the value has been stored. What is exact is a number of the type and stays so."""
        a = self.arithmetic
        if a.u == a.w:
            return self.error
        stored = self.error + a.u * (np.abs(self.value) + self.error) + a.smallest / 2
        return np.where(self.error == 0, 0.0, stored)

    def constant(self, number: float) -> Computed:
        """A number that is not one of the type, rounded in the working type."""
        return self._like(number, self.arithmetic.w * abs(number))

    def through(self, function: Elementary) -> Computed:
        """An elementary function: its own documented error, and its argument's times the steepest slope."""
        a, e = self.arithmetic, self.read
        value = np.asarray(function.floats(self.value), dtype=float)
        with np.errstate(all="ignore"):
            carried = np.where(e == 0, 0.0, function.slope(self.value, e) * e)
        own = a.of_function(function.documented)
        # In float64 a value may vanish that is not 0, as exp's does far out; f(0) = 0 is exact.
        lost = np.where((value == 0) & (self.value != 0) & (own > 0), a.smallest, 0.0)
        return self._like(value, carried + own * (np.abs(value) + carried) + _under(a, value) + lost)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Computed:
        """The sum over axes, in any order: γₙ₋₁ Σ|x|."""
        n = _terms(self.shape, axis)
        size = (np.abs(self.value) + self.read).sum(axis=axis, keepdims=keepdims)
        error = self.read.sum(axis=axis, keepdims=keepdims)
        return self._like(
            self.value.sum(axis=axis, keepdims=keepdims), error + self.arithmetic.gamma(max(0, n - 1)) * size
        )

    def mean(self, axis: Any = None, keepdims: bool = False) -> Computed:
        """The sum divided by the number of its terms, or multiplied by its rounded reciprocal."""
        a, mean = self.arithmetic, self.sum(axis, keepdims) / _terms(self.shape, axis)
        return self._like(mean.value, mean.error + a.w * (np.abs(mean.value) + mean.error))

    def prod(self, axis: Any = None, keepdims: bool = False) -> Computed:
        """The product over axes, stored after every factor."""
        a, n = self.arithmetic, _terms(self.shape, axis)
        value = self.value.prod(axis=axis, keepdims=keepdims)
        size = np.abs(self.value) + self.read
        largest = size.prod(axis=axis, keepdims=keepdims)
        # Π(|x| + e) − Π|x| ≤ Σ eᵢ Πⱼ≠ᵢ(|xⱼ| + eⱼ), of which nothing cancels.
        shares = self.read / np.where(size > 0, size, 1)
        carried = largest * shares.sum(axis=axis, keepdims=keepdims)
        # (1 + u)ⁿ⁻¹ − 1 by expm1: the difference of the two products would be lost in their own rounding.
        own = largest * np.expm1(max(0, n - 1) * np.log1p(a.u))
        # What a product on the way loses below the normal numbers, later factors may make larger.
        lost = n * a.smallest * np.maximum(size, 1).prod(axis=axis, keepdims=keepdims)
        return self._like(value, carried + own + lost)

    def max(self, axis: Any = None, keepdims: bool = False) -> Computed:
        """The largest entry: no rounding, and no further off than the furthest."""
        return self._chosen(np.max, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Computed:
        """The smallest entry."""
        return self._chosen(np.min, axis, keepdims)

    def cumsum(self, axis: int) -> Computed:
        """Running sums: the k-th has k − 1 roundings."""
        before = np.arange(self.shape[axis]).reshape(
            [-1 if i == axis % self.ndim else 1 for i in range(self.ndim)]
        )
        size = np.cumsum(np.abs(self.value) + self.read, axis=axis)
        error = np.cumsum(self.read, axis=axis) + self.arithmetic.gamma(before) * size
        return self._like(np.cumsum(self.value, axis=axis), error)

    def reshape(self, *shape: Any) -> Computed:
        """The same entries in another shape."""
        return self._like(self.value.reshape(*shape), self.error.reshape(*shape))

    def squeeze(self, axis: Any = None) -> Computed:
        """The same entries without dimensions of size 1."""
        return self._like(self.value.squeeze(axis), self.error.squeeze(axis))

    def swapaxes(self, first: int, second: int) -> Computed:
        """The same entries with two dimensions exchanged."""
        return self._like(self.value.swapaxes(first, second), self.error.swapaxes(first, second))

    def _chosen(self, choose: Callable[..., Any], axis: Any, keepdims: bool) -> Computed:
        error = self.read.max(axis=axis, keepdims=keepdims)
        return self._like(choose(self.value, axis=axis, keepdims=keepdims), error)

    def _like(self, value: Any, error: Any) -> Computed:
        return Computed(value, error, self.arithmetic)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy's functions: elementary ones by their table, arithmetic by the rules below."""
        if method == "reduce" and ufunc in _REDUCTIONS:
            return getattr(inputs[0], _REDUCTIONS[ufunc])(
                options.get("axis", 0), options.get("keepdims", False)
            )
        if method == "accumulate" and ufunc is np.add:
            return inputs[0].cumsum(options.get("axis", 0))
        if method != "__call__":
            return NotImplemented
        if ufunc in _COMPARISONS:
            return _compared(ufunc, *inputs)
        if ufunc.__name__ in ELEMENTARY:
            return self.through(ELEMENTARY[ufunc.__name__])
        rule = _RULES.get(ufunc)
        return NotImplemented if rule is None else rule(*(self._computed(x) for x in inputs))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """NumPy's functions that only move entries: once for the values, once for the errors."""
        if function is np.where:
            return _where(*arguments)
        if function in _METHODS:
            return getattr(arguments[0], _METHODS[function])(*arguments[1:], **options)
        if function in _ABOUT_SHAPES:
            return function(*_parts(arguments, "value"), **options)
        if function in _ORDERS:
            return function(*(_known(x) for x in arguments), **options)
        if function not in _MOVES:
            raise TypeError(f"a running error has no rule for numpy.{function.__name__}")
        return self._like(
            function(*_parts(arguments, "value"), **options), function(*_parts(arguments, "error"), **options)
        )

    def _computed(self, x: Any) -> Computed:
        if isinstance(x, Computed):
            return x
        number, w = np.asarray(x, dtype=float), self.arithmetic.w
        if w == 2.0**-53:
            return self._like(number, 0.0)
        with np.errstate(over="ignore"):
            held = number.astype(np.float32) == number
        return self._like(number, np.where(held, 0.0, w * np.abs(number)))


def _compared(ufunc: np.ufunc, *operands: Any) -> Any:
    """A comparison that no rounding can turn. Raises: ValueError where one could."""
    values = [x.value if isinstance(x, Computed) else x for x in operands]
    errors = [x.read if isinstance(x, Computed) else 0.0 for x in operands]
    other = values[1] if len(values) > 1 else 0.0
    within = sum(errors)
    if np.any((within > 0) & (np.abs(values[0] - other) <= within)):
        raise ValueError("a formula may not branch on a result that is so near: rounding may turn the branch")
    return ufunc(*values)


def _known(x: Any) -> Any:
    """What may be put in order. Raises: ValueError for a value that is itself a result."""
    if isinstance(x, Computed) and np.any(x.error):
        raise ValueError("a formula may order its inputs, not its results: rounding may exchange them")
    return x.value if isinstance(x, Computed) else x


def _parts(arguments: Any, part: str) -> Any:
    """The values, or the errors, of what a structural function is given. A plain array has no error."""
    if isinstance(arguments, Computed):
        return getattr(arguments, part)
    if isinstance(arguments, tuple | list):
        return type(arguments)(_parts(x, part) for x in arguments)
    return arguments


def _terms(shape: tuple[int, ...], axis: Any) -> int:
    axes = range(len(shape)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return int(np.prod([shape[i] for i in axes], dtype=int))


def _under(a: Arithmetic, value: Array) -> Array:
    """What a result below the normal numbers may be off by: no function is documented to err by more ulps."""
    return np.where((value != 0) & (np.abs(value) < a.smallest_normal), 2 * a.smallest, 0.0)


def _rounded(x: Computed, value: Array, carried: Array) -> Computed:
    a = x.arithmetic
    return Computed(value, carried + a.w * (np.abs(value) + carried) + _under(a, value), a)


def _lost(x: Computed, value: Array) -> Array:
    """In float64 a product or quotient of numbers that are not 0 may be 0 all the same."""
    return np.where(value == 0, x.arithmetic.smallest, 0.0)


def _is_zero(x: Computed) -> Array:
    return np.asarray((x.value == 0) & (x.error == 0))


def _scales_exactly(x: Computed) -> Array:
    """Whether a factor is an exact 0 or power of two, which rounds nothing but what it makes subnormal."""
    mantissa, _ = np.frexp(np.abs(x.value))
    return np.asarray((x.error == 0) & ((mantissa == 0.5) | (x.value == 0)))


def _add(x: Computed, y: Computed) -> Computed:
    carried = x.read + y.read
    rounded = _rounded(x, x.value + y.value, carried)
    # 0 + y is y, as x's other argument was stored.
    return Computed(rounded.value, np.where(_is_zero(x) | _is_zero(y), carried, rounded.error), x.arithmetic)


def _negative(x: Computed) -> Computed:
    return Computed(-x.value, x.error, x.arithmetic)


def _multiply(x: Computed, y: Computed) -> Computed:
    a, b = np.abs(x.value), np.abs(y.value)
    # Where a factor is an exact 0, so is the product, whatever the other's error.
    gone = _is_zero(x) | _is_zero(y)
    with np.errstate(invalid="ignore", over="ignore"):
        carried = np.where(gone, 0.0, a * y.read + b * x.read + x.read * y.read)
        value = x.value * y.value
    exact = _scales_exactly(x) | _scales_exactly(y)
    rounded = _rounded(x, value, carried)
    error = np.where(exact, carried + _under(x.arithmetic, value), rounded.error) + _lost(x, value)
    return Computed(value, np.where(gone, 0.0, error), x.arithmetic)


def _divide(x: Computed, y: Computed) -> Computed:
    with np.errstate(all="ignore"):
        value = x.value / y.value
        room = np.abs(y.value) - y.read
        carried = np.where(room > 0, (x.read + np.abs(value) * y.read) / room, np.inf)
        carried = np.where(y.error == 0, x.read / np.abs(y.value), carried)
    exact = _scales_exactly(y)
    error = np.where(exact, carried + _under(x.arithmetic, value), _rounded(x, value, carried).error)
    error = error + _lost(x, value)
    return Computed(value, np.where(_is_zero(x), 0.0, error), x.arithmetic)


def _power(x: Computed, p: Computed) -> Computed:
    """xᵖ for an exact p: pow's own error, and |p| max(|x|ᵖ⁻¹) of the argument's."""
    if np.any(p.error):
        raise ValueError("a running error takes powers by exact exponents; write exp(p log x)")
    a, e = x.arithmetic, x.read
    with np.errstate(all="ignore"):
        value = x.value**p.value
        ends = [np.abs(p.value) * np.abs(end) ** (p.value - 1) for end in (x.value - e, x.value + e)]
        carried = np.where(e == 0, 0.0, np.maximum(*ends) * e)
        # Around 0 a power below 1 is as steep as can be.
        carried = np.where((e > 0) & (np.abs(x.value) <= e) & (p.value < 1), np.inf, carried)
    own = np.where((p.value == 1) | (p.value == 0), 0.0, a.of_function("pow"))
    return Computed(value, carried + own * (np.abs(value) + carried) + _under(a, value), a)


def _larger(choose: Callable[..., Array]) -> Callable[[Computed, Computed], Computed]:
    return lambda x, y: Computed(choose(x.value, y.value), np.maximum(x.read, y.read), x.arithmetic)


def _matmul(x: Computed, y: Computed) -> Computed:
    a, b = np.abs(x.value), np.abs(y.value)
    carried = np.matmul(a, y.read) + np.matmul(x.read, b + y.read)
    size, n = np.matmul(a, b) + carried, x.shape[-1]
    # Every product may lose half a spacing below the normal numbers.
    own = x.arithmetic.gamma(n) * size + n * x.arithmetic.smallest / 2
    return Computed(np.matmul(x.value, y.value), carried + own, x.arithmetic)


def _where(condition: Any, x: Any, y: Any) -> Computed:
    first = next(v for v in (x, y) if isinstance(v, Computed))
    x, y = first._computed(x), first._computed(y)
    return Computed(
        np.where(condition, x.value, y.value), np.where(condition, x.error, y.error), first.arithmetic
    )


_RULES: Mapping[Any, Callable[..., Computed]] = {
    np.add: _add,
    np.subtract: lambda x, y: _add(x, _negative(y)),
    np.negative: _negative,
    np.positive: lambda x: x,
    np.absolute: lambda x: Computed(np.abs(x.value), x.error, x.arithmetic),
    np.multiply: _multiply,
    np.square: lambda x: _multiply(x, x),
    np.divide: _divide,
    np.reciprocal: lambda x: _divide(Computed(np.ones(()), 0.0, x.arithmetic), x),
    np.power: _power,
    np.maximum: _larger(np.maximum),
    np.minimum: _larger(np.minimum),
    np.matmul: _matmul,
}
_COMPARISONS = frozenset(
    {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.sign, np.signbit}
)
_REDUCTIONS = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}
_METHODS: Mapping[Any, str] = {
    np.sum: "sum",
    np.mean: "mean",
    np.prod: "prod",
    np.max: "max",
    np.amax: "max",
    np.min: "min",
    np.amin: "min",
    np.cumsum: "cumsum",
}
_ABOUT_SHAPES = frozenset({np.shape, np.ndim, np.size, np.zeros_like, np.ones_like})
_ORDERS = frozenset({np.argmax, np.argmin, np.argsort})
_MOVES: frozenset[Any] = frozenset(
    {
        np.broadcast_to,
        np.concatenate,
        np.diagonal,
        np.expand_dims,
        np.flip,
        np.moveaxis,
        np.ravel,
        np.repeat,
        np.reshape,
        np.roll,
        np.squeeze,
        np.stack,
        np.swapaxes,
        np.take,
        np.take_along_axis,
        np.tile,
        np.transpose,
    }
)
