"""Lesson: a claim that is no single operation, executed: what is said, what was measured, and a picture.

Imports no torch, so that stored lessons can be read without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from verify.outcome import Status, judge, plain
from verify.picture import Picture

LESSONS_SCHEMA = "torchstone.lessons/1"
# What a lesson says, whether it has been run or not.
WORDS = ("name", "title", "claim", "formula", "holds", "source", "condition", "counterexample")


@dataclass(frozen=True)
class Figure:
    """One number that a lesson claims, and what was measured.

    It holds where |measured − claimed| ≤ `bound`; `because` derives the bound in one sentence. Where a
    claim is that something is far off, `claimed` is how far. Units: `measured`, `claimed` and `bound` share
    `unit` (empty for a bare number).
    """

    name: str
    measured: float
    claimed: float
    bound: float
    because: str
    unit: str = ""

    @property
    def status(self) -> Status:
        """`pass` or `fail`; `inconclusive` where the bound is no number."""
        return judge(abs(self.measured - self.claimed), self.bound)


@dataclass(frozen=True)
class Demonstration:
    """What running a lesson showed."""

    figures: tuple[Figure, ...]
    picture: Picture


@dataclass(frozen=True)
class Lesson:
    """A claim of the course, and how it is shown.

    `claim` is what is commonly said. `holds` tells whether it is true as said; if not, `counterexample`
    gives the numbers that break it, and `condition` the exact condition under which it is true. `formula`
    is the mathematics behind it. `show()` runs it with torch, always on the same numbers.
    Source: the book, paper or page of torch's documentation where the claim or its correction stands.

    A lesson is one module in `verify/lessons/` with a `LESSON` record.
    """

    name: str
    title: str
    claim: str
    formula: str
    holds: bool
    source: str
    show: Callable[[], Demonstration]
    condition: str = ""
    counterexample: str = ""

    def __post_init__(self) -> None:
        if not self.holds and not (self.condition and self.counterexample):
            raise ValueError(
                f"{self.name}: a claim that is false as said needs a counterexample and a condition"
            )


def demonstrate(lesson: Lesson) -> Demonstration:
    """Run a lesson. One that raises is a lesson that does not come to its end, and no end of the others."""
    try:
        return lesson.show()
    except Exception as error:  # what is shown may raise anything
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        figure = Figure(f"runs to its end ({what})", 0.0, 1.0, 0.0, "it does or it does not")
        return Demonstration((figure,), Picture(lesson.title, "", "", ()))


def to_json(lesson: Lesson, shown: Demonstration) -> dict[str, Any]:
    """One lesson in JSON types: its words, its figures with their status, its picture.

    Non-finite floats become the strings `inf`, `-inf` and `nan`.
    """
    record: dict[str, Any] = {word: getattr(lesson, word) for word in WORDS}
    record["figures"] = [asdict(figure) | {"status": figure.status.value} for figure in shown.figures]
    record["picture"] = asdict(shown.picture)
    return {key: plain(value) for key, value in record.items()}


def document(shown: Iterable[tuple[Lesson, Demonstration]]) -> dict[str, Any]:
    """Lessons that were run, as one document of the schema `LESSONS_SCHEMA`."""
    return {"schema": LESSONS_SCHEMA, "lessons": [to_json(*each) for each in shown]}
