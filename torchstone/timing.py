"""Timing: the benchmarks of the catalogue, run by asv, and their times shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from torchstone.console import alone, can_write, own_catalogue, progress_bar, say, usage
from torchstone.options import Asked
from verify.storage import CATALOGUE, write_json

if TYPE_CHECKING:
    from benchmarks.running import Profile


def bench(asked: Asked) -> int:
    """Time what is asked for. Returns: asv's exit status."""
    catalogue = own_catalogue(asked.operations)
    results, dtypes = asked.results, tuple(asked.dtype or ())

    from benchmarks.running import run_benchmarks, selection
    from verify.operations import describe
    from verify.selection import PROFILES, choose, chosen_devices, chosen_operations

    with usage():
        choose("profile", (asked.profile,), PROFILES)
        wanted = chosen_devices(tuple(asked.device or ()), ())
    profile: Profile = "full" if asked.profile == "full" else "quick"
    here = _present(wanted)
    if wanted and not here:
        return 0
    with usage():
        can_write(results / CATALOGUE)
        names = chosen_operations(asked.select or (), catalogue)
        total = selection(profile, names, dtypes, here).cases
    # Before asv starts: the report needs the costs whatever becomes of the run.
    write_json(results / CATALOGUE, describe())
    asv = partial(run_benchmarks, results, profile=profile, select=names, dtypes=dtypes, devices=here)
    with alone(results):
        try:
            status, log = _followed(asv, total)
        except KeyboardInterrupt:
            _show(results, names)
            say(f"interrupted: the benchmarks finished until then are kept in {results / 'asv'}")
            raise typer.Exit(130) from None
        except FileNotFoundError as error:
            say(f"bench: asv needs {error.filename}, which is not on the PATH; nothing was timed")
            return 1
    if status:
        say("bench: asv failed; the end of what it said:", *log[-20:])
    _show(results, names)
    say(f"bench: {total} cases, the ceilings among them, stored in {results / 'asv'}")
    return status


def _present(wanted: Sequence[str]) -> tuple[str, ...]:
    """The devices among those wanted that are there; the reason is said for each that is not."""
    from verify import devices

    absence = {kind: devices.absence(kind) for kind in wanted}
    for kind, reason in absence.items():
        if reason:
            say(f"bench: {kind} skipped, {reason}")
    return tuple(kind for kind, reason in absence.items() if reason is None)


def _followed(asv: Callable[..., int], total: int) -> tuple[int, list[str]]:
    """asv's exit status and all that it said, run under a bar of `total` cases."""
    log: list[str] = []
    with progress_bar() as progress:
        task = progress.add_task("bench, asv looks for benchmarks", total=total)

        def line(text: str) -> None:
            log.append(text)
            count, _, rest = text.partition("/")
            if count.strip().isdigit():
                description = f"bench {rest.partition(' ')[2]}"[:70]
                progress.update(task, completed=int(count), description=description)

        return asv(on_progress=line), log


def _show(results: Path, names: Collection[str]) -> None:
    """The slowest times that the results hold of these operations."""
    from reports import terminal
    from reports.report import read_findings

    rows = read_findings(results).speeds.slowest
    say(terminal.times(row for row in rows if row.operation in names))
