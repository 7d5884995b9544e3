"""Invariance: operation by way of asking: are the bits of the answer the same, and if not, where not?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reports.verdict import SEVERITY
from verify.outcome import Outcome, Status

CHECK = "invariance"
# An outcome's figures are named by their column and one of these.
_DIFFER, _LARGEST = ": entries that differ", ": largest relative difference"


@dataclass(frozen=True)
class Cell:
    """Whether the bits stay the same. `status` is the worst verdict: a difference may be within rounding.

    Units: `asked` and `differing` calls; `relative` is the largest relative difference. `example` is the
    first call that differs.
    """

    asked: int
    differing: int
    relative: float
    status: Status
    example: Outcome | None

    @property
    def same(self) -> bool:
        """Whether every call gave the same bits."""
        return self.differing == 0


@dataclass(frozen=True)
class Matrix:
    """The cells by operation and column; what does not apply to an operation has no cell."""

    operations: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]

    def unchanging(self, column: str) -> tuple[int, int]:
        """How many operations keep their bits in a column, of how many that were asked."""
        asked = [cell for (_, name), cell in self.cells.items() if name == column]
        return sum(cell.same for cell in asked), len(asked)


def invariance(outcomes: Iterable[Outcome]) -> Matrix:
    """The matrix of a run's outcomes."""
    cells: dict[tuple[str, str], Cell] = {}
    columns: dict[str, dict[str, None]] = {}  # those of one variation beside each other
    for outcome in outcomes:
        if outcome.check == CHECK:
            for name, entries in outcome.figures.items():
                column, found, rest = name.partition(_DIFFER)
                if found and not rest:
                    key = (outcome.operation, column)
                    columns.setdefault(outcome.question, {})[column] = None
                    cells[key] = _with(cells.get(key), outcome, column, entries)
    return Matrix(
        tuple(dict.fromkeys(operation for operation, _ in cells)),
        tuple(column for those in columns.values() for column in those),
        cells,
    )


def _with(cell: Cell | None, outcome: Outcome, column: str, entries: float) -> Cell:
    cell = cell or Cell(0, 0, 0.0, Status.PASS, None)
    relative = max(cell.relative, outcome.figures.get(column + _LARGEST, 0.0))
    asked = replace(cell, asked=cell.asked + 1, relative=relative)
    if entries == 0:
        return asked
    worse = min(cell.status, outcome.status, key=SEVERITY.index)
    return replace(asked, differing=cell.differing + 1, status=worse, example=cell.example or outcome)


def counterexample(outcome: Outcome) -> str:
    """The first call that differs, in words: the case, the place, and the two values in full."""
    place = outcome.worst
    where = f"{outcome.case} at {outcome.point!r}"
    if place is None:
        return where
    at = f", entry {place.index}" if place.index else ""
    return f"{where}{at}: {place.computed} where it was {place.expected}"
