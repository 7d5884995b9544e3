"""Known deviations: faults of torch that are listed as data, so that only new ones stop a pipeline."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from verify.outcome import Outcome, Status, Worst

LISTED = Path(__file__).with_name("known_deviations.toml")
_ANY = "*"
_KINDS: dict[str, tuple[type, str]] = {
    "str": (str, "string"),
    "tuple[str, ...]": (list, "list"),
    "float | None": (float, "float"),
}


@dataclass(frozen=True)
class Deviation:
    """One listed deviation. `check`, `question` and a point may be `*`; `torch` is a version specifier.

    `limit` is the largest measured figure, in the outcome's own unit, that is still this deviation: what is
    further off is a new fault. Left out, it is the loss of a value, up to one of the opposite sign; `inf`
    where an exact value that all but cancels makes any figure possible. `only` says in words which
    machines, or which draws, show it, where not all do: a run without it does not show that it is gone.
    """

    operation: str
    check: str
    question: str
    points: tuple[str, ...]
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    torch: str
    measured: str
    issue: str
    why: str
    limit: float | None = None
    only: str = ""

    def explains(self, outcome: Outcome, torch_version: str) -> bool:
        """Whether a failure is no more than this deviation."""
        if not self.covers(outcome, torch_version):
            return False
        if self.limit is not None:
            return outcome.measured is None or outcome.measured <= self.limit
        return outcome.worst is None or _is_loss(outcome.worst)

    def covers(self, outcome: Outcome, torch_version: str) -> bool:
        """Whether an outcome is one that this entry speaks of, whatever its status."""
        return (
            outcome.operation == self.operation
            and self.check in (_ANY, outcome.check)
            and self.question in (_ANY, outcome.question)
            and (_ANY in self.points or outcome.point in self.points)
            and outcome.dtype in self.dtypes
            and outcome.device.split(":")[0] in self.devices
            and SpecifierSet(self.torch).contains(Version(torch_version).public, prereleases=True)
        )


def _is_loss(worst: Worst) -> bool:
    """Whether a computed value is 0, not finite, or off by no more than twice the exact one."""
    try:
        computed, expected = float.fromhex(worst.computed), float.fromhex(worst.expected)
    except ValueError:
        return True  # no two numbers to compare
    if not math.isfinite(computed) or computed == 0 or not math.isfinite(expected):
        return True
    return abs(computed - expected) <= 2 * abs(expected) * (1 + 2.0**-7)


def read(path: Path = LISTED) -> tuple[Deviation, ...]:
    """The listed deviations. Raises: ValueError naming the entry and the field that is wrong."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("deviation", [])
    return tuple(_entry(path, number, entry) for number, entry in enumerate(entries, start=1))


def _entry(path: Path, number: int, entry: dict[str, Any]) -> Deviation:
    fields = {field.name: field for field in dataclasses.fields(Deviation)}
    optional = {name for name, field in fields.items() if field.default is not dataclasses.MISSING}
    wrong = sorted((fields.keys() - optional - entry.keys()) | (entry.keys() - fields.keys()))
    if wrong:
        raise ValueError(f"{path}, entry {number}: missing or unknown fields {', '.join(wrong)}")
    for name, value in entry.items():
        # A string where a list belongs would be searched for substrings: "float16" is in "bfloat16".
        kind, word = _KINDS[str(fields[name].type)]
        if not isinstance(value, kind):
            raise ValueError(f"{path}, entry {number}: {name} must be a {word}")
    try:
        SpecifierSet(entry["torch"])
    except InvalidSpecifier as error:
        raise ValueError(f"{path}, entry {number}: torch is no version specifier, {error}") from error
    held: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}
    return Deviation(**held)


def mark(
    outcomes: Iterable[Outcome], listed: tuple[Deviation, ...], torch_version: str
) -> tuple[Outcome, ...]:
    """The same outcomes, with every failure that is listed turned into `known`, with its upstream issue."""
    return tuple(_marked(outcome, listed, torch_version) for outcome in outcomes)


def _marked(outcome: Outcome, listed: tuple[Deviation, ...], torch_version: str) -> Outcome:
    if outcome.status is not Status.FAIL:
        return outcome
    for deviation in listed:
        if deviation.explains(outcome, torch_version):
            message = f"{outcome.message} Known: {deviation.why}"
            return dataclasses.replace(
                outcome, status=Status.KNOWN, message=message, issue=deviation.issue or None
            )
    return outcome


def stale(
    outcomes: tuple[Outcome, ...], listed: tuple[Deviation, ...], torch_version: str
) -> tuple[Deviation, ...]:
    """The entries that the run must have seen but did not: every outcome that they cover passes."""
    silent = []
    for deviation in listed:
        if deviation.only:
            continue
        covered = {outcome.status for outcome in outcomes if deviation.covers(outcome, torch_version)}
        if covered == {Status.PASS}:
            silent.append(deviation)
    return tuple(silent)
