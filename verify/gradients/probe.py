"""Probe: a function's derivatives along one random line, and every question that they can answer.

The line moves every entry of every input. The derivative of every output entry along it, with its
interval, serves all questions: any cotangent in reverse mode, the tangents of forward mode entry by entry,
each output alone, batches. A wrong entry of the Jacobian cannot hide behind a zero weight, and two wrong
entries cancel only by chance.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from verify.finite_differences.derivative import Derivatives
from verify.finite_differences.ladder import derivatives
from verify.finite_differences.line import Flags, Vector
from verify.gradients import claim
from verify.gradients import forward as forward_mode
from verify.gradients import reverse as reverse_mode
from verify.gradients.draws import Draws
from verify.gradients.function import Evaluated, Function, UnusableFunction
from verify.gradients.locate import EXACT, SCALES, Gradient, worst_place
from verify.gradients.questions import Questions
from verify.gradients.report import Answer, Place
from verify.gradients.reverse import Vjp
from verify.gradients.rows import Tensors, row, size
from verify.outcome import Status

# How long the lines are that tell a rounding inside, along which they agree, from a pole.
_LONGER = (2.0**4, 1.0, 2.0**-4)
# How far out, in directions, a slope is looked for again: the middle of the steps of a line.
_OUT = np.array([1 / 16, 3 / 64, 1 / 32, -1 / 16, -3 / 64, -1 / 32])
# How many entries with a corner are judged by themselves.
_CORNERS = 16

Tangents = Callable[[Function, Tensors, Vector, Sequence[float]], list[Vector]]


class Probe:
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
        # A step of its 10 bits is added to a variable's 24 without rounding.
        self.direction = draws.few_bits(sum(size(x) for x in function.point.variables))
        # How long the line is that `numeric` was measured along, in directions.
        self.scale = 1.0
        self.numeric: Derivatives = derivatives(function.along(self.direction))
        self.place: Place | None = None
        # The first cotangent whose gradient is wrong, and where that gradient came from.
        self._failed: tuple[Vector, Gradient] | None = None
        # Which output entry a tangent of forward mode is furthest off at, and what it is there.
        self._missed: tuple[int, float] | None = None

    def answers(self, questions: Questions, prefix: str = "") -> list[Answer]:
        """What is asked, answered; where reverse mode fails, the place; and whether the function wavers."""
        found = self._settled(questions, prefix)
        if any(answer.status is Status.INCONCLUSIVE for answer in found) and self._wavers():
            note = (
                "two runs at the same inputs differ, although torch's random numbers were the same: look for "
                "numpy's or Python's random numbers, or a state that is kept"
            )
            found.append(Answer(f"{prefix}the same result twice", Status.INCONCLUSIVE, note=note))
        return found

    def _wavers(self) -> bool:
        """Whether the function gives another result at the point, by more than some thousand roundings."""
        again = row(self.function.evaluated().outputs)
        if again.shape != self.value.shape:
            return True
        largest = float(np.max(np.abs(self.value), initial=0.0, where=np.isfinite(self.value)))
        return bool(np.nanmax(np.abs(again - self.value), initial=0.0) > 2.0**-40 * largest)

    def _settled(self, questions: Questions, prefix: str) -> list[Answer]:
        found = list(self._asked(questions, prefix))
        if self._failed is not None:
            wrong = self._failed[0]
        elif self._missed is not None:
            wrong = np.eye(1, self.value.size, self._missed[0])[0]
        else:
            return found
        if self._shortened(wrong):
            rounded = self._rounds_inside(wrong)
            self._failed = self._missed = None
            found = list(self._asked(questions, prefix))
            if self._failed is None and self._missed is None:
                return [_unsettled(answer) for answer in found] if rounded else found
        if self._failed is None:
            assert self._missed is not None
            rounded = self._contradicted(*self._missed) or self._rounds_inside(wrong)
            return [_disputed(answer) for answer in found] if rounded else found
        g, source = self._failed
        self.place = worst_place(
            self.function, self.at.outputs, self.direction, self.scale, self.numeric, g, source
        )
        return [_disputed(answer) for answer in found] if self.place.disputed else found

    def _shortened(self, g: Vector) -> bool:
        """Whether a shorter line contradicts the one that a gradient failed along; then it takes its place.

        A pole or a bend then lies nearer than the fine grid can show; the shortest line is free of most.
        """
        g = np.where(self.numeric.known, g, 0.0)
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
        """Whether a shorter line took the place of one that sees past a rounding inside, and not of a pole.

        A longer line then tells a derivative of its own, with an interval that does not reach to a quarter
        of its value; and what the short one tells is found again by short steps further out, where no pole
        is near.
        """
        for scale in _LONGER:
            longer = derivatives(self.function.along(scale * self.direction)).scaled(1 / scale)
            both = np.where(longer.known & self.numeric.known, g, 0.0)
            far, near = longer.weighted(both), self.numeric.weighted(both)
            if far.contradicts(near) and 4 * far.error < abs(far.middle):
                return self._found_again(longer, both != 0)
        return False

    def _found_again(self, longer: Derivatives, part: Flags) -> bool:
        """Whether steps as short as those of the line find its slopes at most places further out.

        Only the entries are looked at of which a longer line tells another slope: a quarter of what the two
        differ by tells them apart.
        """
        gap = np.abs(longer.low - self.numeric.low)
        part = part & (gap > longer.error + self.numeric.error)
        short = self.scale * 2.0**-9
        values = self.function.along(self.direction)
        with np.errstate(invalid="ignore"):
            slopes = (values(_OUT + short)[:, part] - values(_OUT)[:, part]) / short
            again = np.abs(slopes - self.numeric.low[part]) < gap[part] / 4
        return not again.size or bool(np.mean(again) > 1 / 2)

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
        self.visible_entry = claim.visible_entry(answer.bound, self.direction, first)
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
        yield claim.gravest(self._judged(question, c, self._gradient(c), corner=True) for c in cotangents)

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
        return claim.sharpest(
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
            found = tangents(self.function, self.function.point.variables, self.direction, factors)
        except UnusableFunction as error:
            return Answer(question, Status.FAIL, note=str(error))
        parts = [reverse_mode.part_of(self.at, position) for position in range(len(self.at.outputs))]
        tangents_found = [t / f for f, t in zip(factors, found, strict=True)]
        answer = claim.sharpest(
            claim.of_tangents(question, self.numeric, t, self.direction.size, parts) for t in tangents_found
        )
        if answer.status is Status.FAIL and self.numeric.known.any():
            self._missed = self._furthest(tangents_found)
        return answer

    def _furthest(self, tangents: Sequence[Vector]) -> tuple[int, float]:
        """The output entry at which one of several tangents is furthest off, and what it is there."""
        off = np.array([self.numeric.distance(t) - self.numeric.error for t in tangents])
        off = np.where(self.numeric.known, np.nan_to_num(off, nan=np.inf), -np.inf)
        which, entry = (int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
        return entry, float(tangents[which][entry])

    def _contradicted(self, entry: int, tangent: float) -> bool:
        """Whether the difference along a line of another length is what forward mode says of an entry.

        Its interval must not reach to a quarter of the way to what the first line tells.
        """
        gap = float(self.numeric.distance(np.full(self.value.size, tangent))[entry])
        for scale in (*_LONGER, *SCALES):
            other = derivatives(self.function.along(scale * self.direction)).scaled(1 / scale)
            off = float(other.distance(np.full(self.value.size, tangent))[entry])
            error = float(other.error[entry])
            if other.known[entry] and off <= error < gap / 4:
                return True
        return False

    def _judged(
        self, question: str, g: Vector, gradient: Vector, source: Gradient | None = None, corner: bool = False
    ) -> Answer:
        """A gradient for the cotangent g, from a source, against the derivative along the line."""
        answer = claim.of_gradient(question, self.numeric, self.direction, g, gradient, corner)
        if answer.status is not Status.FAIL:
            return answer
        self._failed = self._failed or (g, source or self._gradient)
        if self.at.attached or self.vjp is not None:
            return answer
        note = "the outputs carry no gradient: look for detach(), .data, .item() or no_grad() on the way"
        return replace(answer, note=note)

    def _gradient(self, g: Vector, spread: bool = False) -> Vector:
        if self.vjp is not None:
            return reverse_mode.given(self.vjp, self.at, self.function.point.arguments, g)
        return reverse_mode.gradient(self.at, g, spread)

    def _cotangent(self, chosen: Flags) -> Vector:
        return np.where(chosen, self.draws.cotangent(chosen.size), 0.0)


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
