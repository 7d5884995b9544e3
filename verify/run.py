"""Run: examine every selected case with every selected check, and keep what was measured."""

from __future__ import annotations

import datetime
import json
import secrets
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from verify import devices, known_deviations, storage
from verify.case import Case
from verify.check import Check, skipped
from verify.examination import examine, nearest
from verify.known_deviations import Deviation
from verify.machine import machine
from verify.outcome import Outcome, Status, plain
from verify.selection import REPEATS, Selection


@dataclass(frozen=True)
class Run:
    """All outcomes of one run, and what is needed to read and repeat it. Not `complete`: interrupted."""

    outcomes: tuple[Outcome, ...]
    stale: tuple[Deviation, ...]
    seed: int
    profile: str
    command: str
    started: str
    finished: str
    complete: bool

    def count(self, status: Status) -> int:
        """How many outcomes have a status."""
        return sum(outcome.status is status for outcome in self.outcomes)

    @property
    def exit_status(self) -> int:
        """0 if something was judged and all of it passed or is known; else 1.

        What could not be judged is not a pass, and nor is a run in which everything was skipped.
        """
        good = self.count(Status.PASS) + self.count(Status.KNOWN)
        bad = self.count(Status.FAIL) + self.count(Status.INCONCLUSIVE)
        return 0 if good and not bad and self.complete else 1


Progress = Callable[[Case, Check], None]

# Check workloads are small, and threads that wait for each other on a busy machine make them a hundred
# times slower.
THREADS = 1


def _quietly(case: Case, check: Check) -> None:
    """No progress to show."""


def fresh_seed() -> int:
    """A seed that no run had before; it is recorded, so that the run can be repeated."""
    return secrets.randbits(31)


def verify(
    cases: Sequence[Case],
    checks: Sequence[Check],
    selection: Selection,
    seed: int,
    command: str,
    progress: Progress = _quietly,
    own_operations: Sequence[Path] = (),
) -> Run:
    """Examine cases × checks in this process."""
    found = examined(cases, checks, selection, seed, progress)
    return gathered(found, selection.profile, seed, command, own_operations)


def gathered(
    found: Iterable[Outcome], profile: str, seed: int, command: str, own_operations: Sequence[Path] = ()
) -> Run:
    """Collect outcomes as they come, and mark the known deviations among them.

    The commands that reproduce an outcome name the files of one's `own_operations` too.

    An interrupt (Ctrl-C) ends the run early and keeps what was measured. torch runs on `THREADS` threads
    meanwhile.
    """
    own = "".join(f" --operations {shlex.quote(str(path))}" for path in own_operations)
    started, outcomes, complete = _now(), [], True
    with one_thread():
        try:
            for outcome in found:
                outcomes.append(replace(outcome, reproduce=outcome.reproduce + own))
        except KeyboardInterrupt:
            complete = False
    listed = known_deviations.read()
    marked = known_deviations.mark(outcomes, listed, torch.__version__)
    silent = known_deviations.stale(marked, listed, torch.__version__) if complete else ()
    return Run(marked, silent, seed, profile, command, started, _now(), complete)


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on `THREADS` threads meanwhile."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def examined(
    cases: Sequence[Case],
    checks: Sequence[Check],
    selection: Selection,
    seed: int,
    progress: Progress = _quietly,
) -> Iterator[Outcome]:
    """The outcomes of cases × checks, as they come; an absent device or dtype is skipped with the reason."""
    for case in cases:
        absent = (
            devices.absence(case.device) or case.undefined or devices.unsupported(case.device, case.dtype)
        )
        for check in checks:
            progress(case, check)
            if not check.applies(case):
                continue
            if absent:
                yield skipped(check.name, case, seed, absent)
                continue
            draws = range(REPEATS[selection.profile] if check.draws else 1)
            found = [examine(case, check, seed + draw) for draw in draws]
            yield from found[0] if len(found) == 1 else nearest(found)


def to_json(run: Run) -> dict[str, Any]:
    """The record of a run as it is stored and exported; see `docs/outcomes.md` for its fields."""
    return {
        "schema": storage.OUTCOMES_SCHEMA,
        "run": {
            "started": run.started,
            "finished": run.finished,
            "complete": run.complete,
            "profile": run.profile,
            "seed": run.seed,
            "command": run.command,
            "torchstone": _version(),
        },
        "machine": machine(),
        "torch": _torch(),
        "devices": [_device(kind) for kind in devices.KINDS],
        "outcomes": [outcome.to_json() for outcome in run.outcomes],
        "stale": [plain(asdict(deviation)) for deviation in run.stale],
    }


def store(run: Run, results: Path) -> Path:
    """Write a run's record into the results folder, whole or not at all. Returns its path."""
    stamp = run.started.replace(":", "").replace("-", "")
    path = results / storage.OUTCOMES / f"{stamp}-{run.seed}.json"
    storage.write_json(path, json.loads(json.dumps(to_json(run))))
    return path


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _version() -> str:
    try:
        return version("torchstone")
    except PackageNotFoundError:
        return "unknown"  # run from a source tree that was never installed


def _torch() -> dict[str, Any]:
    # torch's backend modules ship without types.
    return {
        "version": torch.__version__,
        "blas": "mkl" if torch.backends.mkl.is_available() else "other",  # type: ignore[no-untyped-call]
        "mkldnn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "threads": THREADS,
        "cpu_capability": devices.cpu_capability(),
        "cuda": torch.version.cuda,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
    }


def _device(kind: str) -> dict[str, Any]:
    reason = devices.absence(kind)
    return {
        "name": kind,
        "description": "" if reason else devices.describe(kind),
        "present": reason is None,
        "reason": reason,
    }
