"""Scoring: every checker on what is wrong on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from torchstone.console import can_write, progress_bar, say, usage
from verify.selection import choose
from verify.storage import write_json

if TYPE_CHECKING:
    from verify.selftest.score import Score
    from verify.selftest.trial import Trials

# What a selftest is made of: the gradient checker beside torch's, and the checks of operations.
PARTS = ("gradients", "checks")


def selftest(wanted: list[str], seed: int | None, repeats: int, json: Path | None) -> int:
    """Run the parts that are wanted, say what came of each, and return the exit status of all."""
    from verify.run import fresh_seed

    with usage():
        can_write(json)
        parts = choose("part", wanted, PARTS)
    seed = fresh_seed() if seed is None else seed
    record: dict[str, Any] = {"schema": "torchstone.selftest/2", "seed": seed}
    statuses = []
    try:
        if "gradients" in parts:
            score = _gradients(seed, repeats)
            record["gradients"] = score.to_json()
            statuses.append(score.exit_status)
        if "checks" in parts:
            trials = _checks(seed)
            record["checks"] = trials.to_json()
            statuses.append(trials.exit_status)
    except KeyboardInterrupt:
        say("interrupted: the score of a part would say nothing, and is not kept")
        raise typer.Exit(130) from None
    if json:
        write_json(json, record)
    say(f"seed {seed}")
    return max(statuses)


def _gradients(seed: int, repeats: int) -> Score:
    from reports import score as scoring
    from verify import planted
    from verify.selftest import checkers

    gradients = planted.planted()
    with progress_bar() as progress:
        task = progress.add_task("selftest", total=len(gradients))

        def step(one: Any) -> None:
            progress.update(task, advance=1, description=f"selftest {one.name}")

        score = checkers.run(gradients, seed, checkers.CHECKERS, step, repeats)
    say(scoring.table(score), "", *scoring.complaints(score), *scoring.summary(score), "")
    return score


def _checks(seed: int) -> Trials:
    from reports import trials as showing
    from verify import wrong_on_purpose
    from verify.selftest import trying

    faults = wrong_on_purpose.planted()
    with progress_bar() as progress:
        task = progress.add_task("selftest", total=len(faults))

        def step(fault: Any) -> None:
            progress.update(task, advance=1, description=f"selftest {fault.check}: {fault.name}")

        found = trying.run(faults, seed, step)
    say(showing.table(found), "", *showing.complaints(found))
    return found
