"""Score: how gradient checkers did on planted faults, as a table that fits a screen. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reports.notation import number
from verify.selftest.score import OURS, Result, Row, Score
from verify.selftest.sharpness import Sharpness

_GOOD, _BAD, _NOTHING = "green", "bold red", "dim"


def table(score: Score) -> Table:
    """Kind of fault × checker: faults caught, false alarms, and seconds of the processor's time."""
    total = score.total
    checkers = tuple(total.tallies)
    found = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_footer=True)
    found.add_column("\nplanted fault", "all", no_wrap=True)
    headings = (
        "\nwrong",
        "above\nvisible",
        *_headings("caught", checkers),
        *_headings("alarms", checkers),
        "incon-\nclusive",
        "not\nrun",
        *_headings("time/s", checkers),
    )
    for heading, cell in zip(headings, _cells(total), strict=True):
        found.add_column(heading, cell, justify="right", no_wrap=True, footer_style="bold")
    for row in score.rows:
        found.add_row(row.kind, *_cells(row))
    # Where the screen is narrower, long lines are easier to read than figures cut in half.
    wide = Console(width=1000)
    found.width = found.__rich_measure__(wide, wide.options).maximum
    return found


def _headings(over: str, checkers: tuple[str, ...]) -> Iterator[str]:
    """A heading that stands over several columns is written over the first."""
    for position, checker in enumerate(checkers):
        yield f"{'' if position else over}\n{checker}"


def _cells(row: Row) -> Iterator[Text]:
    tallies = row.tallies
    yield Text(str(row.wrong))
    yield Text(str(row.promised))
    for checker, tally in tallies.items():
        style = "" if checker != OURS else _BAD if row.missed else _GOOD
        yield Text(str(tally.caught), style=style)
    for tally in tallies.values():
        yield Text(str(tally.false_alarms), style=_BAD if tally.false_alarms else _NOTHING)
    for count in (sum(t.inconclusive for t in tallies.values()), sum(t.not_run for t in tallies.values())):
        yield Text(str(count), style="magenta" if count else _NOTHING)
    for tally in tallies.values():
        yield Text(f"{tally.seconds:.1f}")


def complaints(score: Score) -> list[Text]:
    """The faults that we should have caught, and the right gradients that we called wrong, by name."""
    missed = [Text.assemble(("missed  ", _BAD), r.name, _sizes(r)) for r in score.missed]
    return missed + [
        Text.assemble(("false alarm  ", _BAD), r.name, f" (seed {_seeds(score, r)})")
        for r in score.false_alarms
    ]


def _seeds(score: Score, result: Result) -> str:
    return ", ".join(str(score.seed + after) for after in result.false_alarms)


def _sizes(result: Result) -> str:
    visible = f"{number(result.judgements[OURS].visible)} is stated as visible"
    if result.size is None:
        return f" ({visible})"
    return f" (a relative error of {number(result.size)}, where {visible})"


def summary(score: Score) -> list[str]:
    """What came of it: faults, right gradients, and how small an error was visible on these."""
    total, checks = score.total, score.right_checks
    caught = total.promised - len(score.missed)
    return [
        f"{caught} of the {total.promised} faults above our stated visible error caught",
        f"{checks.false_alarms:,} false alarms, {checks.inconclusive:,} inconclusive "
        f"in {checks.count:,} checks of {total.right:,} right gradients, {checks.right:,} of them passed",
        f"smallest relative error seen on right gradients, whole gradient: {_figures(score.visible)}",
        f"smallest relative error seen on right gradients, one entry: {_figures(score.visible_entry)}",
    ]


def _figures(seen: Sharpness) -> str:
    without = f", none stated in {seen.without:,}" if seen.without else ""
    return (
        f"median {number(seen.median)}, largest {number(seen.largest)} "
        f"in {seen.count:,} checks in reverse mode{without}"
    )
