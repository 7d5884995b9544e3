"""Tail: are the first entries of an elementwise operator by themselves what they are among all?

All tensors are laid out as one row of entries, of which some are asked alone, or all at another place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from verify.call import Call, results
from verify.operation import Batch
from verify.samples.apart import compared, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.operators import elementwise, entry_by_entry
from verify.samples.posed import Posed, posed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, judged
from verify.variations import position, tail


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for each size of a beginning alone, and for each shift of all entries."""
    (sample,) = draws
    if sample.memory_format:
        raise NotAsked("it asks for a memory format, which a row does not have")
    asked = posed(sample)
    if asked.draws:
        raise NotAsked("it draws random numbers, which are others for other shapes")
    if not entry_by_entry(sample.record, len(asked.call.inputs)):
        raise NotAsked("its other tensors are parameters")
    flat = _flat(asked)
    batch = Batch((0,) * len(flat.call.inputs))
    explain = explained(sample, flat, seed)
    for variation in (tail.VARIATION, position.VARIATION):
        for again in variation.vary(flat.call, batch):
            yield judged(compared(again.how, flat.first, again.run(again.call), explain, again.part))


def _flat(asked: Posed) -> Posed:
    """The same call of one row of entries. Raises: NotAsked where the tensors have several shapes."""
    shapes = {tuple(t.shape) for t in (*asked.call.inputs, *asked.first.outputs)}
    if len(shapes) != 1 or not asked.call.inputs:
        raise NotAsked("its tensors have several shapes")
    call = replace(asked.call, inputs=tuple(x.reshape(-1) for x in asked.call.inputs))
    return Posed(Call(call.function, call.inputs, {}), results(call), asked.draws)


CHECK = SampleCheck(
    "tail", "Are some entries by themselves what they are among all?", examine, elementwise, most=32
)
