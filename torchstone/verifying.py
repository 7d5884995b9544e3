"""Verifying: the cases of the catalogue, or torch's own operators, examined, stored and shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from torchstone.console import can_write, command_typed, own_catalogue, progress_bar, say, usage
from torchstone.options import Asked
from verify.storage import CATALOGUE, write_json, write_whole

if TYPE_CHECKING:
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
    from verify.junit import to_xml
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
    if json:
        write_json(json, running.to_json(run))
    if junit:
        write_whole(junit, to_xml(run.outcomes))
    say(terminal.matrix(run.outcomes), "", *terminal.complaints(run.outcomes))
    for reason in dict.fromkeys(o.message.partition(": ")[2] for o in run.outcomes if o.status == "skipped"):
        say(reason)
    for deviation in run.stale:
        say(
            f"stale: the known deviation of {deviation.operation}, {deviation.check} {deviation.question} at "
            f"{', '.join(deviation.points)}, does not fire here: remove it from known_deviations.toml, or "
            "name the torch or the machine that still shows it"
        )
    say(terminal.counts(run.outcomes), f"seed {seed}, stored in {stored}")
    if not run.complete:
        say(f"interrupted: the {len(run.outcomes)} outcomes measured until then are kept in {stored}")
        raise typer.Exit(130)
    return run


def over_torch(asked: Asked, seed: int | None, json: Path | None, junit: Path | None) -> Run:
    """The gradients of torch's own operators at torch's own samples."""
    from reports import terminal
    from verify import run as running
    from verify import torch_samples
    from verify.junit import to_xml
    from verify.selection import chosen_devices

    device, dtype = (asked.device or ["cpu"])[0], (asked.dtype or ["float64"])[0]
    with usage():
        chosen_devices([device], ())
        known = torch_samples.operators(dtype)
        chosen = torch_samples.chosen(asked.select or (), known)
        can_write(json, junit)
    seed = running.fresh_seed() if seed is None else seed
    with progress_bar() as progress:
        task = progress.add_task("verify", total=len(chosen))

        def found() -> Iterator[Any]:
            for name, only in chosen.items():
                progress.update(task, description=f"verify {name}")
                yield from torch_samples.outcomes(known[name], only, device, dtype, seed)
                progress.advance(task)

        run = running.gathered(found(), asked.profile, seed, command_typed())
    if json:
        write_json(json, running.to_json(run))
    if junit:
        write_whole(junit, to_xml(run.outcomes))
    say(terminal.troubles(run.outcomes), "", terminal.slowest(run.outcomes), "")
    say(terminal.counts(run.outcomes), f"{len(chosen)} operators, seed {seed}")
    if not run.complete:
        say(f"interrupted after {len(run.outcomes)} samples")
        raise typer.Exit(130)
    return run
