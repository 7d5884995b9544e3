"""Apart: how far two answers are apart that must agree, in what rounding explains."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from verify.call import Results
from verify.check import Finding
from verify.finite_differences.line import Vector
from verify.gradients.allowance import CHANGES, ROUNDINGS
from verify.gradients.rows import row
from verify.outcome import Worst
from verify.samples.allowed import Allowed, Unjudged, allowed, distance, held_by, in_float64
from verify.samples.operators import elementwise
from verify.samples.posed import Posed
from verify.samples.sample import Sample
from verify.variation import differs, pairs

UNIT = "of what rounding explains"
# The figures of a finding: entries whose bits differ, and whether any do.
DIFFER = "entries that differ"
# A difference is held against so many random changes before it is called one: a change that cancels by
# chance in one draw of two, as in x − y, leaves no trace in 2⁻²⁷ of the cases.
_CLOSER = 24

Part = Callable[[Results], Results]
# What rounding explains of each result, found with so many random changes.
Explanation = Callable[[int], tuple[Allowed, ...]]
# A result's name, what its entries were, what they are, and its shape.
Row = tuple[str, Vector, Vector, tuple[int, ...]]


def explained(sample: Sample, posed: Posed, seed: int) -> Explanation:
    """What rounding explains of a call's results; found when it is asked for. Raises, then: Unjudged."""

    @functools.cache
    def explain(changes: int) -> tuple[Allowed, ...]:
        if posed.draws:
            raise Unjudged("it draws random numbers, which are others in float64")
        return allowed(posed.call, posed.first, elementwise(sample.record), seed, changes)

    return explain


def same(question: str, first: Results, again: Results) -> Finding:
    """Whether two answers are the same bits, where torch promises them."""
    for name, a, b in pairs(first, again):
        apart = differs(a, b)
        if bool(apart.any()):
            place = tuple(int(i) for i in torch.nonzero(apart)[0])
            return Finding(
                question,
                float(apart.sum()),
                0.0,
                "entries of other bits",
                _place(place, b[place], a[place]),
                {DIFFER: float(apart.sum())},
                remark=f"{name}: {b[place].item()} where it was {a[place].item()}.",
            )
    return Finding(question, 0.0, 0.0, "entries of other bits", figures={DIFFER: 0.0})


def compared(
    question: str,
    first: Results,
    again: Results,
    explain: Explanation,
    part: Part = lambda whole: whole,
) -> Finding:
    """Two answers that are to agree bit for bit, or within what rounding explains of both together.

    `part` is what of the first answer the other one repeats.
    """
    each = list(pairs(part(first), again))
    entries = float(sum(int(differs(a, b).sum()) for _, a, b in each))
    if not entries:
        return Finding(question, 0.0, 1.0, UNIT, figures={DIFFER: 0.0})
    rows = [(name, row([a]), row([b]), tuple(a.shape)) for name, a, b in each]
    held = part(Results(tuple(torch.arange(y.numel()).view(y.shape) for y in first.outputs)))
    places = [_real(i, y) for i, y in zip(held.outputs, first.outputs, strict=True)]
    finding = _judged(question, rows, [a for _, a, _ in each], explain, places, 2.0)
    return replace(finding, figures={DIFFER: entries})


def against_exact(question: str, posed: Posed, explain: Explanation) -> Finding:
    """An answer against the same in float64, within what rounding explains."""
    exact = in_float64(posed.call, posed.first)
    rows = [
        (f"result {i}" if len(exact) > 1 else "result", e, row([y]), tuple(y.shape))
        for i, (y, e) in enumerate(zip(posed.first.outputs, exact, strict=True))
    ]
    places = [np.arange(len(e)) for e in exact]
    return _judged(question, rows, posed.first.outputs, explain, places, 1.0)


def _judged(
    question: str,
    rows: Sequence[Row],
    outputs: Sequence[torch.Tensor],
    explain: Explanation,
    places: Sequence[np.ndarray],
    times: float,
) -> Finding:
    """The entry that is furthest off; where one is too far, with many more random changes.

    Numbers that are one rounding of the dtype apart need no explanation: whatever the bound, it is wider.
    """
    shares = [_near(a, b, y, times) for (_, a, b, _), y in zip(rows, outputs, strict=True)]
    if max(shares, default=0.0) < math.inf:
        return Finding(question, max(shares, default=0.0), 1.0, UNIT)
    finding = _furthest(question, rows, explain(CHANGES), places, times)
    if finding.measured > finding.bound or math.isnan(finding.measured):
        finding = _furthest(question, rows, explain(_CLOSER), places, times)
    return finding


def _near(a: Vector, b: Vector, y: torch.Tensor, times: float) -> float:
    """At most how much of what is explained two rows differ by, if none by more than `times` a rounding."""
    u, largest = held_by(y)
    off, size = distance(a, b, largest), np.abs(np.clip(np.nan_to_num(a), -largest, largest))
    with np.errstate(all="ignore"):
        share = np.where(off == 0, 0.0, off / (times * ROUNDINGS * u * size))
    within = share * ROUNDINGS <= 1
    return float(share.max(initial=0.0)) if within.all() else math.inf


def _furthest(
    question: str, rows: Sequence[Row], bounds: Sequence[Allowed], places: Sequence[np.ndarray], times: float
) -> Finding:
    worst, jump, blind = Finding(question, 0.0, 1.0, UNIT), "", False
    for (name, a, b, shape), allow, place in zip(rows, bounds, places, strict=True):
        share = _shares(a, b, allow, place, times)
        blind |= allow.blind and bool((share > 0).any())
        lost = (np.isnan(a) ^ np.isnan(b)) & allow.numbers[place]
        jumps = allow.jumps[place] & ~lost
        if (share[jumps] > 1).any():
            jump = f"{name} jumps within a rounding"
        steady = np.where(jumps, 0.0, share)
        if steady.size and steady.max() >= worst.measured:
            at = int(steady.argmax())
            index = _index(at, shape, len(a))
            remark = f"{name}: {b[at]:.9g} where it is {a[at]:.9g}."
            place_of = Worst(index, (), float(b[at]).hex(), float(a[at]).hex())
            worst = Finding(question, float(steady[at]), 1.0, UNIT, place_of, remark=remark)
    worst = replace(worst, blind=blind)
    if worst.measured <= 1 and jump:
        return replace(worst, bound=math.nan, remark=f"{jump}.")
    return worst


def _shares(a: Vector, b: Vector, allow: Allowed, place: np.ndarray, times: float) -> Vector:
    """Each entry's difference over what is explained; infinite where one of two is no number."""
    off = distance(a, b, allow.largest)
    with np.errstate(all="ignore"):
        share = np.where(off == 0, 0.0, off / (times * allow.bound[place]))
    return np.where(np.isnan(share), np.inf, share)


def _real(indices: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """Where entries stand in the real row of a tensor."""
    flat = indices.reshape(-1).numpy()
    return np.stack([2 * flat, 2 * flat + 1], -1).reshape(-1) if y.is_complex() else np.asarray(flat)


def _index(at: int, shape: tuple[int, ...], length: int) -> tuple[int, ...]:
    numbers = math.prod(shape)
    return tuple(int(i) for i in np.unravel_index(at * numbers // length, shape)) if shape else ()


def _place(place: tuple[int, ...], b: torch.Tensor, a: torch.Tensor) -> Worst:
    return Worst(place, (), str(b.item()), str(a.item()))
