"""Precision: is a narrow result what the same operator gives in float64, within what rounding explains?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.samples.apart import against_exact, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import posed
from verify.samples.sample import Sample
from verify.samples.undefined import DTYPE, STORAGE
from verify.samples.verdict import Verdict, judged


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict: the results of a call on the dtype's own numbers."""
    (sample,) = draws
    undefined = {**STORAGE, **DTYPE}
    if sample.record.name in undefined:
        raise NotAsked(undefined[sample.record.name])
    asked = posed(sample)
    if asked.draws:
        raise NotAsked("it draws random numbers, which are others in float64")
    yield judged(against_exact("forward", asked, explained(sample, asked, seed)))


CHECK = SampleCheck(
    "precision",
    "Is a narrow result what float64 gives, within what rounding explains?",
    examine,
    dtypes=("float32", "float16", "bfloat16"),
    others=False,
)
