"""Scaled: a point of an operation with inputs multiplied by powers of two, and what was computed there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from verify.case import ORDINARY, Case, Point
from verify.comparison import autograd, result
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.condition import condition
from verify.formulas.lost import enclosed, in_range, kept, off, precision_for
from verify.formulas.reference import Enclosure, in_balls
from verify.operation import Array, Inputs, Operation, Workload

# A point of its own for the sweep, the same in every run and dtype: what is sampled is the magnitude, and a
# verdict on it must not hang on the mantissas that a seed happens to give.
_GENERATOR = 20130526
# So many entries have both signs, and some in either half of a binade, but for one draw in sixteen.
_FEWEST = 5
# What is lost is lost in an entry and its few terms: more entries cost more and show the same.
_MOST = 80
_WHERE = ("dim", "keepdim")


@dataclass(frozen=True)
class Reading:
    """The result, or one gradient, at one scale, beside its enclosure.

    `inside` are the entries whose exact value is a normal number, `off` those of them that are off by half.
    """

    question: str
    exact: Enclosure
    computed: Array
    inside: Array
    off: Array

    @classmethod
    def of(cls, question: str, exact: Enclosure, computed: Array, a: Arithmetic) -> Reading:
        """A computed array beside its enclosure."""
        inside = in_range(exact, a)
        return cls(question, exact, computed, inside, off(computed, exact, inside))


@dataclass(frozen=True)
class Scaling:
    """Which inputs of a point are scaled: `unit` has its largest such entry in [1, 2).

    `exponents` are the least and the greatest of the format.
    """

    name: str
    unit: Point
    positions: tuple[int, ...]
    exponents: tuple[int, int]

    def at(self, exponent: int) -> Point | None:
        """The point whose largest scaled entry lies in [2^exponent, 2^(exponent + 1)); None if there is none.

        No entry falls below the normal numbers: the small ones stay in the lowest binade. In the topmost
        binade there are all of them, since a sign that is missing there would not be seen.
        """
        inputs = list(self.unit.inputs)
        for i in self.positions:
            inputs[i] = _moved(inputs[i], exponent, self.exponents)
            if np.any((inputs[i] != 0) & (np.abs(inputs[i]) < math.ldexp(1.0, self.exponents[0]))):
                return None
        return replace(self.unit, inputs=tuple(inputs))


def _moved(x: Array, exponent: int, exponents: tuple[int, int]) -> Array:
    least, greatest = exponents
    mantissa, own = np.frexp(x)  # x = mantissa · 2^own, 1/2 ≤ |mantissa| < 1
    top = np.full(own.shape, greatest + 1)
    moved: Array = np.ldexp(mantissa, top if exponent == greatest else np.maximum(own + exponent, least + 1))
    # Where entries that differ would meet, which of them is the largest is another question.
    return moved if np.unique(moved).size == np.unique(x).size else np.ldexp(x, exponent)


def workloads(operation: Operation, thorough: bool) -> tuple[Workload, ...]:
    """The plainest call that has entries enough for both signs; thoroughly, one for every set of options.

    The plainest has the fewest options, and of those the fewest entries. Options that say along which
    dimensions a call works do not count as others, and calls of many entries are no others either.
    """

    def entries(w: Workload) -> int:
        return sum(math.prod(shape) for shape in w.shapes)

    few = [w for w in operation.check if _FEWEST <= entries(w) <= _MOST]
    if not few:
        return (min(operation.check, key=lambda w: (entries(w) < _FEWEST, abs(entries(w) - _FEWEST))),)
    ranked = sorted(few, key=lambda w: (len(w.options), entries(w)))
    first: dict[str, Workload] = {}
    for w in ranked:
        options = {name: value for name, value in w.options.items() if name not in _WHERE}
        first.setdefault(str(sorted(options.items())), w)
    return tuple(first.values()) if thorough else tuple(ranked[:1])


def scalings(case: Case, each: bool) -> Iterator[Scaling]:
    """All floating-point inputs scaled together, and where there are several `each` alone too."""
    generator = np.random.default_rng(_GENERATOR)
    start = case.operation.domain.sample(generator, case.workload)
    point = Point(ORDINARY, case.held(start), case.workload.options)
    scaled = [i for i in point.differentiable if np.any(point.inputs[i])]
    if scaled:
        yield _scaling("every input scaled", case, point, tuple(scaled))
    for position in scaled if each and len(scaled) > 1 else ():
        yield _scaling(f"input {position} scaled", case, point, (position,))


def _scaling(name: str, case: Case, point: Point, positions: tuple[int, ...]) -> Scaling:
    largest = max(float(np.max(np.abs(point.inputs[i]))) for i in positions)
    down = -math.floor(math.log2(largest))
    inputs = tuple(np.ldexp(x, down) if i in positions else x for i, x in enumerate(point.inputs))
    unit = replace(point, name=f"{name}{_with_options(case)}", inputs=inputs)
    return Scaling(name, unit, positions, case.arithmetic.exponents)


def _with_options(case: Case) -> str:
    """The options by name that tell a call from the plainest."""
    if case.workload in workloads(case.operation, thorough=False):
        return ""
    return f", with {' and '.join(sorted(name for name in case.workload.options if name not in _WHERE))}"


class Scale:
    """What a case computes at one scale of a point, and what the condition there would explain."""

    def __init__(self, case: Case, point: Point | None, g: Array) -> None:
        self.case, self.asked, self.g = case, point, g
        self.refusal: Exception | None = None

    @property
    def point(self) -> Point:
        """The scaled point. Raises: ValueError where there is none."""
        if self.asked is None:
            raise ValueError("entries that differ would meet, or leave the normal numbers")
        return self.asked

    @cached_property
    def readings(self) -> tuple[Reading, ...] | None:
        """The result and every gradient; None where there is no point, or torch refuses it."""
        if self.asked is None:
            return None
        case, point, a, operation = self.case, self.point, self.case.arithmetic, self.case.operation
        exact = list(enclosed(operation.forward.evaluate, point.inputs, point.options, a))
        names = ["forward"]
        if operation.vjp is not None:
            found = enclosed(operation.vjp.evaluate, (self.g, *point.inputs), point.options, a)
            exact += [found[i] for i in point.differentiable]
            names += [f"gradient of input {i}" for i in point.differentiable]
        balls = [e for e in exact if e is not None]
        try:
            computed = [result(case, point)]
            if operation.vjp is not None:
                computed += autograd(case, point, self.g)
        except (RuntimeError, ValueError) as error:
            # Loudly refused, as torch does with a probability above 1, is not silently lost.
            self.refusal = error
            return None
        read = zip(names, balls, computed, strict=True)
        return tuple(Reading.of(*each, a) for each in read)

    @cached_property
    def lost(self) -> tuple[Array, ...]:
        """Of each reading the entries that are lost, and that the condition does not explain."""
        a, operation, point = self.case.arithmetic, self.case.operation, self.point
        readings = self.readings
        assert readings is not None  # only asked where something was read
        moved: list[tuple[Array, ...] | None] = [None] * len(readings)
        if readings[0].off.any():
            moved[:1] = self._moved(operation.forward.evaluate, point.inputs, readings[0].exact)
        if operation.vjp is not None and any(r.off.any() for r in readings[1:]):
            found = self._moved(operation.vjp.evaluate, (self.g, *point.inputs), readings[-1].exact)
            moved[1:] = (found[i] for i in point.differentiable)
        terms = max(x.size for x in point.inputs)
        return tuple(
            r.off if m is None else r.off & kept(r.exact, m, terms, a)
            for r, m in zip(readings, moved, strict=True)
        )

    def _moved(
        self, evaluate: Callable[..., Any], arguments: Inputs, exact: Enclosure
    ) -> list[tuple[Array, ...]]:
        """u Σ|x ∂y/∂x| of every result of a formula, for each of its floating-point arguments."""
        u, options, balls = self.case.arithmetic.u, self.point.options, in_balls(arguments)
        of_arguments = [
            condition(
                lambda x, i=i: evaluate(*balls[:i], x, *balls[i + 1 :], **options),
                (argument,),
                u,
                precision_for(exact),
            )
            for i, argument in enumerate(arguments)
            if argument.dtype.kind == "f"
        ]
        return list(zip(*of_arguments, strict=True))
