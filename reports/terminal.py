"""Terminal: the outcomes of a run as tables that fit a screen. Pure: from outcomes to rich's renderables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from rich.table import Table
from rich.text import Text

from reports.notation import percent, seconds
from reports.ordering import listed
from reports.speed import SpeedRow
from reports.verdict import SEVERITY, SIGNS
from verify.outcome import Outcome, Status

STYLES = {
    Status.PASS: "green",
    Status.KNOWN: "yellow",
    Status.FAIL: "bold red",
    Status.INCONCLUSIVE: "magenta",
    Status.SKIPPED: "dim",
}
# A hundred lines of one cause hide the second cause; the page and the JSON have them all.
SHOWN = 10
# The words of so many checks fit beside an operation's name, the signs and counts of so many, and so many
# letters of each name of a check where there are more.
WORDS_FIT, COUNTS_FIT, LETTERS = 4, 6, 4


def matrix(outcomes: Sequence[Outcome]) -> Table:
    """Operation × check: the worst status of each cell, and how many outcomes stand behind it.

    With many checks a status is its sign, so that a row fits into eighty columns; with more still only what
    is no pass is counted, and a check is called by its first letters.
    """
    checks = listed((o.check for o in outcomes), ())
    cell = _words if len(checks) <= WORDS_FIT else _sign_and_count if len(checks) <= COUNTS_FIT else _sign
    padding = (0, 1) if cell is _sign else (0, 2, 0, 0)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=padding, collapse_padding=True)
    table.add_column("operation", overflow="fold")
    for name in _short(checks) if cell is _sign else checks:
        table.add_column(name, no_wrap=True)
    cells: dict[str, dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        cells.setdefault(outcome.operation, {}).setdefault(outcome.check, []).append(outcome)
    for operation, row in cells.items():
        table.add_row(operation, *(_cell(row.get(check, []), cell) for check in checks))
    if cell is not _words and cells:
        table.caption = "   ".join(f"{sign} {status}" for status, sign in SIGNS.items())
        table.caption_justify = "left"
    return table


# What a cell says of the worst status, how many outcomes have it, and how many there are.
_Say = Callable[[Status, int, int], str]


def _cell(outcomes: Sequence[Outcome], say: _Say) -> Text:
    if not outcomes:
        return Text("–", style="dim")
    worst = min((o.status for o in outcomes), key=list(SEVERITY).index)
    count = sum(o.status is worst for o in outcomes)
    return Text(say(worst, count, len(outcomes)), style=STYLES[worst])


def _words(worst: Status, count: int, all_: int) -> str:
    return f"{worst.value} {count}" + ("" if count == all_ else f" of {all_}")


def _sign_and_count(worst: Status, count: int, all_: int) -> str:
    return f"{SIGNS[worst]} {count}" + ("" if count == all_ else f"/{all_}")


def _sign(worst: Status, count: int, all_: int) -> str:
    return SIGNS[worst] + ("" if worst is Status.PASS else str(count))


def _short(names: Sequence[str]) -> list[str]:
    """As many first letters of each as tell it from the others, and no fewer than `LETTERS`."""
    return [
        next(
            name[:letters]
            for letters in range(LETTERS, len(name) + LETTERS)
            if sum(other.startswith(name[:letters]) for other in names) == 1 or letters >= len(name)
        )
        for name in names
    ]


def complaints(outcomes: Iterable[Outcome]) -> list[Text]:
    """What failed or could not be judged: the message and the command that shows it again."""
    bad = [o for o in outcomes if o.status in (Status.FAIL, Status.INCONCLUSIVE)]
    lines = [
        Text.assemble(
            (f"{o.status.value}  ", STYLES[o.status]),
            f"{o.message}\n      reproduce: ",
            (o.reproduce, "bold"),
        )
        for o in bad[:SHOWN]
    ]
    if len(bad) > SHOWN:
        lines.append(Text(f"and {len(bad) - SHOWN} more: see the report or --json", style="dim"))
    return lines


def troubles(outcomes: Sequence[Outcome]) -> Table:
    """Operator by operator what is known, fails, could not be judged or was skipped, with one message."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("status", "operator", "samples", "the first of them"):
        table.add_column(name)
    samples = Counter(o.operation for o in outcomes)
    troubled: dict[tuple[Status, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.status is not Status.PASS:
            troubled.setdefault((outcome.status, outcome.operation), []).append(outcome)
    ranks = list(SEVERITY)
    for (status, operator), members in sorted(troubled.items(), key=lambda item: ranks.index(item[0][0])):
        table.add_row(
            Text(status.value, style=STYLES[status]),
            operator,
            f"{len(members)} of {samples[operator]}",
            Text(members[0].message.partition(": ")[2]),
        )
    return table


def slowest(outcomes: Iterable[Outcome]) -> Table:
    """The operators whose samples took the most seconds together."""
    table = Table("slowest", "samples", "seconds", box=None, pad_edge=False, header_style="bold")
    spent: dict[str, list[float]] = {}
    for outcome in outcomes:
        spent.setdefault(outcome.operation, []).append(outcome.figures.get("seconds", 0.0))
    for operator, each in sorted(spent.items(), key=lambda item: -sum(item[1]))[:SHOWN]:
        table.add_row(operator, str(len(each)), f"{sum(each):.1f}")
    return table


def times(rows: Iterable[SpeedRow]) -> Table:
    """Seconds a call, forward and backward, and how near to the machine's own ceiling the forward comes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("operation", "shape", "dtype", "device"):
        table.add_column(name)
    for name in ("forward", "backward", "of ceiling"):
        table.add_column(name, justify="right")
    for row in rows:
        forward, backward = (seconds(t.seconds) if t else "–" for t in (row.forward, row.backward))
        table.add_row(
            row.operation, row.workload, row.dtype, row.device, forward, backward, percent(row.fraction)
        )
    return table


def counts(outcomes: Sequence[Outcome]) -> Text:
    """How many outcomes have each status, in words."""
    parts: list[tuple[str, str]] = []
    for status in (Status.PASS, Status.KNOWN, Status.FAIL, Status.INCONCLUSIVE, Status.SKIPPED):
        count = sum(o.status is status for o in outcomes)
        if count or status in (Status.PASS, Status.FAIL):
            parts += [(f"{count:,} {status.value}", STYLES[status] if count else "dim"), ("  ", "")]
    return Text.assemble(*parts)
