"""Forward mode: is every operator's tangent what a finite difference gives, where torch declares it?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.gradients.check import examine as examine_gradient
from verify.gradients.questions import Questions
from verify.samples.check import SampleCheck
from verify.samples.derivative import confirmed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict

_QUESTIONS = Questions(reverse=False, forward=True)


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict: forward mode, entry by entry."""
    (sample,) = draws
    yield confirmed(lambda s: examine_gradient(sample.function, sample.arguments, _QUESTIONS, seed=s), seed)


CHECK = SampleCheck(
    "forward-mode",
    "Is the tangent in forward mode what a finite difference gives?",
    examine,
    lambda record: bool(record.supports_autograd and record.supports_forward_ad),
    dtypes=("float64",),
    others=False,
    graph=True,
)
