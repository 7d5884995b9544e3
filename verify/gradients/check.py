"""Check: every question asked of a function's gradient, each answered by one finite difference.

One line through the point, along a random direction that moves every entry of every input, is sampled
once. The derivative of every output entry along it, with its interval, then serves all questions: any
cotangent in reverse mode, the tangents of forward mode entry by entry, each output alone, batches. A
wrong entry of the Jacobian cannot hide behind a zero weight, and two wrong entries cancel only by chance.
"""

from __future__ import annotations

import functools
import math
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.differences import Derivatives, derivatives
from verify.gradients import forward as forward_mode
from verify.gradients import reverse as reverse_mode
from verify.gradients.draws import Draws
from verify.gradients.function import (
    Evaluated,
    Function,
    Point,
    Tensors,
    UnusableFunction,
    point_of,
    row,
    size,
    untouched_random_state,
)
from verify.gradients.locate import EXACT, SCALES, Gradient, worst_place
from verify.gradients.precision import against_witness, narrow, witness
from verify.gradients.report import Answer, GradientReport, Place, overall
from verify.gradients.reverse import Vjp
from verify.gradients.second_order import second_order as second_order_of
from verify.line import UNIT_ROUNDOFF, Flags, Vector, total
from verify.outcome import Status, judge

# Six standard deviations of a sum of independent roundings (Higham & Mary, A new approach to probabilistic
# rounding error analysis, SIAM J. Sci. Comput. 41 (2019), theorem 2.4).
_DEVIATIONS = 6.0
# How long the lines are that tell a rounding inside, along which they agree, from a pole.
_LONGER = (2.0**4, 1.0, 2.0**-4)
# How many entries with a corner are judged by themselves.
_CORNERS = 16


Tangents = Callable[[Function, Vector, Sequence[float]], list[Vector]]


@dataclass(frozen=True)
class Questions:
    """What is asked of a gradient."""

    reverse: bool = True
    forward: bool = False
    second_order: bool = False
    batched: bool = False
    batched_forward: bool = False
    undefined: bool = True
    # How far two backward passes of one graph may differ; infinite where it is not asked.
    nondeterminism: float = 0.0


def check_gradient(
    function: Callable[..., Any],
    inputs: Any,
    *,
    vjp: Vjp | None = None,
    seed: int | None = None,
    reverse: bool = True,
    forward: bool = False,
    second_order: bool = False,
    batched: bool = False,
    undefined: bool = True,
    deterministic: bool = True,
) -> GradientReport:
    """Hold the gradient of a function of tensors against finite differences that know their error.

    The gradient is taken in every input that requires one, in reverse mode; `forward` asks forward mode
    too, `second_order` the gradient of the gradient, `batched` both under vmap. `undefined` asks each
    output alone and none at all, `deterministic` the same answer twice. `vjp(cotangents, *inputs)`
    replaces autograd where it is given. Inputs narrower than float64 are judged against a run in float64.

    Shapes: any. Units: see `GradientReport`.
    Raises: ValueError where the inputs or the function cannot be checked; it says why and what to do.
    """
    if not (reverse or forward or second_order):
        raise ValueError("nothing is asked: set reverse, forward or second_order")
    questions = Questions(
        reverse=reverse,
        forward=forward,
        second_order=second_order,
        batched=batched and reverse,
        batched_forward=batched and forward,
        undefined=undefined,
        nondeterminism=0.0 if deterministic else math.inf,
    )
    return examine(function, inputs, questions, vjp=vjp, seed=seed)


def examine(
    function: Callable[..., Any],
    inputs: Any,
    questions: Questions,
    *,
    vjp: Vjp | None = None,
    seed: int | None = None,
) -> GradientReport:
    """As `check_gradient`, with the questions as a record."""
    seed = secrets.randbits(31) if seed is None else seed
    given = point_of(inputs)
    draws = Draws(seed)
    with untouched_random_state():
        line = _line(function, given, draws, vjp)
        answers = line.answers(questions)
        lines = [line]
        if narrow(given) and vjp is None:
            low = Function(function, given)
            answers.append(against_witness(low, line.function, draws))
            line.function.evaluations += low.evaluations
        if questions.second_order:
            lines.append(_Line(second_order_of(line.function, draws), draws, None))
            answers += lines[1].answers(Questions(undefined=False, nondeterminism=math.inf), "second order, ")
        return _report(lines, answers, seed, function, given)


