"""Tiny: near the smallest normal numbers, is a narrow result what float64 gives, up to underflow?"""

from __future__ import annotations

from collections.abc import Iterator

from verify.formulas.arithmetic import Arithmetic
from verify.samples.check import SampleCheck
from verify.samples.magnitude import at_magnitude
from verify.samples.operators import elementwise
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for all inputs, and for each alone, the largest entry 16 to 32 smallest normal numbers."""
    yield from at_magnitude("tiny", draws[0], seed, _target)


def _target(a: Arithmetic) -> float:
    return 32 * a.smallest_normal


CHECK = SampleCheck(
    "tiny",
    "Near the smallest normal numbers, is a narrow result what float64 gives?",
    examine,
    elementwise,
    dtypes=("float32", "float16", "bfloat16"),
    most=8,
    others=False,
)
