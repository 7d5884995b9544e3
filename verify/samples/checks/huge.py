"""Huge: near the largest numbers, is a narrow result what float64 gives, up to overflow of the result?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.formulas.arithmetic import Arithmetic
from verify.samples.check import SampleCheck
from verify.samples.magnitude import at_magnitude
from verify.samples.operators import elementwise
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for all inputs, and for each alone, the largest entry between 1/4 and 1/2 of what fits."""
    yield from at_magnitude("huge", draws[0], seed, _target)


def _target(a: Arithmetic) -> float:
    return a.largest / 2


CHECK = SampleCheck(
    "huge",
    "Near the largest numbers, is a narrow result what float64 gives?",
    examine,
    elementwise,
    dtypes=("float32", "float16", "bfloat16"),
    most=8,
    others=False,
)
