"""Samples: is the gradient of every operator right at the inputs that torch's own tests use?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.gradients.check import examine as examine_gradient
from verify.gradients.questions import Questions
from verify.samples.check import SampleCheck
from verify.samples.derivative import verdict
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict: reverse mode against a finite difference."""
    (sample,) = draws
    questions = Questions(nondeterminism=sample.nondeterminism)
    yield verdict(lambda: examine_gradient(sample.function, sample.arguments, questions, seed=seed))


CHECK = SampleCheck(
    "samples",
    "Is the gradient in reverse mode what a finite difference gives?",
    examine,
    lambda record: bool(record.supports_autograd),
    dtypes=("float64",),
    most=0,
    others=False,
    graph=True,
)
