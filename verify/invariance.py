"""Invariance: the calls that variations are asked of, and how far apart two answers are that must agree."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from verify.call import Call, Results, results
from verify.case import HARD, Case, Point, to_array, to_tensor
from verify.check import Finding
from verify.comparison import cotangent, explained, shows_nothing
from verify.formulas.arithmetic import Arithmetic
from verify.operation import Batch, Inputs, Workload
from verify.outcome import Worst
from verify.variation import Unseen, Variation, Varied, differs, pairs
from verify.variations import variations

# The kinds of calls that a variation may ask for.
KINDS = ("one", "batch", "large")

UNIT = "of what rounding explains"
# The figures of an outcome are named by their column and one of these.
DIFFER, LARGEST = ": entries that differ", ": largest relative difference"

# More calls than the longest vector has lanes twice over, and no multiple of any number of lanes.
_CALLS = 67
# torch shares out work among threads in parts of 2¹⁵ entries at least (at::internal::GRAIN_SIZE): a little
# more gives each of three threads a part, the last a short one.
_LARGE = 2**16 + 2**12
# A benchmark's workload for what is no batch: at least two parts, and no more than a fraction of a second.
_TWO_PARTS, _QUICK = 2**16, 2**21

# As many draws as make the calls of a batch different from each other.
_DRAWS = _CALLS

# The dtype that stands for all where each would cost much.
_ONE_DTYPE = "float32"

Asked = tuple[Point, Call, Batch | None]


def asked(case: Case, kind: str, seed: int) -> Iterator[Asked]:
    """The calls of a kind (`one`, `batch`, `large`) that a case has."""
    if kind == "one":
        yield from (_asked(case, seed, point, case.workload) for point in case.points(seed))
    elif case.workload != HARD and kind == "batch" and case.operation.batch(case.workload):
        yield _asked(case, seed, _together(case, seed, _CALLS, 0), case.workload)
    elif case.workload == case.operation.check[0] and kind == "large" and _worth_it(case):
        yield from _large(case, seed)


def _worth_it(case: Case) -> bool:
    # A large call costs as much as all others together; how work is shared out hardly hangs on the dtype.
    return case.thorough or case.dtype == _ONE_DTYPE


def present(case: Case, kind: str) -> Iterator[Variation]:
    """The variations that ask for a kind of call and are worth their time in a case."""
    for variation in variations().values():
        # To compile takes a second or two an operation and dtype.
        worth_it = not variation.thorough or (case.thorough and case.dtype == _ONE_DTYPE)
        if variation.asks == kind and worth_it:
            yield variation


def _large(case: Case, seed: int) -> Iterator[Asked]:
    if case.operation.batch(case.workload):
        yield _asked(case, seed, _together(case, seed, 0, _LARGE), case.workload)
        return
    fitting = [w for w in case.operation.bench if _TWO_PARTS <= _entries(w) <= _QUICK]
    if fitting:
        workload = min(fitting, key=_entries)
        (point,) = Case(case.operation, case.device, case.dtype, workload).points(seed)
        yield _asked(case, seed, point, workload)


def _entries(workload: Workload) -> int:
    return sum(math.prod(shape) for shape in workload.shapes)


def _together(case: Case, seed: int, calls: int, entries: int) -> Point:
    """Ordinary inputs side by side, until there are so many calls and so many entries.

    What all calls share is that of the first. From some number of draws on they are repeated.
    """
    batch = case.operation.batch(case.workload)
    assert batch is not None  # the caller asks only where there is one
    generator = case.generator(seed, f"together {calls} {entries}")
    (first,) = case.points(seed)
    (dim, held) = next((d, x) for d, x in zip(batch.inputs, first.inputs, strict=True) if d is not None)
    needed = max(-(-calls // held.shape[dim]), -(-entries // max(1, held.size)), 1)
    drawn = [
        case.held(case.operation.domain.sample(generator, case.workload)) for _ in range(min(needed, _DRAWS))
    ]
    together = [drawn[i % len(drawn)] for i in range(needed)]
    inputs = tuple(
        first.inputs[i] if d is None else np.concatenate([x[i] for x in together], axis=d)
        for i, d in enumerate(batch.inputs)
    )
    return Point(first.name, inputs, first.options)


def _asked(case: Case, seed: int, point: Point, workload: Workload) -> Asked:
    inputs = _tensors(case, point.inputs, workload)
    call = Call(case.function, inputs, point.options)
    if case.operation.vjp is not None:
        (y,) = results(call).outputs
        g = cotangent(case, seed, point, tuple(y.shape))
        call = Call(call.function, inputs, point.options, _tensors(case, (g,), workload))
    return point, call, case.operation.batch(workload) if workload != HARD else None


def without_signs(point: Point, call: Call) -> tuple[Point, Call] | None:
    """The call of magnitudes: their sums do not cancel, so that less of them is explained by rounding.

    None where the operation is not defined for them.
    """
    inputs = tuple(np.abs(x) if x.dtype.kind == "f" else x for x in point.inputs)
    positive = call.with_tensors(_magnitudes)
    answer = results(positive)
    if not all(bool(y.isfinite().all()) for y in (*answer.outputs, *answer.gradients) if y is not None):
        return None
    return Point(f"{point.name}, without signs", inputs, point.options, point.far), positive


def _magnitudes(x: torch.Tensor) -> torch.Tensor:
    if not x.is_floating_point():
        return x
    # In the same layout, gaps and all.
    length = x.untyped_storage().nbytes() // x.element_size()
    copy = x.as_strided((length,), (1,), 0).clone()
    return copy.as_strided(x.shape, x.stride(), x.storage_offset()).abs_()


def _tensors(case: Case, arrays: Inputs, workload: Workload) -> tuple[torch.Tensor, ...]:
    return tuple(to_tensor(x, case.dtype, case.device, workload.layout) for x in arrays)


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


def compared(
    case: Case, point: Point, call: Call, first: Results, variation: Variation, batch: Batch | None
) -> Finding | None:
    """The worst of a variation's answers; None if it does not apply to the call.

    `figures` has for every column of the matrix how many entries differ, and by how much at most.
    """
    explains = functools.cache(lambda: _explained(case, point, call))
    figures: dict[str, float] = {}
    found: list[Difference] = []
    for again in variation.vary(call, batch):
        try:
            differing = list(_differences(first, again, explains, case.arithmetic, variation.visible))
        except Unseen as reason:
            return Finding(variation.name, math.nan, math.nan, UNIT, remark=f"{again.how}: {reason}.")
        figures.setdefault(again.column + DIFFER, 0.0)
        for difference in differing:
            largest = again.column + LARGEST
            figures[again.column + DIFFER] += difference.entries
            figures[largest] = max(difference.relative, figures.get(largest, 0.0))
        found += differing
    if not figures:
        return None
    if point.far:
        # Far out a running bound may say anything; whether each answer is right there `stability` asks.
        found = [replace(d, blind=False) for d in found]
    if variation.bits:
        entries = float(sum(d.entries for d in found))
        return _finding(variation.name, found, entries, 0.0, "entries that differ", figures)
    share = max((d.share for d in found), default=0.0)
    return _finding(variation.name, found, share, 1.0, UNIT, figures)


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
    blind = [d for d in found if d.blind]
    endless = bool(blind) and all(d.endless for d in blind)
    return Finding(name, measured, bound, unit, worst.worst, figures, remark, bool(blind), endless)


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


def _explained(case: Case, point: Point, call: Call) -> Results:
    """What rounding explains of each entry of the answer, as tensors of the answer's shapes."""
    g = to_array(call.cotangents[0]) if call.cotangents else None
    output, gradients = explained(case, point, g)
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
