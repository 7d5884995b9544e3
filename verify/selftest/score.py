"""Score: what gradient checkers said of gradients that are known to be wrong or right. Imports no torch."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify.selftest.sharpness import Sharpness, sharpness

# The checker that is scored; all others are there to compare it with.
OURS = "ours"


class Verdict(enum.StrEnum):
    """What a checker said. `not run`: it would take too long; that is no verdict, and catches nothing."""

    RIGHT = "right"
    WRONG = "wrong"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Judgement:
    """A checker's verdict on one gradient.

    Units: `visible` is the smallest relative error of the whole gradient that would have shown, and
    `visible_entry` that of one entry alone, as the checker states them, None where it states none;
    `seconds` of the processor's time.
    """

    verdict: Verdict
    visible: float | None = None
    seconds: float = 0.0
    visible_entry: float | None = None


@dataclass(frozen=True)
class Result:
    """One planted gradient, and what each checker said of it.

    `mode` is the one that the fault alters: reverse, forward or second order. `repeats` are our further
    judgements of a right gradient, each with a seed of its own: the score's plus 1, plus 2, ...

    Units: `size` is the fault's relative error; None where it has no one size, or there is no fault.
    """

    name: str
    kind: str
    wrong: bool
    size: float | None
    judgements: Mapping[str, Judgement]
    mode: str = "reverse"
    repeats: tuple[Judgement, ...] = ()

    @property
    def ours(self) -> tuple[Judgement, ...]:
        """All that we said of it, in the order of the seeds."""
        return (self.judgements[OURS], *self.repeats)

    @property
    def false_alarms(self) -> tuple[int, ...]:
        """By how much the seeds exceed the score's at which we called it wrong although it is right."""
        if self.wrong:
            return ()
        return tuple(after for after, said in enumerate(self.ours) if said.verdict is Verdict.WRONG)

    @property
    def promised(self) -> bool:
        """Whether we say that we would see this fault: it is above the error that we state as visible.

        A fault without one size has entries that are wrong by far more than rounding: nothing excuses
        missing it.
        """
        visible = self.judgements[OURS].visible
        return self.wrong and (self.size is None or (visible is not None and self.size > visible))

    @property
    def missed(self) -> bool:
        """Whether we did not call it wrong although we say that we would."""
        return self.promised and not self.said(OURS, Verdict.WRONG)

    def said(self, checker: str, verdict: Verdict) -> bool:
        """Whether a checker said so."""
        return self.judgements[checker].verdict is verdict


@dataclass(frozen=True)
class Tally:
    """How one checker did on a kind of fault.

    `caught` and `not_run` count wrong gradients, `false_alarms` right ones, `inconclusive` both. Units:
    `seconds` of the processor's time for all of them.
    """

    caught: int
    false_alarms: int
    inconclusive: int
    not_run: int
    seconds: float


@dataclass(frozen=True)
class Row:
    """A kind of fault: how many are planted, and who saw them.

    `promised` are those above what we state as visible, `missed` those of them that we did not catch.
    """

    kind: str
    wrong: int
    right: int
    promised: int
    missed: int
    tallies: Mapping[str, Tally]


@dataclass(frozen=True)
class RightChecks:
    """How often our checker judged a right gradient, all seeds together, and what it said."""

    count: int
    right: int
    false_alarms: int
    inconclusive: int


