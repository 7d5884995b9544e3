"""Second order: is the gradient of the gradient right, in reverse and over it in forward mode?"""

from __future__ import annotations

import math
from collections.abc import Iterator

from verify.gradients.check import examine_second_order
from verify.gradients.questions import Questions
from verify.samples.check import SampleCheck
from verify.samples.derivative import verdict
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict: the gradient as a function of its own, differentiated in both modes if torch has both."""
    (sample,) = draws
    questions = Questions(
        forward=bool(sample.record.supports_fwgrad_bwgrad), undefined=False, nondeterminism=math.inf
    )
    yield verdict(lambda: examine_second_order(sample.function, sample.arguments, questions, seed=seed))


CHECK = SampleCheck(
    "second-order",
    "Is the gradient of the gradient what a finite difference gives?",
    examine,
    lambda record: bool(record.supports_autograd and record.supports_gradgrad),
    dtypes=("float64",),
    most=8,
    others=False,
    graph=True,
)
