"""Batch: do two and five samples together, under vmap, give what each gives alone, within rounding?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from verify.call import Call, Results, results
from verify.check import Finding
from verify.samples.apart import compared, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.operators import entry_by_entry
from verify.samples.posed import Posed, posed
from verify.samples.sample import Sample
from verify.samples.undefined import STORAGE
from verify.samples.verdict import Verdict, judged

# Two, and one more than a vector of float64 has lanes at least.
_SIZES = (2, 5)
# torch documents what vmap cannot do (UX Limitations): it says so itself.
_CANNOT = ("vmap", "atching rule", "functorch", "batched tensor")


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for each size and way, on the member of the batch that is furthest off."""
    if len(draws) < CHECK.draws:
        raise NotAsked("from another seed torch draws fewer samples")
    sample = draws[0]
    if sample.record.name in STORAGE:
        raise NotAsked(STORAGE[sample.record.name])
    if sample.memory_format:
        raise NotAsked("it asks for a memory format, which depends on the rank")
    first = posed(sample)
    if first.draws:
        raise NotAsked("it draws random numbers, of which vmap draws others")
    stacked = tuple(x.is_floating_point() or x.is_complex() for x in first.call.inputs)
    if not any(stacked):
        raise NotAsked("it has no floating input to stack")
    alone = [_member(first, posed(other), stacked) for other in draws]
    dims = tuple(0 if s else None for s in stacked)
    for size in _SIZES:
        inputs = tuple(
            torch.stack([a.call.inputs[i] for a in alone[:size]]) if s else x
            for i, (x, s) in enumerate(zip(first.call.inputs, stacked, strict=True))
        )
        together = _vmapped(Call(torch.func.vmap(first.call.function, in_dims=dims), inputs, {}))
        yield _furthest(f"vmap over {size}", sample, alone[:size], together, seed)
        if entry_by_entry(sample.record, len(stacked)) and all(stacked) and _one_shape(first):
            whole = results(Call(first.call.function, inputs, {}))
            yield _furthest(f"{size} along the first dimension", sample, alone[:size], whole, seed)


def _member(first: Posed, other: Posed, stacked: Sequence[bool]) -> Posed:
    """One call of the batch: another draw's floating inputs, and what all share. Raises: NotAsked."""
    if [x.shape for x in first.call.inputs] != [x.shape for x in other.call.inputs]:
        raise NotAsked("from another seed torch draws another shape")
    inputs = tuple(
        o if s else f for f, o, s in zip(first.call.inputs, other.call.inputs, stacked, strict=True)
    )
    call = replace(first.call, inputs=inputs)
    return Posed(call, results(call), False)


def _one_shape(asked: Posed) -> bool:
    return len({tuple(t.shape) for t in (*asked.call.inputs, *asked.first.outputs)}) == 1


def _vmapped(call: Call) -> Results:
    try:
        return results(call)
    except (RuntimeError, ValueError) as error:
        if any(words in str(error) for words in _CANNOT):
            raise NotAsked(f"vmap cannot: {str(error).splitlines()[0]}") from error
        raise


def _furthest(question: str, sample: Sample, alone: Sequence[Posed], together: Results, seed: int) -> Verdict:
    found = []
    for number, member in enumerate(alone):
        again = Results(tuple(y[number] for y in together.outputs))
        found.append(compared(question, member.first, again, explained(sample, member, seed)))
    return judged(max(found, key=_gravity))


def _gravity(finding: Finding) -> tuple[bool, bool, float]:
    unseen = math.isnan(finding.bound) or finding.blind
    return finding.measured > finding.bound, unseen, finding.measured


CHECK = SampleCheck(
    "batch",
    "Do samples under vmap give what each gives alone, within rounding?",
    examine,
    dtypes=("float32",),
    draws=max(_SIZES),
    most=16,
    others=False,
)