def _line(function: Callable[..., Any], given: Point, draws: Draws, vjp: Vjp | None) -> _Line:
    try:
        return _Line(Function(function, witness(given)), draws, vjp)
    except UnusableFunction as error:
        if not narrow(given):
            raise
        Function(function, given).evaluated()  # if it cannot be run as it was given, that is what to tell
        raise UnusableFunction(
            f"{error} It runs with the inputs as they are, but not in float64, in which they are judged: "
            "pass what it computes with as arguments too, or make it float64 (module.double())"
        ) from error.__cause__


def examine_second_order(
    function: Callable[..., Any],
    inputs: Any,
    questions: Questions,
    *,
    cotangents: Tensors | None = None,
    seed: int | None = None,
) -> GradientReport:
    """The questions asked of the gradient of the gradient, at random cotangents or the given ones."""
    seed = secrets.randbits(31) if seed is None else seed
    given = point_of(inputs)
    draws = Draws(seed)
    with untouched_random_state():
        first = Function(function, witness(given))
        line = _Line(second_order_of(first, draws, cotangents), draws, None)
        return _report([line], line.answers(questions), seed, line.function.callable, given)


def _report(
    lines: Sequence[_Line], answers: Sequence[Answer], seed: int, function: Callable[..., Any], given: Point
) -> GradientReport:
    status = overall(tuple(answer.status for answer in answers))
    return GradientReport(
        status=status,
        smallest_visible_error=_visible(answers),
        smallest_visible_entry=lines[0].visible_entry,
        worst=next((line.place for line in lines if line.place is not None), None),
        answers=tuple(answers),
        corners=sum(int(np.count_nonzero(line.numeric.kink)) for line in lines),
        unjudged=sum(int(np.count_nonzero(~line.numeric.known)) for line in lines),
        evaluations=sum(line.function.evaluations for line in lines),
        seed=seed,
        function=function,
        inputs=given.arguments,
    )


def _visible(answers: Sequence[Answer]) -> float:
    """What the least seeing answer could see; at corners only where nothing else was asked."""
    smooth = [a.visible for a in answers if not a.at_corners]
    return max(smooth or [a.visible for a in answers], default=math.nan)


