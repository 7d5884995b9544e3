"""Trial: what a check said of an operation that is wrong on purpose, and of the same one left right.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One planted fault before the check that should see it.

    `caught`: an outcome failed. `message` is the first such outcome's, or says what was found instead.
    `alarm` is what the check says against the operation without the fault, None if nothing.
    Units: `seconds` of the processor's time until it was caught.
    """

    fault: str
    operation: str
    check: str
    dtype: str
    caught: bool
    message: str
    alarm: str | None
    seconds: float


@dataclass(frozen=True)
class Row:
    """The trials of one check: faults planted and caught, operations left right and called wrong."""

    check: str
    planted: int
    caught: int
    right: int
    alarms: int
    seconds: float


@dataclass(frozen=True)
class Trials:
    """All trials of a run, drawn from `seed`."""

    trials: tuple[Trial, ...]
    seed: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """A row for each check, in the order in which they are met."""
        return tuple(_row(check, self.trials) for check in dict.fromkeys(t.check for t in self.trials))

    @property
    def missed(self) -> tuple[Trial, ...]:
        """The faults that went unnoticed."""
        return tuple(t for t in self.trials if not t.caught)

    @property
    def alarms(self) -> tuple[Trial, ...]:
        """The trials whose operation is called wrong without the fault, each operation once."""
        return tuple({(t.check, t.operation, t.dtype): t for t in self.trials if t.alarm}.values())

    @property
    def exit_status(self) -> int:
        """0 if every fault was caught and nothing right was called wrong; where nothing is planted, 1."""
        return 0 if self.trials and not self.missed and not self.alarms else 1

    def to_json(self) -> Mapping[str, Any]:
        """A dict of JSON types."""
        return {"rows": [asdict(row) for row in self.rows], "trials": [asdict(t) for t in self.trials]}


def _row(check: str, trials: Sequence[Trial]) -> Row:
    those = [t for t in trials if t.check == check]
    right = {(t.operation, t.dtype): t.alarm for t in those}
    return Row(
        check,
        len(those),
        sum(t.caught for t in those),
        len(right),
        sum(alarm is not None for alarm in right.values()),
        sum(t.seconds for t in those),
    )
