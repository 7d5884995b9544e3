"""Asv results: the times that asv stored, read into a frame. A damaged file is named and left alone.

Source: asv 0.6, `asv/results.py`: result files are `<machine>/<commit>-<environment>.json` with one
row a benchmark, whose columns are named by `result_columns` and cut off after the last one present;
parameters are stored as their `repr`; None stands for failed or not selected, NaN for skipped.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from verify.storage import Unreadable, read_json

ASV = "asv"
COLUMNS = (
    "benchmark",
    "direction",
    "operation",
    "workload",
    "dtype",
    "device",
    "machine",
    "commit",
    "environment",
    "torch",
    "measured_at",
    "seconds",
    "seconds_low",
    "seconds_high",
)
_DIRECTIONS = {"track_forward": "forward", "track_backward": "backward"}
_PARAMETERS = ("workload", "dtype", "device")
_BENCHMARKS = "benchmarks.json"


@dataclass(frozen=True)
class StoredSpeeds:
    """Every stored time, and a complaint for each file or benchmark that could not be read.

    `frame` has the columns `COLUMNS`. Units: seconds a call, the median and its quartiles (nan where
    asv has none); `measured_at` in milliseconds since 1970, as asv counts them.
    """

    frame: pd.DataFrame
    complaints: tuple[str, ...]


def read_speeds(results: Path) -> StoredSpeeds:
    """Read every result file under `<results>/asv`."""
    root = results / ASV
    rows: list[tuple[Any, ...]] = []
    complaints: list[str] = []
    paths = [path for path in sorted(root.glob("*/*.json")) if path.name != "machine.json"]
    known: Mapping[str, Any] = {}
    if paths:
        try:
            known = _object(root / _BENCHMARKS)
        except Unreadable as error:
            complaints.append(f"{error}. Outdated times cannot be told from current ones without it")
    for path in paths:
        try:
            document = _object(path)
            machine = _machine(path)
            for name, row in _rows_of(path, document):
                try:
                    rows.extend(_times(name, row, known.get(name), document, machine))
                except (KeyError, TypeError, ValueError, IndexError, SyntaxError) as error:
                    complaints.append(f"{path}: {name} is left out: {type(error).__name__} {error}")
        except Unreadable as error:
            complaints.append(str(error))
    return StoredSpeeds(pd.DataFrame(rows, columns=list(COLUMNS)), tuple(complaints))


def newest(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a case: where several files hold a time for it, the one that was measured last."""
    case = ["benchmark", "operation", "workload", "dtype", "device", "machine"]
    timed = frame[frame["seconds"].notna()].sort_values("measured_at", kind="stable")
    return timed.drop_duplicates(case, keep="last").reset_index(drop=True)


def _object(path: Path) -> Mapping[str, Any]:
    document = read_json(path)
    if not isinstance(document, dict):
        raise Unreadable(f"{path}: not a JSON object")
    return document


def _machine(path: Path) -> str:
    try:
        return str(_object(path.with_name("machine.json")).get("machine", path.parent.name))
    except Unreadable:
        # asv names the folder after the machine, so the times are still worth reading.
        return path.parent.name


def _rows_of(path: Path, document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    results, columns = document.get("results"), document.get("result_columns")
    if not isinstance(results, dict) or not isinstance(columns, list):
        raise Unreadable(f"{path}: it has no `results` or no `result_columns`")
    for name, row in results.items():
        if name.rsplit(".", 1)[-1] in _DIRECTIONS:
            # The row ends after its last value, so the columns that are left over are absent.
            yield name, dict(zip(columns, row if isinstance(row, list) else [row], strict=False))


def _times(
    name: str,
    row: Mapping[str, Any],
    benchmark: Mapping[str, Any] | None,
    document: Mapping[str, Any],
    machine: str,
) -> list[tuple[Any, ...]]:
    benchmark = benchmark or {}
    current = benchmark.get("version")
    if current is not None and row.get("version") is not None and row["version"] != current:
        return []  # asv leaves the times of an older version of a benchmark out too
    if benchmark.get("unit", "seconds") != "seconds":
        return []
    names = list(benchmark.get("param_names") or _PARAMETERS)
    if not set(_PARAMETERS) <= set(names):
        return []
    cases = list(itertools.product(*(map(_parameter, values) for values in row["params"])))
    columns = [_spread(row.get(key), len(cases)) for key in ("result", "stats_q_25", "stats_q_75")]
    requirements = document.get("requirements") or {}
    measured_at = row.get("started_at") or document.get("date") or 0
    times = []
    for case, seconds, low, high in zip(cases, *columns, strict=True):
        chosen = dict(zip(names, case, strict=True))
        operation, _, label = chosen["workload"].partition(" ")
        times.append(
            (
                name,
                _DIRECTIONS[name.rsplit(".", 1)[-1]],
                operation,
                label,
                chosen["dtype"],
                chosen["device"],
                machine,
                str(document.get("commit_hash") or "")[:8],
                str(document.get("env_name") or ""),
                str(requirements.get("torch") or ""),
                float(measured_at),
                seconds,
                low,
                high,
            )
        )
    return times


def _parameter(text: Any) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return str(text)


def _spread(values: Any, count: int) -> Sequence[float]:
    # asv shortens a list of nothing but None to None.
    if values is None:
        return [math.nan] * count
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"{count} parameters but {values!r:.60} stored")
    return [math.nan if value is None else float(value) for value in values]
