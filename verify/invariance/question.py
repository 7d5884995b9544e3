"""Question: the calls of a case of which variations are asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from verify.call import Call, Results, results
from verify.case import HARD, Case, Point, to_tensor
from verify.comparison import cotangent
from verify.operation import Batch, Inputs, Workload
from verify.variation import Variation
from verify.variations import variations

# The kinds of calls that a variation may ask for.
KINDS = ("one", "batch", "large")

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


@dataclass(frozen=True)
class Question:
    """A call at a point, with the answer that every variation of it must repeat; `batch`: of many calls.

    `how` begins what is remarked of a question that is put otherwise than at first.
    """

    point: Point
    call: Call
    batch: Batch | None
    answer: Results
    how: str = ""


def asked(case: Case, kind: str, seed: int) -> Iterator[Question]:
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
        if variation.asks[0] == kind and worth_it:
            yield variation


def instead(case: Case, question: Question, variation: Variation, seed: int) -> Iterator[Question]:
    """What to ask, in order, where rounding hides everything of a question: of it, of others of the case."""
    positive = without_signs(question)
    if positive is not None:
        yield positive
    for kind in variation.asks[1:]:
        yield from asked(case, kind, seed)


def _large(case: Case, seed: int) -> Iterator[Question]:
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


def _asked(case: Case, seed: int, point: Point, workload: Workload) -> Question:
    inputs = _tensors(case, point.inputs, workload)
    call = Call(case.function, inputs, point.options)
    batch = case.operation.batch(workload) if workload != HARD else None
    answer = results(call)
    if case.operation.vjp is None:
        return Question(point, call, batch, answer)
    (y,) = answer.outputs
    g = cotangent(case, seed, point, tuple(y.shape))
    with_backward = replace(call, cotangents=_tensors(case, (g,), workload))
    return Question(point, with_backward, batch, results(with_backward))


def without_signs(question: Question) -> Question | None:
    """The same of magnitudes: their sums do not cancel, so that less of them is explained by rounding.

    None where the operation is not defined for them.
    """
    point, call = question.point, question.call.with_tensors(_magnitudes)
    answer = results(call)
    if not all(bool(y.isfinite().all()) for y in (*answer.outputs, *answer.gradients) if y is not None):
        return None
    inputs = tuple(np.abs(x) if x.dtype.kind == "f" else x for x in point.inputs)
    return replace(
        question, point=replace(point, inputs=inputs), call=call, answer=answer, how="magnitudes: "
    )


def _magnitudes(x: torch.Tensor) -> torch.Tensor:
    if not x.is_floating_point():
        return x
    # In the same layout, gaps and all.
    length = x.untyped_storage().nbytes() // x.element_size()
    copy = x.as_strided((length,), (1,), 0).clone()
    return copy.as_strided(x.shape, x.stride(), x.storage_offset()).abs_()


def _tensors(case: Case, arrays: Inputs, workload: Workload) -> tuple[torch.Tensor, ...]:
    return tuple(to_tensor(x, case.dtype, case.device, workload.layout) for x in arrays)
