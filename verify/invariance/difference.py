"""Difference: how far apart two answers are that must agree, in units of what rounding explains."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from verify.call import Results
from verify.case import Case, Point, to_array
from verify.check import Finding
from verify.comparison import explained, shows_nothing
from verify.formulas.arithmetic import Arithmetic
from verify.invariance.question import Question
from verify.outcome import Worst
from verify.variation import Unseen, Variation, Varied, differs, pairs

UNIT = "of what rounding explains"
# The figures of an outcome are named by their column and one of these.
DIFFER, LARGEST = ": entries that differ", ": largest relative difference"


@dataclass(frozen=True)
class Difference:
    """Two answers that should be one: in which variation, of which result, and where they are furthest apart.

    Units: `share` of what rounding explains, where that is finite; `relative` to the larger of the two;
    `entries` that differ. `blind`: rounding would explain anything in an entry that differs, or a
    part in all; `endless`: there may be so many terms to an entry that no bound holds.
    """

    column: str
    how: str
    result: str
    entries: int
    share: float
    relative: float
    worst: Worst
    blind: bool
    endless: bool


def compared(case: Case, question: Question, variation: Variation) -> Finding | None:
    """The worst of a variation's answers; None if it does not apply to the question.

    `figures` has for every column of the matrix how many entries differ, and by how much at most.
    """
    explains = functools.cache(lambda: _explained(case, question))
    figures: dict[str, float] = {}
    found: list[Difference] = []
    unseen: Finding | None = None
    for again in variation.vary(question.call, question.batch):
        try:
            differing = list(
                _differences(question.answer, again, explains, case.arithmetic, variation.visible)
            )
        except Unseen as reason:
            unseen = Finding(variation.name, math.nan, math.nan, UNIT, remark=f"{again.how}: {reason}.")
            continue
        figures.setdefault(again.column + DIFFER, 0.0)
        for difference in differing:
            largest = again.column + LARGEST
            figures[again.column + DIFFER] += difference.entries
            figures[largest] = max(difference.relative, figures.get(largest, 0.0))
        found += differing
    if not figures:
        return unseen
    if variation.bits:
        entries = float(sum(d.entries for d in found))
        finding = _finding(variation.name, found, entries, 0.0, "entries that differ", figures)
    else:
        share = max((d.share for d in found), default=0.0)
        finding = _finding(variation.name, found, share, 1.0, UNIT, figures)
    if unseen is not None and finding.measured <= finding.bound:
        return unseen
    return replace(
        finding, remark=question.how + finding.remark, unasked=_unasked(case, question.point, found)
    )


def _unasked(case: Case, point: Point, found: list[Difference]) -> str:
    """Why what rounding hides was no question; empty where it was one."""
    hidden = [d for d in found if d.blind]
    if hidden and all(d.endless for d in hidden):
        return f"so many roundings in a row have no bound in {case.dtype}"
    # Far out a running bound may say anything.
    return "whether each answer is right far out is for stability to say" if point.far else ""


def _finding(
    name: str, found: list[Difference], measured: float, bound: float, unit: str, figures: dict[str, float]
) -> Finding:
    if not found:
        return Finding(name, measured, bound, unit, figures=figures)
    worst = max(found, key=lambda d: (d.share, d.relative))
    remark = (
        f"{worst.how}, {worst.result}: {worst.worst.computed} where it was {worst.worst.expected}; "
        f"{worst.entries} entries differ, by up to {worst.relative:.2g} of their value."
    )
    blind = any(d.blind for d in found)
    return Finding(name, measured, bound, unit, worst.worst, figures, remark, blind)


def _differences(
    first: Results, again: Varied, explains: Callable[[], Results], arithmetic: Arithmetic, visible: float
) -> Iterator[Difference]:
    answers = list(pairs(again.part(first), again.run(again.call)))
    if not any(bool(differs(a, b).any()) for _, a, b in answers):
        return
    allowed = again.part(explains())
    bounds = {name: bound for name, bound, _ in pairs(allowed, allowed)}
    for name, a, b in answers:
        if bool(differs(a, b).any()):
            yield _difference(again, name, a, b, bounds[name], arithmetic, visible)


def _explained(case: Case, question: Question) -> Results:
    """What rounding explains of each entry of the answer, as tensors of the answer's shapes."""
    cotangents = question.call.cotangents
    g = to_array(cotangents[0]) if cotangents else None
    output, gradients = explained(case, question.point, g)
    return Results(
        (torch.from_numpy(output),), tuple(None if e is None else torch.from_numpy(e) for e in gradients)
    )


def _difference(
    again: Varied,
    name: str,
    a: torch.Tensor,
    b: torch.Tensor,
    bound: torch.Tensor,
    arithmetic: Arithmetic,
    visible: float,
) -> Difference:
    """How far two answers are apart. Each may be off by what rounding explains, in opposite directions."""
    apart, allowed = differs(a, b).cpu(), 2 * bound
    before, after = a.double().cpu(), b.double().cpu()
    distance = (before - after).abs().nan_to_num(torch.inf, torch.inf)
    share = torch.where(apart & allowed.isfinite() & (distance > 0), distance / allowed, 0)
    largest = torch.maximum(before.abs(), after.abs())
    relative = torch.where(apart & (largest != 0), distance / largest, 0).nan_to_num(torch.inf, torch.inf)
    place = int(torch.where(apart, share, -1).argmax())
    index = tuple(int(i) for i in np.unravel_index(place, tuple(a.shape)))
    # γₙ = nu/(1 − nu) is no bound from n = 1/u on; no entry is made of more terms than the call has for it.
    terms = sum(x.numel() for x in (*again.call.inputs, *again.call.cotangents)) / a.numel()
    return Difference(
        again.column,
        again.how,
        name,
        int(apart.sum()),
        float(share.max()),
        float(relative.max()),
        Worst(index, (), float(after[index]).hex(), float(before[index]).hex()),
        bool((apart & ~allowed.isfinite()).any())
        or shows_nothing(to_array(allowed) / visible, to_array(before), arithmetic),
        terms * arithmetic.u >= 1,
    )
