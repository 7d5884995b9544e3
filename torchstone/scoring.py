"""Scoring: the gradient checkers on gradients that are wrong on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from torchstone.console import can_write, progress_bar, say, usage
from verify.storage import write_json

if TYPE_CHECKING:
    from verify.score import Score


def selftest(seed: int | None, repeats: int, json: Path | None) -> Score:
    """Score every checker on every planted gradient, and say the score."""
    from reports import score as scoring
    from verify import planted, selftest
    from verify.run import fresh_seed

    with usage():
        can_write(json)
    seed = fresh_seed() if seed is None else seed
    gradients = planted.planted()
    with progress_bar() as progress:
        task = progress.add_task("selftest", total=len(gradients))

        def step(one: Any) -> None:
            progress.update(task, advance=1, description=f"selftest {one.name}")

        try:
            score = selftest.run(gradients, seed, selftest.CHECKERS, step, repeats)
        except KeyboardInterrupt:
            say("interrupted: the score of a part would say nothing, and is not kept")
            raise typer.Exit(130) from None
    if json:
        write_json(json, score.to_json())
    say(scoring.table(score), "", *scoring.complaints(score), *scoring.summary(score), f"seed {seed}")
    return score
