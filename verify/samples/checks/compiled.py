"""Compiled: is the answer of what `torch.compile` makes of an operator the same, within rounding?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.samples.allowed import Unjudged
from verify.samples.apart import compared, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import call_of, posed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, judged
from verify.variation import Unseen
from verify.variations.compiled import VARIATION


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict."""
    (sample,) = draws
    plain = posed(sample, sample.record.op)
    if plain.draws:
        raise NotAsked("it draws random numbers, of which compiled code draws others")
    absent = VARIATION.absence()
    if absent:
        raise NotAsked(absent)
    for again in VARIATION.vary(call_of(sample, sample.record.op, plain.call.inputs), None):
        try:
            found = again.run(again.call)
        except Unseen as reason:
            raise NotAsked(str(reason)) from reason
        try:
            yield judged(compared(again.how, plain.first, found, explained(sample, plain, seed)))
        except Unjudged:
            raise


CHECK = SampleCheck(
    "compiled",
    "Is the answer of compiled code the same, within rounding?",
    examine,
    dtypes=("float32",),
    most=1,
    others=False,
)