@dataclass(frozen=True)
class Score:
    """Every planted gradient's result. Random directions were drawn from `seed`."""

    results: tuple[Result, ...]
    seed: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """A row for each kind of fault, in the order in which they are met."""
        kinds = dict.fromkeys(result.kind for result in self.results)
        return tuple(_row(kind, [r for r in self.results if r.kind == kind]) for kind in kinds)

    @property
    def total(self) -> Row:
        """All kinds together."""
        return _row("all", self.results)

    @property
    def missed(self) -> tuple[Result, ...]:
        """Faults above what we state as visible that we did not call wrong."""
        return tuple(r for r in self.results if r.missed)

    @property
    def false_alarms(self) -> tuple[Result, ...]:
        """Right gradients that we called wrong, at the first seed or another."""
        return tuple(r for r in self.results if r.false_alarms)

    @property
    def right_checks(self) -> RightChecks:
        """What we said of the right gradients at every seed."""
        said = [j.verdict for r in self.results if not r.wrong for j in r.ours]
        return RightChecks(
            count=len(said),
            right=said.count(Verdict.RIGHT),
            false_alarms=said.count(Verdict.WRONG),
            inconclusive=said.count(Verdict.INCONCLUSIVE),
        )

    @property
    def visible(self) -> Sharpness:
        """How small an error of the whole gradient we saw, on right gradients in reverse mode."""
        return sharpness(j.visible for j in self._right_in_reverse)

    @property
    def visible_entry(self) -> Sharpness:
        """How small an error in one entry we saw, on the same gradients."""
        return sharpness(j.visible_entry for j in self._right_in_reverse)

    @property
    def _right_in_reverse(self) -> Iterator[Judgement]:
        return (j for r in self.results if not r.wrong and r.mode == "reverse" for j in r.ours)

    @property
    def exit_status(self) -> int:
        """0 if every fault that we say we see was caught and no right gradient was called wrong; else 1.

        Where nothing wrong was planted, nothing was shown.
        """
        return 0 if self.total.promised and not self.missed and not self.false_alarms else 1

    def to_json(self) -> dict[str, Any]:
        """A dict of JSON types: the rows, and every planted gradient with what was said of it."""
        return {
            "missed": [r.name for r in self.missed],
            "false_alarms": [r.name for r in self.false_alarms],
            "right_checks": vars(self.right_checks),
            "visible": _sharpness_to_json(self.visible),
            "visible_entry": _sharpness_to_json(self.visible_entry),
            "total": _row_to_json(self.total),
            "kinds": [_row_to_json(row) for row in self.rows],
            "gradients": [_result_to_json(r) for r in self.results],
        }


def _row(kind: str, results: Sequence[Result]) -> Row:
    wrong = sum(r.wrong for r in results)
    checkers = dict.fromkeys(checker for r in results for checker in r.judgements)
    return Row(
        kind,
        wrong,
        len(results) - wrong,
        sum(r.promised for r in results),
        sum(r.missed for r in results),
        {checker: _tally(checker, results) for checker in checkers},
    )


def _tally(checker: str, results: Sequence[Result]) -> Tally:
    def count(among: Iterable[Result], verdict: Verdict) -> int:
        return sum(r.said(checker, verdict) for r in among)

    wrong = [r for r in results if r.wrong]
    return Tally(
        caught=count(wrong, Verdict.WRONG),
        false_alarms=count((r for r in results if not r.wrong), Verdict.WRONG),
        inconclusive=count(results, Verdict.INCONCLUSIVE),
        not_run=count(wrong, Verdict.NOT_RUN),
        seconds=math.fsum(r.judgements[checker].seconds for r in results),
    )


def _row_to_json(row: Row) -> dict[str, Any]:
    return vars(row) | {"tallies": {checker: vars(tally) for checker, tally in row.tallies.items()}}


def _result_to_json(result: Result) -> dict[str, Any]:
    return vars(result) | {
        "promised": result.promised,
        "judgements": {checker: _judgement_to_json(j) for checker, j in result.judgements.items()},
        "repeats": [_judgement_to_json(j) for j in result.repeats],
    }


def _judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    return vars(judgement) | {
        "verdict": judgement.verdict.value,
        "visible": _finite(judgement.visible),
        "visible_entry": _finite(judgement.visible_entry),
    }


def _sharpness_to_json(seen: Sharpness) -> dict[str, Any]:
    return vars(seen) | {"median": _finite(seen.median), "largest": _finite(seen.largest)}


def _finite(value: float | None) -> float | None:
    """A figure that JSON has a word for; None for inf and nan, with which nothing was visible."""
    return value if value is not None and math.isfinite(value) else None
