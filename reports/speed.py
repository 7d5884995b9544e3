"""Speed: stored seconds, put against the work of a call and what the machine itself can do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.asv_results import newest
from reports.catalogue import Catalogue, Cost
from reports.ordering import dtype_rank, item_bytes
from verify.ceilings import Ceiling

_CEILINGS = "ceilings."


@dataclass(frozen=True)
class Timing:
    """The seconds of one call: the median and the quartiles (None where asv has none)."""

    seconds: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CeilingRate:
    """What one ceiling reached. Units: flops or elements a second, as `ceiling.kind` says."""

    ceiling: Ceiling
    dtype: str
    device: str
    machine: str
    environment: str
    seconds: float
    per_second: float


@dataclass(frozen=True)
class SpeedRow:
    """One operation at one workload, dtype and device.

    `fraction` is that of the ceiling named `ceiling`; it and the rates are of the forward call, None
    where the cost of the workload, the ceiling or the time is not known. `elements` are those that a
    forward call must move.
    """

    operation: str
    workload: str
    dtype: str
    device: str
    machine: str
    environment: str
    forward: Timing | None
    backward: Timing | None
    flops_per_second: float | None
    bytes_per_second: float | None
    fraction: float | None
    ceiling: str | None
    elements: float | None

    @property
    def ratio(self) -> float | None:
        """Backward seconds over forward seconds."""
        return self.backward.seconds / self.forward.seconds if self.forward and self.backward else None


@dataclass(frozen=True)
class Speeds:
    """All speeds of the page. `untimed` counts stored cases that hold no time."""

    rows: tuple[SpeedRow, ...]
    ceilings: tuple[CeilingRate, ...]
    untimed: int
    commits: tuple[str, ...]

    @property
    def slowest(self) -> tuple[SpeedRow, ...]:
        """One row an operation and device, the lowest fraction of the ceiling first.

        It is the operation's worst dtype at its largest shape: on a small shape every operation is far
        below, because what is timed there is the cost of the call itself.
        """
        chosen: dict[tuple[str, ...], SpeedRow] = {}
        for row in self.rows:
            if row.fraction is not None:
                key = (row.operation, row.device, row.machine)
                chosen[key] = min(chosen.get(key, row), row, key=_largest_then_slowest)
        return tuple(sorted(chosen.values(), key=lambda row: row.fraction or 0.0))


def _largest_then_slowest(row: SpeedRow) -> tuple[float, float]:
    return -(row.elements or 0.0), row.fraction or 0.0


def speeds(frame: pd.DataFrame, catalogue: Catalogue, operations: Sequence[str]) -> Speeds:
    """The newest time of every case, in the order of `operations`, then by device, dtype and size.

    The fraction of the ceiling of a forward call is the larger of two: its flops a second over those
    of the matrix product, and its elements a second over those of the copy (or the read, if it writes
    nothing) whose working set is nearest to its own (in log2), in the same dtype, on the same device,
    machine and environment.
    """
    current = newest(frame)
    is_ceiling = current["benchmark"].str.startswith(_CEILINGS)
    rates = _ceiling_rates(current[is_ceiling], catalogue.ceilings)
    rows = _rows(current[~is_ceiling], catalogue, rates)
    position = {name: i for i, name in enumerate(operations)}

    def order(row: SpeedRow) -> tuple[Any, ...]:
        place = position.get(row.operation, -1)
        return row.machine, place, row.device, -(row.elements or 0), row.workload, dtype_rank(row.dtype)

    stored = frame.drop_duplicates(["benchmark", "operation", "workload", "dtype", "device", "machine"])
    commits = tuple(sorted({str(commit) for commit in current["commit"] if commit}))
    return Speeds(tuple(sorted(rows, key=order)), rates, len(stored) - len(current), commits)


def _ceiling_rates(frame: pd.DataFrame, ceilings: Mapping[str, Ceiling]) -> tuple[CeilingRate, ...]:
    rates = []
    for record in frame.to_dict("records"):
        ceiling = ceilings.get(f"{record['operation']} {record['workload']}")
        if ceiling is not None and record["direction"] == "forward":
            where = (record["dtype"], record["device"], record["machine"], record["environment"])
            rates.append(CeilingRate(ceiling, *where, record["seconds"], ceiling.amount / record["seconds"]))
    rates.sort(key=lambda r: (r.machine, r.device, r.ceiling.kind, r.ceiling.size, dtype_rank(r.dtype)))
    return tuple(rates)


def _rows(frame: pd.DataFrame, catalogue: Catalogue, rates: Iterable[CeilingRate]) -> list[SpeedRow]:
    reachable: dict[tuple[str, ...], list[CeilingRate]] = {}
    for rate in rates:
        reachable.setdefault((rate.dtype, rate.device, rate.machine, rate.environment), []).append(rate)
    rows = []
    for key, members in frame.groupby(["operation", "workload", "dtype", "device", "machine"], sort=False):
        operation, workload, dtype, device, machine = map(str, key)
        timings = {record["direction"]: record for record in members.to_dict("records")}
        forward = timings.get("forward")
        environment = str((forward or timings["backward"])["environment"])
        seconds = forward["seconds"] if forward else None
        cost = catalogue.costs.get((operation, workload))
        size = item_bytes(dtype)
        fraction, ceiling = None, None
        if cost and seconds:
            near = reachable.get((dtype, device, machine, environment), [])
            fraction, ceiling = fraction_of_ceiling(cost, seconds, near)
        rows.append(
            SpeedRow(
                operation,
                workload,
                dtype,
                device,
                machine,
                environment,
                _timing(forward),
                _timing(timings.get("backward")),
                cost.flops / seconds if cost and seconds else None,
                cost.elements * size / seconds if cost and seconds and size else None,
                fraction,
                ceiling,
                cost.elements if cost else None,
            )
        )
    return rows


def fraction_of_ceiling(
    cost: Cost, seconds: float, rates: Sequence[CeilingRate]
) -> tuple[float | None, str | None]:
    """The largest fraction of any ceiling that applies, and the ceiling's label; None where there is none.

    What writes is held against copies, what only reads against reads.
    """
    products = [rate for rate in rates if rate.ceiling.kind == "flops"]
    moves = [rate for rate in rates if rate.ceiling.kind == ("copied" if cost.written else "read")]
    fractions = [(cost.flops / seconds / rate.per_second, rate.ceiling.label) for rate in products]
    if moves and cost.elements > 0:
        # The working set of a ceiling is what it moves: a copy of n elements reads n and writes n.
        nearest = min(moves, key=lambda rate: abs(math.log2(rate.ceiling.amount / cost.elements)))
        fractions.append((cost.elements / seconds / nearest.per_second, nearest.ceiling.label))
    return max(fractions, default=(None, None))


def _timing(record: Mapping[Any, Any] | None) -> Timing | None:
    if record is None:
        return None
    low, high = (None if math.isnan(record[key]) else record[key] for key in ("seconds_low", "seconds_high"))
    return Timing(record["seconds"], low, high)
