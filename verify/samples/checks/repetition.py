"""Repetition: does the same call give the same bits again? Random numbers are the same ones."""

from __future__ import annotations

from collections.abc import Iterator

from verify.samples.apart import same
from verify.samples.check import SampleCheck
from verify.samples.posed import posed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, judged
from verify.variations.repetition import VARIATION


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict: torch lists what is not deterministic (Reproducibility), and nothing of it on a cpu."""
    first = posed(draws[0])
    for again in VARIATION.vary(first.call, None):
        yield judged(same(again.how, first.first, again.run(again.call)))


CHECK = SampleCheck("repetition", "Does the same call give the same bits again?", examine)
