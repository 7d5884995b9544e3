"""Range: at which magnitudes of the inputs are result and gradient lost, where a number could hold them?

An ordinary point is scaled by every power of two that the format has. Where the exact value is a normal
number, an algorithm that scales its intermediate results returns it: what is 0 there, not finite, or off by
half, is lost, unless the condition of the problem explains it (`verify/formulas/lost.py`).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from verify.binades import Stretch, exponents, survey
from verify.case import Case
from verify.check import Check, Finding, outcome, worst_of
from verify.comparison import cotangent
from verify.formulas.reference import plain
from verify.outcome import Outcome
from verify.scaled import Scale, Scaling, scalings, workloads

# What was seen of one question at one exponent: whether an entry is off, and whether none, some or all of the
# entries are in range.
_Look = tuple[bool, int]
_SOME = 1
# Where entries come into range one after the other, each may be lost in the binade where it does; so many
# binades are looked at there. Entries of an ordinary point lie within a dozen.
_ONE_BY_ONE = 16


@dataclass(frozen=True)
class Band:
    """Neighbouring exponents of one question: `lost`, `right`, or with a loss that the condition explains."""

    first: int
    last: int
    seen: str


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The result and every gradient, with all inputs scaled together, and thoroughly with each alone."""
    plainest = case.workload in workloads(case.operation, thorough=False)
    for scaling in scalings(case, each=case.thorough and plainest):
        for finding in _findings(case, scaling):
            yield outcome(CHECK.name, case, seed, scaling.unit, finding)


def _findings(case: Case, scaling: Scaling) -> Iterator[Finding]:
    a = case.arithmetic
    (value,) = plain(case.operation.forward.evaluate, scaling.unit.inputs, scaling.unit.options)
    g = cotangent(case, 0, scaling.unit, value.shape)
    scale = functools.cache(lambda exponent: Scale(case, scaling.at(exponent), g))
    places = exponents(a, case.thorough)

    def look(exponent: int) -> tuple[_Look, ...]:
        return _looks(scale(exponent))

    seen = survey(look, places)
    seen = survey(look, [*places, *_partly_in_range(seen)])
    questions = max((scale(s.first).readings or () for s in seen), key=len)
    refusal = scale(0).refusal
    if refusal is not None and not questions:
        raise refusal  # at every magnitude: that is no domain
    for number, reading in enumerate(questions):
        bands = tuple(_bands(seen, number, scale))
        if bands:
            yield _finding(case, reading.question, bands, number, scale)


def _partly_in_range(seen: Sequence[Stretch[tuple[_Look, ...]]]) -> Iterator[int]:
    for stretch in seen:
        if any(inside == _SOME for _, inside in stretch.seen):
            yield from range(stretch.first, stretch.last, max(1, -(-stretch.binades // _ONE_BY_ONE)))
            yield stretch.last


def _looks(scale: Scale) -> tuple[_Look, ...]:
    return tuple((bool(r.off.any()), int(r.inside.any()) + int(r.inside.all())) for r in scale.readings or ())


def _bands(
    seen: Sequence[Stretch[tuple[_Look, ...]]], number: int, scale: Callable[[int], Scale]
) -> Iterator[Band]:
    """The exponents at which a question has an exact value in range, by what became of it."""
    for stretch in seen:
        if not stretch.seen or not stretch.seen[number][1]:
            continue
        if not stretch.seen[number][0]:
            yield Band(stretch.first, stretch.last, "right")
            continue
        for part in survey(
            lambda exponent: bool(scale(exponent).lost[number].any()), (stretch.first, stretch.last)
        ):
            yield Band(part.first, part.last, "lost" if part.seen else "explained")


def _finding(
    case: Case, question: str, bands: Sequence[Band], number: int, scale: Callable[[int], Scale]
) -> Finding:
    inside = [b for b in bands if b.seen != "explained"]
    figures, lost = _figures(bands), [b for b in bands if b.seen == "lost"]
    if not lost:
        # Where no exponent shows more than its condition, nothing was seen.
        return Finding(question, 0.0, 0.0, "binades lost", figures=figures, blind=not inside)
    worst = scale(lost[0].first)
    reading = (worst.readings or ())[number]
    gone, exact = worst.lost[number], reading.exact.value
    _, _, place = worst_of(
        np.where(gone, 1.0, 0.0), np.zeros(()), np.ones(()), reading.computed, exact, worst.point.inputs
    )
    at = ", ".join(_words(x) for x in place.input)
    remark = (
        f"{_words(place.computed)} for the normal number {_words(place.expected)} at {at}; {_told(bands)}."
    )
    return Finding(question, figures["binades lost"], 0.0, "binades lost", place, figures, remark)


def _figures(bands: Sequence[Band]) -> dict[str, float]:
    figures = {"binades": float(sum(b.last - b.first + 1 for b in bands))}
    for seen in ("lost", "right"):
        chosen = [b for b in bands if b.seen == seen]
        figures[f"binades {seen}"] = float(sum(b.last - b.first + 1 for b in chosen))
        if chosen:
            figures |= {f"first {seen}": float(chosen[0].first), f"last {seen}": float(chosen[-1].last)}
    # Every band by its first binade, for who draws them.
    figures |= {f"{b.seen} from 2^{b.first}": float(b.last) for b in bands}
    return figures | {"first in range": float(bands[0].first), "last in range": float(bands[-1].last)}


def _told(bands: Sequence[Band]) -> str:
    """The bands in words, each with its first and last binade."""
    told: list[str] = []
    for seen, those in itertools.groupby(bands, lambda band: band.seen):
        joined = list(those)
        told.append(f"{seen} from 2^{joined[0].first} to 2^{joined[-1].last}")
    return ", ".join(told)


def _words(text: str) -> str:
    return f"{float.fromhex(text):.3g}"


def _applies(case: Case) -> bool:
    return case.workload in workloads(case.operation, case.thorough) and _has_magnitude(case)


def _has_magnitude(case: Case) -> bool:
    """Whether the result is a number that scaling can move, not a place or a truth value."""
    inputs = case.operation.domain.sample(np.random.default_rng(0), case.workload)
    value = case.operation.forward.evaluate(*inputs, **case.workload.options)
    return np.asarray(value).dtype.kind == "f"


CHECK = Check(
    "range", "At which magnitudes is a value lost that a number could hold?", examine, _applies, draws=False
)
