"""Check of samples: a question that needs no record of an operation, only torch's samples of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from verify.formulas.arithmetic import DTYPES
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict

# What operators without floating numbers compute with.
OTHERS = ("float64", "complex64", "int64", "bool")
# Every dtype that samples may be asked for in.
KINDS = tuple(dict.fromkeys((*DTYPES, *OTHERS, "complex128")))


class NotAsked(Exception):
    """Nothing is promised of this sample, or nothing can be asked of it: it is skipped, with the reason."""


@dataclass(frozen=True)
class SampleCheck:
    """A named question. `examine(draws, seed)` yields a verdict for each answer.

    `draws` are so many samples of one number from seeds of their own, the first from the run's. `applies`
    is asked of torch's record. `dtypes`: those that a full run asks in; of an operator that has none of
    them, where `others` may be asked, the first that it has of `OTHERS`. `most`: of how many samples of an
    operator a run asks, spread evenly; 0 for all. `graph`: the samples require a gradient. A new question
    is one module in `verify/samples/checks/` with a `CHECK` record.
    """

    name: str
    question: str
    examine: Callable[[tuple[Sample, ...], int], Iterable[Verdict]]
    applies: Callable[[Any], bool] = lambda record: True
    dtypes: tuple[str, ...] = ("float32", "bfloat16")
    draws: int = 1
    most: int = 32
    others: bool = True
    graph: bool = False