class _Line:
    """A function's derivatives along one random line, and the questions that these can answer."""

    def __init__(self, function: Function, draws: Draws, vjp: Vjp | None) -> None:
        self.function = function
        self.draws = draws
        self.vjp = vjp
        self.visible_entry = math.nan
        self.at: Evaluated = function.evaluated()
        self.value: Vector = row(self.at.outputs)
        if self.value.size and not np.isfinite(self.value).any():
            raise UnusableFunction(
                "the function returns nothing but nan or inf at the inputs: choose inputs in its domain"
            )
        self.direction = _direction(draws, function.point)
        # How long the line is that `numeric` was measured along, in directions.
        self.scale = 1.0
        self.numeric: Derivatives = derivatives(function.along(self.direction))
        self.place: Place | None = None
        # The first cotangent whose gradient is wrong, and where that gradient came from.
        self._failed: tuple[Vector, Gradient] | None = None

    def answers(self, questions: Questions, prefix: str = "") -> list[Answer]:
        """What is asked, answered; and where reverse mode fails, the place."""
        found = list(self._asked(questions, prefix))
        if self._failed is None:
            return found
        if self._shortened():
            rounded = self._rounds_inside(self._failed[0])
            self._failed = None
            found = list(self._asked(questions, prefix))
            if self._failed is None:
                return [_unsettled(answer) for answer in found] if rounded else found
        g, source = self._failed
        self.place = worst_place(
            self.function, self.at.outputs, self.direction, self.scale, self.numeric, g, source
        )
        return [_disputed(answer) for answer in found] if self.place.disputed else found

    def _shortened(self) -> bool:
        """Whether a shorter line contradicts the one that a gradient failed along; then it takes its place.

        A pole or a bend then lies nearer than the fine grid can show; the shortest line is free of most.
        """
        assert self._failed is not None
        g = np.where(self.numeric.known, self._failed[0], 0.0)
        largest = float(np.max(np.abs(row(self.function.point.variables)), initial=0.0))
        for scale in reversed(SCALES):
            if scale * 2.0**EXACT < largest:
                continue  # the steps would be lost beside the inputs
            shorter = derivatives(self.function.along(scale * self.direction)).scaled(1 / scale)
            if self.numeric.weighted(g).contradicts(shorter.weighted(g)):
                self.numeric, self.scale = shorter, scale
                return True
        return False

    def _rounds_inside(self, g: Vector) -> bool:
        """Whether some longer line tells a derivative of its own, against the shorter that took its place.

        Then it may be no pole that the shorter line avoids, but a coarse rounding that it does not see past.
        Across a pole the longer lines tell nothing: an interval that reaches to a quarter of its value.
        """
        for scale in _LONGER:
            longer = derivatives(self.function.along(scale * self.direction)).scaled(1 / scale)
            both = np.where(longer.known & self.numeric.known, g, 0.0)
            far, near = longer.weighted(both), self.numeric.weighted(both)
            if far.contradicts(near) and 4 * far.error < abs(far.middle):
                return True
        return False

    def _asked(self, questions: Questions, prefix: str) -> Iterator[Answer]:
        smooth = self.numeric.known & ~self.numeric.kink
        if questions.reverse and (self.numeric.flat & smooth).any():
            standing = self._cotangent(self.numeric.flat & smooth)
            if not self._gradient(standing).any():
                # A slope that something rounds away would not be claimed to be 0.
                smooth &= ~self.numeric.flat
                note = "the function stands still, and 0 is its derivative"
                yield Answer(f"{prefix}reverse mode at steps", Status.PASS, note=note)
        if questions.reverse:
            yield from self._in_reverse(questions, smooth, prefix)
        if questions.forward or questions.batched_forward:
            yield from self._in_forward(questions, prefix)
        if not self.numeric.known.all():
            lost = int(np.count_nonzero(~self.numeric.known))
            note = f"{lost} of {self.value.size} jump, are not finite, or have one slope near and another far"
            yield Answer(f"{prefix}every output entry", Status.INCONCLUSIVE, note=note)

    def _in_reverse(self, questions: Questions, smooth: Flags, prefix: str) -> Iterator[Answer]:
        if self.numeric.kink.any():
            yield from self._at_corners(self.numeric.kink & self.numeric.known, prefix)
        if smooth.any() or not smooth.size:
            yield from self._at_smooth(questions, smooth, prefix)
        if self.vjp is not None or not self.at.attached:
            return
        if questions.undefined:
            yield from self._undefined(smooth, prefix)
        if questions.batched and smooth.any():
            yield self._batched(f"{prefix}batched reverse mode", [self._cotangent(smooth) for _ in range(2)])

    def _at_smooth(self, questions: Questions, smooth: Flags, prefix: str) -> Iterator[Answer]:
        """Entries with a derivative, all at once, for a cotangent in two layouts."""
        g = self._cotangent(smooth)
        first, second = self._gradient(g), self._gradient(g, spread=True)
        answer = self._judged(f"{prefix}reverse mode", g, first)
        self.visible_entry = self._entry(answer.bound, first)
        yield answer
        if not np.array_equal(first, second, equal_nan=True):
            # Other bits for the same cotangent in another layout: another order of summation, or a fault.
            yield from self._repeated(questions, prefix, g, first)
            question = f"{prefix}reverse mode, cotangent not contiguous"
            yield self._judged(question, g, second, lambda g: self._gradient(g, spread=True))

    def _at_corners(self, corners: Flags, prefix: str) -> Iterator[Answer]:
        """Entries with a corner, some by themselves: in a sum the sides of many hide any error."""
        entries = np.flatnonzero(corners)
        if not entries.size:
            return
        groups = [corners]
        if entries.size > 1:
            for entry in entries[self.draws.order(entries.size)][:_CORNERS]:
                groups.append(np.arange(corners.size) == entry)
        cotangents = [self._cotangent(group) for group in groups]
        question = f"{prefix}reverse mode at corners"
        yield _gravest(self._judged(question, c, self._gradient(c), corner=True) for c in cotangents)

    def _repeated(self, questions: Questions, prefix: str, g: Vector, first: Vector) -> Iterator[Answer]:
        """Whether two backward passes of one graph give the same."""
        if questions.nondeterminism == math.inf:
            return
        apart = float(np.max(np.abs(first - self._gradient(g)), initial=0.0))
        if apart > questions.nondeterminism:
            note = f"two backward passes of one graph differ by {apart:.2g}"
            yield Answer(f"{prefix}the same gradient twice", Status.FAIL, note=note)

    def _batched(self, question: str, cotangents: Sequence[Vector]) -> Answer:
        try:
            found = reverse_mode.batched(self.at, cotangents)
        except UnusableFunction as error:
            return Answer(question, Status.FAIL, note=str(error))
        return _sharpest(
            self._judged(question, c, v, lambda g: reverse_mode.batched(self.at, (g, g))[0])
            for c, v in zip(cotangents, found, strict=True)
        )

    def _undefined(self, smooth: Flags, prefix: str) -> Iterator[Answer]:
        if len(self.at.outputs) > 1:
            for position, y in enumerate(self.at.outputs):
                if y.requires_grad:
                    part = np.zeros_like(smooth)
                    part[reverse_mode.part_of(self.at, position)] = True
                    if not (smooth & part).any():
                        continue
                    g = self._cotangent(smooth & part)
                    source = functools.partial(reverse_mode.alone, self.at, position)
                    yield self._judged(f"{prefix}reverse mode, output {position} alone", g, source(g), source)
        wrong = reverse_mode.undefined(self.at)
        if wrong:
            yield Answer(f"{prefix}no cotangent at all", Status.FAIL, note=wrong)

    def _in_forward(self, questions: Questions, prefix: str) -> Iterator[Answer]:
        if questions.forward:
            yield self._tangents(f"{prefix}forward mode", (1.0,), forward_mode.tangents)
        if questions.batched_forward:
            yield self._tangents(f"{prefix}batched forward mode", (1.0, -0.5), forward_mode.batched)

    def _tangents(self, question: str, factors: tuple[float, ...], tangents: Tangents) -> Answer:
        try:
            found = tangents(self.function, self.direction, factors)
        except UnusableFunction as error:
            return Answer(question, Status.FAIL, note=str(error))
        return _sharpest(self._entrywise(question, t / f) for f, t in zip(factors, found, strict=True))

    def _judged(
        self, question: str, g: Vector, gradient: Vector, source: Gradient | None = None, corner: bool = False
    ) -> Answer:
        """A gradient for the cotangent g, from a source, against the derivative along the line."""
        failed = self._failed or (g, source or self._gradient)
        exact = self.numeric.weighted(g)
        terms = gradient * self.direction
        if not np.isfinite(terms).all() and not self.numeric.known.all():
            note = "nan or inf, as the function's outputs or derivatives elsewhere"
            return Answer(question, Status.INCONCLUSIVE, note=note)
        if not np.isfinite(terms).all():
            self._failed = failed
            return Answer(question, Status.FAIL, math.nan, exact.error, note="the gradient has nan or inf")
        claim = total(terms)
        # The terms of φ round too, and where they cancel in its derivative that is what is left.
        reach = total(np.abs(g) * self.numeric.reach)
        bound = exact.error + _rounding(terms, claim, int(np.count_nonzero(g))) + UNIT_ROUNDOFF * reach
        measured = exact.distance(claim)
        status = judge(measured, bound)
        if status is Status.FAIL:
            self._failed = failed
        if status is Status.FAIL and not self.at.attached and self.vjp is None:
            note = "the outputs carry no gradient: look for detach(), .data, .item() or no_grad() on the way"
            return Answer(question, status, measured, bound, note=note)
        largest = max(abs(exact.low), abs(exact.high))
        if largest <= bound:
            # Where the derivative vanishes, the function's own size is what an error is seen against.
            largest = max(largest, reach)
        visible = bound / largest if largest else (0.0 if bound == 0 else math.inf)
        if corner:
            note = "anything between the one-sided derivatives passes"
            wide = (bound + exact.high - exact.low) / largest if largest else 0.0
            return Answer(question, status, measured, bound, wide, note, at_corners=True)
        if status is Status.PASS and visible >= 1:
            status = Status.INCONCLUSIVE
        return Answer(question, status, measured, bound, visible)

    def _entrywise(self, question: str, tangents: Vector) -> Answer:
        """Tangents against the derivative along the line, entry by entry."""
        known = self.numeric.known
        if known.size and not known.any():
            return Answer(question, Status.INCONCLUSIVE, note="no output entry could be differenced")
        if not known.size:
            return Answer(question, Status.PASS, note="there is no output entry")
        if not np.isfinite(tangents[known]).all():
            return Answer(question, Status.FAIL, math.nan, note="the tangents have nan or inf")
        largest = np.maximum(np.abs(self.numeric.low), np.abs(self.numeric.high))[known]
        # Every tangent is a sum over the inputs.
        each = np.zeros(known.size)
        each[known] = largest
        for position in range(len(self.at.outputs)):
            part = reverse_mode.part_of(self.at, position)
            each[part] = np.max(each[part], initial=0.0)
        slack = _DEVIATIONS * math.sqrt(self.direction.size) * UNIT_ROUNDOFF * each[known]
        bound = self.numeric.error[known] + slack
        measured = self.numeric.distance(tangents)[known]
        worst = int(np.argmax(measured - bound))
        # As in reverse mode, where a derivative vanishes the function's own size takes its place.
        largest = np.where(largest > bound, largest, np.maximum(largest, self.numeric.reach[known]))
        with np.errstate(divide="ignore", invalid="ignore"):
            visible = float(np.min(np.where(largest > 0, bound / largest, np.inf)))
        status = judge(float(measured[worst]), float(bound[worst]))
        if not largest.any() and not bound.any():
            visible = 0.0  # constant, and exactly so: any tangent but 0 would show
        if status is Status.PASS and visible >= 1:
            status = Status.INCONCLUSIVE
        return Answer(question, status, float(measured[worst]), float(bound[worst]), visible)

    def _gradient(self, g: Vector, spread: bool = False) -> Vector:
        if self.vjp is not None:
            return reverse_mode.given(self.vjp, self.at, self.function.point.arguments, g)
        return reverse_mode.gradient(self.at, g, spread)

    def _cotangent(self, chosen: Flags) -> Vector:
        return np.where(chosen, self.draws.cotangent(chosen.size), 0.0)

    def _entry(self, bound: float, gradient: Vector) -> float:
        """The relative error of the median entry of the gradient that would show."""
        terms = np.abs(gradient * self.direction)
        terms = np.sort(terms[terms > 0])
        return bound / float(terms[terms.size // 2]) if terms.size else math.nan


def _direction(draws: Draws, point: Point) -> Vector:
    """A random move of every entry: a step of its 10 bits is added to a variable's 24 without rounding."""
    return draws.few_bits(sum(size(x) for x in point.variables))


def _rounding(terms: Vector, claim: float, count: int) -> float:
    """What rounding in the backward may put into Σ terms, of which each is a sum of `count` products.

    An error of each term by √count roundings, independent of the others; and one that all of them share.
    """
    spread = float(np.sqrt(terms @ terms)) + abs(claim)
    return _DEVIATIONS * math.sqrt(count) * UNIT_ROUNDOFF * spread


def _unsettled(answer: Answer) -> Answer:
    """An answer along a line that is too short to see past a rounding inside: no pass."""
    if answer.status is not Status.PASS:
        return answer
    note = "longer lines agree on another derivative: something inside is rounded"
    return replace(answer, status=Status.INCONCLUSIVE, note=note)


def _disputed(answer: Answer) -> Answer:
    """An answer whose finite difference is contradicted along another line: it has not shown a fault."""
    if answer.status is not Status.FAIL or not answer.measured:
        return answer
    note = (
        "finite differences along lines of other lengths contradict each other: something is rounded inside"
    )
    return replace(answer, status=Status.INCONCLUSIVE, note=note)


def _sharpest(answers: Iterable[Answer]) -> Answer:
    """Of several answers to one question a failure, else the one that saw most."""
    grave = (Status.FAIL, Status.PASS, Status.INCONCLUSIVE)
    return min(answers, key=lambda answer: (grave.index(answer.status), answer.visible))


def _gravest(answers: Iterable[Answer]) -> Answer:
    """Of answers about different entries a failure, else the one that saw least."""
    grave = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)
    return min(answers, key=lambda answer: (grave.index(answer.status), -answer.visible))
