"""Verifying: the cases of the catalogue, or torch's own operators, examined, stored and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from torchstone.console import can_write, command_typed, own_catalogue, progress_bar, say, usage
from torchstone.options import Asked
from verify.storage import CATALOGUE, write_json, write_whole

if TYPE_CHECKING:
    from verify.outcome import Outcome
    from verify.run import Run


def over_catalogue(
    asked: Asked, seed: int | None, implementation: str, json: Path | None, junit: Path | None
) -> Run:
    """The cases of the catalogue that are asked for, examined, stored and shown."""
    catalogue = own_catalogue(asked.operations)

    from reports import terminal
    from verify import devices, selection, workers
    from verify import run as running
    from verify.checks import checks
    from verify.operations import describe

    chosen = selection.Selection(
        tuple(asked.select or ()),
        tuple(asked.check or ()),
        tuple(asked.device or ()),
        tuple(asked.dtype or ()),
        implementation,
        asked.profile,
    )
    with usage():
        cases = tuple(selection.cases(chosen, catalogue, devices.present()))
        questions = selection.chosen_checks(chosen, checks())
        can_write(asked.results / CATALOGUE, json, junit)
    seed = running.fresh_seed() if seed is None else seed
    with progress_bar() as progress:
        task = progress.add_task("verify", total=len(cases) * len(questions))

        def step(case: Any, check: Any) -> None:
            progress.update(task, advance=1, description=f"verify {case.id} {check.name}")

        processes = workers.useful(len(cases), asked.workers)
        found = (
            running.examined(cases, questions, chosen, seed, step)
            if processes == 1
            else workers.shared_out(chosen, devices.present(), seed, processes, step)
        )
        run = running.gathered(found, chosen.profile, seed, command_typed(), asked.operations or ())
    stored = running.store(run, asked.results)
    write_json(asked.results / CATALOGUE, describe())
    _write(run, json, junit)
    say(terminal.matrix(run.outcomes), "", *_complaints(run))
    say(terminal.counts(run.outcomes), f"seed {seed}, stored in {stored}")
    if not run.complete:
        say(f"interrupted: the {len(run.outcomes)} outcomes measured until then are kept in {stored}")
        raise typer.Exit(130)
    return run


def _write(run: Run, json: Path | None, junit: Path | None) -> None:
    from verify.junit import to_xml
    from verify.run import to_json

    if json:
        write_json(json, to_json(run))
    if junit:
        write_whole(junit, to_xml(run.outcomes))


def _complaints(run: Run) -> Iterator[Any]:
    """What is wrong with which case, why others were skipped, and which known deviations are gone."""
    from reports import terminal

    yield from terminal.complaints(run.outcomes)
    yield from dict.fromkeys(o.message.partition(": ")[2] for o in run.outcomes if o.status == "skipped")
    for deviation in run.stale:
        yield (
            f"stale: the known deviation of {deviation.operation}, {deviation.check} {deviation.question} at "
            f"{', '.join(deviation.points)}, does not fire here: remove it from known_deviations.toml, or "
            "name the torch or the machine that still shows it"
        )


def _told(outcomes: Sequence[Outcome], gradients: bool) -> tuple[Any, ...]:
    """What is wrong with which operator; of many checks also how many samples each judged."""
    from reports import sample_tables, terminal

    if gradients:
        return (terminal.troubles(outcomes),)
    lines = sample_tables.troubles(outcomes)
    return (*lines, "", sample_tables.reasons(outcomes), "", sample_tables.counted(outcomes))


def over_torch(asked: Asked, seed: int | None, json: Path | None, junit: Path | None) -> Run:
    """torch's own operators at torch's own samples: their gradients, and in a full run all that is asked."""
    from reports import terminal
    from verify import run as running
    from verify.samples import operators, workers
    from verify.samples.check import KINDS
    from verify.samples.checks import sample_checks
    from verify.samples.outcomes import GRADIENT
    from verify.selection import PROFILES, choose, chosen_devices
    from verify.workers import useful

    device = (asked.device or ["cpu"])[0]
    with usage():
        chosen_devices([device], ())
        (profile,) = choose("profile", (asked.profile,), PROFILES)
        of_profile = (GRADIENT,) if profile == "quick" else ()
        checks = choose("check", tuple(asked.check or of_profile), sample_checks())
        dtypes = choose("dtype", asked.dtype, KINDS) if asked.dtype else ()
        chosen = operators.chosen(asked.select or (), workers.applicable(checks, dtypes))
        can_write(json, junit)
    seed = running.fresh_seed() if seed is None else seed
    tasks = workers.tasks(chosen, checks, dtypes, device, seed)
    with progress_bar() as progress:
        task = progress.add_task("verify", total=len(tasks))

        def step(done: workers.Task) -> None:
            progress.update(task, advance=1, description=f"verify {done.check} {done.operator}")

        found = workers.examined(tasks, useful(len(tasks), asked.workers), step)
        run = running.gathered(found, asked.profile, seed, command_typed())
    _write(run, json, junit)
    say(*_told(run.outcomes, checks == (GRADIENT,)), "", terminal.slowest(run.outcomes), "")
    say(terminal.counts(run.outcomes), f"{len(chosen)} operators, seed {seed}")
    if not run.complete:
        say(f"interrupted after {len(run.outcomes)} outcomes")
        raise typer.Exit(130)
    return run
