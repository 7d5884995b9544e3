"""Outcomes: the stored runs of `torchstone verify`. A damaged file is named and left alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from verify.outcome import Outcome, Status, Worst
from verify.storage import OUTCOMES, OUTCOMES_SCHEMA, Unreadable, read_json

STALE = {
    "operation": str,
    "check": str,
    "question": str,
    "points": list,
    "dtypes": list,
    "issue": str,
    "measured": str,
}


@dataclass(frozen=True)
class Run:
    """One stored run: what it ran on and what it found. `unreadable` counts its damaged records."""

    path: Path
    started: datetime
    record: Mapping[str, Any]
    machine: Mapping[str, Any]
    torch: Mapping[str, Any]
    devices: tuple[Mapping[str, Any], ...]
    outcomes: tuple[Outcome, ...]
    stale: tuple[Mapping[str, Any], ...]
    unreadable: int

    @property
    def partial(self) -> bool:
        """Whether something that was asked is missing: the run was interrupted or a record is damaged."""
        return self.record.get("complete") is not True or self.unreadable > 0

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row an outcome: the fields of `Outcome`, its case and its fraction of the bound.

        The columns keep Python objects: a missing figure (None) is not a figure that is nan.
        """
        columns = [field.name for field in fields(Outcome)]
        rows = [[getattr(o, name) for name in columns] + [o.case, o.fraction] for o in self.outcomes]
        return pd.DataFrame(rows, columns=[*columns, "case", "fraction"], dtype=object)


@dataclass(frozen=True)
class StoredRuns:
    """Every run that could be read, oldest first, and a complaint for each file or record that could not."""

    runs: tuple[Run, ...]
    complaints: tuple[str, ...]

    @property
    def subject(self) -> Run | None:
        """The newest run, whether it came to its end or not: the one a page is about."""
        return self.runs[-1] if self.runs else None


def read_outcomes(results: Path) -> StoredRuns:
    """Read every `<results>/outcomes/*.json`."""
    runs: list[Run] = []
    damaged: list[tuple[Path, str]] = []
    for path in sorted((results / OUTCOMES).glob("*.json")):
        try:
            run, complaints = _run(path, read_json(path))
        except Unreadable as error:
            damaged.append((path, str(error)))
        else:
            runs.append(run)
            damaged.extend((path, complaint) for complaint in complaints)
    runs.sort(key=lambda run: (run.started, run.path.name))
    subject = runs[-1].path if runs else None
    return StoredRuns(tuple(runs), tuple(_with_age(path, text, subject) for path, text in damaged))


def _with_age(path: Path, complaint: str, subject: Path | None) -> str:
    # Files are named by their stamp, so a later name is a later run: the reader must know that the
    # newest run is not the one on the page.
    if subject is not None and path.name > subject.name:
        return f"{complaint}. It is newer than the run shown here, {subject.name}"
    return complaint


def _run(path: Path, document: Any) -> tuple[Run, list[str]]:
    if not isinstance(document, dict):
        raise Unreadable(f"{path}: not a JSON object")
    if document.get("schema") != OUTCOMES_SCHEMA:
        raise Unreadable(f"{path}: schema {document.get('schema')!r}, not {OUTCOMES_SCHEMA!r}")
    record, stored = document.get("run"), document.get("outcomes")
    if not isinstance(record, dict) or not isinstance(stored, list):
        raise Unreadable(f"{path}: it has no `run` object or no `outcomes` list")
    outcomes: list[Outcome] = []
    complaints: list[str] = []
    for position, item in enumerate(stored):
        try:
            outcomes.append(outcome_from_json(item))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            complaints.append(f"{path}: outcome {position} is left out: {type(error).__name__} {error}")
    stale: list[Mapping[str, Any]] = []
    for position, item in enumerate(_objects(document.get("stale"))):
        if all(isinstance(item.get(key), kind) for key, kind in STALE.items()):
            stale.append(item)
        else:
            complaints.append(f"{path}: stale deviation {position} is left out: it lacks what describes it")
    run = Run(
        path=path,
        started=_started(path, record),
        record=record,
        machine=_object(document.get("machine")),
        torch=_object(document.get("torch")),
        devices=_objects(document.get("devices")),
        outcomes=tuple(outcomes),
        stale=tuple(stale),
        unreadable=len(complaints),
    )
    return run, complaints


def _started(path: Path, record: Mapping[str, Any]) -> datetime:
    try:
        started = datetime.fromisoformat(record["started"])
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{path}: run.started is not a time: {record.get('started')!r}") from error
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def outcome_from_json(record: Mapping[str, Any]) -> Outcome:
    """The inverse of `Outcome.to_json`. Raises: KeyError, TypeError or ValueError for what it cannot read."""
    worst = record.get("worst")
    return Outcome(
        operation=str(record["operation"]),
        implementation=str(record["implementation"]),
        device=str(record["device"]),
        dtype=str(record["dtype"]),
        workload=str(record["workload"]),
        check=str(record["check"]),
        question=str(record["question"]),
        point=str(record["point"]),
        status=Status(record["status"]),
        measured=_number(record.get("measured")),
        bound=_number(record.get("bound")),
        smallest_visible=_number(record.get("smallest_visible")),
        unit=str(record.get("unit") or ""),
        seed=int(record["seed"]),
        message=str(record.get("message") or ""),
        reproduce=str(record.get("reproduce") or ""),
        worst=None if worst is None else _worst(worst),
        figures={
            key: float(value) for key, value in (record.get("figures") or {}).items() if value is not None
        },
        issue=record.get("issue"),
    )


def _number(value: Any) -> float | None:
    # float() reads the words inf, -inf and nan that JSON has no number for.
    return None if value is None else float(value)


def _worst(record: Mapping[str, Any]) -> Worst:
    return Worst(
        index=tuple(int(i) for i in record["index"]),
        input=tuple(str(x) for x in record["input"]),
        computed=str(record["computed"]),
        expected=str(record["expected"]),
    )
