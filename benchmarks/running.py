"""Running: asv, started by the command line, on the torch that is already installed."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from benchmarks import ROOT
from benchmarks._axes import DEVICES_VARIABLE, DTYPES, devices
from benchmarks._operations import PROGRESS_VARIABLE, label
from benchmarks._project import configure
from benchmarks.timing import BUDGET_VARIABLE
from verify.ceilings import CEILINGS
from verify.operations import OWN_OPERATIONS, catalogue
from verify.selection import choose

Profile = Literal["quick", "full"]

QUICK_DTYPES = ("float32",)
# Half the default: the first workload of every operation, in tens of seconds.
QUICK_BUDGET_SECONDS = 0.05

_INTERRUPT_SECONDS = 10
_POLL_SECONDS = 0.1


def run_benchmarks(
    results: Path,
    *,
    profile: Profile = "full",
    select: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    devices: Sequence[str] = (),
    on_progress: Callable[[str], None] | None = None,
) -> int:
    """Time operations with asv in this interpreter, and store what it found under `<results>/asv`.

    `quick` times the first workload of each operation in float32, on a smaller budget; `full` all of
    them. `select` are glob patterns of operation names, and `dtypes` and `devices` replace the
    profile's; empty means all that there are. The ceilings are timed along for the same dtypes and
    devices. `on_progress` gets each line that asv prints, and between them one line a measured case:
    `12/50 forward softmax 1024x1024 float32 cpu: 0.00123 s, 40 samples, 2 disturbed`. Cases that the
    device cannot run are skipped without a line.

    asv merges by benchmark, parameter and commit: a quick run replaces the times of the cases it
    measures and leaves all others of the same torch, interpreter and commit as they were.

    Returns: asv's exit status; 0 if every benchmark ran, 2 if one failed. Raises: ValueError if nothing
    is selected; KeyboardInterrupt if interrupted: the benchmarks that were finished are stored.
    """
    chosen = selection(profile, select, dtypes, devices)
    results = results.resolve()
    configuration, commit = configure(results)
    command = [sys.executable, "-m", "asv", "run", "--config", str(configuration)]
    command += ["--bench", chosen.expression, "--set-commit-hash", commit, "--show-stderr"]
    with tempfile.TemporaryDirectory(prefix="torchstone-") as scratch:
        progress = Path(scratch, "progress")
        progress.touch()
        return _follow(
            command,
            _environment(profile, progress),
            progress,
            chosen.cases,
            on_progress or (lambda line: None),
        )


@dataclass(frozen=True)
class Selection:
    """What to time: a regular expression for `asv run --bench`, and how many cases it lets through."""

    expression: str
    cases: int


def selection(
    profile: Profile, select: Sequence[str], dtypes: Sequence[str], wanted_devices: Sequence[str]
) -> Selection:
    """The cases of a profile. asv matches the expression against a benchmark's name with its parameters.

    Raises: ValueError naming the nearest there is, if a pattern, dtype or device matches nothing.
    """
    operations = choose("operation", select, catalogue())
    chosen_dtypes = choose("dtype", dtypes or (QUICK_DTYPES if profile == "quick" else ()), DTYPES)
    chosen_devices = choose("device", wanted_devices, devices())
    timed = [
        (label(operation, workload), 2 if operation.differentiable else 1)
        for operation in map(catalogue().__getitem__, operations)
        for workload in operation.bench[: 1 if profile == "quick" else None]
    ]
    if not timed:
        raise ValueError(f"no workload to time in {', '.join(operations)}: their `bench` is empty")
    axes = rf"'{_any(chosen_dtypes)}', '{_any(chosen_devices)}'\)$"
    expression = (
        rf"^\w+\.\w+\.track_(forward|backward)\('{_any([text for text, _ in timed])}', {axes}"
        rf"|^ceilings\.Ceilings\.track_forward\('[^']+', {axes}"
    )
    rows = sum(directions for _, directions in timed) + len(CEILINGS)
    return Selection(expression, rows * len(chosen_dtypes) * len(chosen_devices))


def _any(texts: Sequence[str]) -> str:
    return f"({'|'.join(map(re.escape, texts))})"


def _environment(profile: Profile, progress: Path) -> dict[str, str]:
    environment = dict(os.environ)
    # asv loads the plugin from here; it takes PYTHONPATH away again before it starts a benchmark.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    # asv's children run in folders of their own, where a relative path would lead nowhere.
    own = filter(None, environment.get(OWN_OPERATIONS, "").split(os.pathsep))
    environment[OWN_OPERATIONS] = os.pathsep.join(str(Path(path).resolve()) for path in own)
    # Otherwise Python keeps the lines back until a pipe's buffer is full.
    environment["PYTHONUNBUFFERED"] = "1"
    environment[DEVICES_VARIABLE] = ",".join(devices())
    environment[PROGRESS_VARIABLE] = str(progress)
    if profile == "quick":
        environment.setdefault(BUDGET_VARIABLE, str(QUICK_BUDGET_SECONDS))
    return environment


def _follow(
    command: Sequence[str],
    environment: dict[str, str],
    progress: Path,
    cases: int,
    tell: Callable[[str], None],
) -> int:
    """Run a command and tell each line that it prints or appends to the progress file."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    with process, progress.open(encoding="utf-8") as measured:
        assert process.stdout is not None
        reader = threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True)
        reader.start()
        try:
            done = 0
            printing = True
            while printing:
                try:
                    line = lines.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    line = ""
                for case in measured:
                    done += 1
                    tell(f"{done}/{cases} {case.rstrip()}")
                if line is None:
                    printing = False
                elif line:
                    tell(line)
            return process.wait()
        except BaseException:
            _stop(process)
            raise


def _pump(stream: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in stream:
        lines.put(line.rstrip())
    lines.put(None)


def _stop(process: subprocess.Popen[str]) -> None:
    """Let asv end by itself, tidying up: at a terminal it has had the interrupt already."""
    for wait, signal_number in ((1, signal.SIGINT), (_INTERRUPT_SECONDS, signal.SIGTERM)):
        try:
            process.wait(timeout=wait)
            return
        except subprocess.TimeoutExpired:
            process.send_signal(signal_number)
    try:
        process.wait(timeout=_INTERRUPT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
