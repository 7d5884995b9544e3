"""Timing: the benchmarks of the catalogue, run by asv, and their times shown."""

from __future__ import annotations

from typing import Literal

import typer

from torchstone.console import alone, can_write, own_catalogue, progress_bar, say, usage
from torchstone.options import Asked
from verify.storage import CATALOGUE, write_json


def bench(asked: Asked) -> int:
    """Time what is asked for. Returns: asv's exit status."""
    catalogue = own_catalogue(asked.operations)
    results, dtypes = asked.results, tuple(asked.dtype or ())

    from benchmarks.running import run_benchmarks, selection
    from reports import terminal
    from reports.report import read_findings
    from verify import devices
    from verify.operations import describe
    from verify.selection import PROFILES, choose, chosen_devices, chosen_operations

    with usage():
        choose("profile", (asked.profile,), PROFILES)
        wanted = chosen_devices(tuple(asked.device or ()), ())
    chosen: Literal["quick", "full"] = "full" if asked.profile == "full" else "quick"
    for kind in wanted:
        absent = devices.absence(kind)
        if absent:
            say(f"bench: {kind} skipped, {absent}")
    here = tuple(kind for kind in wanted if devices.absence(kind) is None)
    if wanted and not here:
        return 0
    with usage():
        can_write(results / CATALOGUE)
        names = chosen_operations(asked.select or (), catalogue)
        total = selection(chosen, names, dtypes, here).cases
    # Before asv starts: the report needs the costs whatever becomes of the run.
    write_json(results / CATALOGUE, describe())

    def show() -> None:
        rows = read_findings(results).speeds.slowest
        say(terminal.times(row for row in rows if row.operation in names))

    with alone(results), progress_bar() as progress:
        task = progress.add_task("bench, asv looks for benchmarks", total=total)
        log: list[str] = []

        def line(text: str) -> None:
            log.append(text)
            count, _, rest = text.partition("/")
            if count.strip().isdigit():
                progress.update(
                    task, completed=int(count), description=f"bench {rest.partition(' ')[2]}"[:70]
                )

        try:
            status = run_benchmarks(
                results,
                profile=chosen,
                select=names,
                dtypes=dtypes,
                devices=here,
                on_progress=line,
            )
        except KeyboardInterrupt:
            show()
            say(f"interrupted: the benchmarks finished until then are kept in {results / 'asv'}")
            raise typer.Exit(130) from None
        except FileNotFoundError as error:
            say(f"bench: asv needs {error.filename}, which is not on the PATH; nothing was timed")
            return 1
    if status:
        say("bench: asv failed; the end of what it said:", *log[-20:])
    show()
    say(f"bench: {total} cases, the ceilings among them, stored in {results / 'asv'}")
    return status
