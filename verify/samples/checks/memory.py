"""Memory: is the answer the same where the same numbers lie elsewhere in memory?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.samples.apart import compared, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import posed
from verify.samples.sample import Sample
from verify.samples.undefined import LAYOUT
from verify.samples.verdict import Verdict, judged
from verify.variations.memory import VARIATION


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for each layout in which at least one of the tensors lies otherwise."""
    (sample,) = draws
    if sample.record.name in LAYOUT:
        raise NotAsked(LAYOUT[sample.record.name])
    first = posed(sample)
    if first.draws:
        raise NotAsked("it draws random numbers, which may be dealt out in the order of memory")
    explain = explained(sample, first, seed)
    for again in VARIATION.vary(first.call, None):
        yield judged(compared(again.how, first.first, again.run(again.call), explain))


CHECK = SampleCheck("memory", "Is the answer the same where the numbers lie elsewhere in memory?", examine)
