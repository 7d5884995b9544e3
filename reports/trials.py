"""Trials: which planted faults each check caught, as a table that fits a screen. Pure."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from verify.selftest.trial import Row, Trials

_GOOD, _BAD, _NOTHING = "green", "bold red", "dim"


def table(trials: Trials) -> Table:
    """Check by check: operations wrong on purpose and left right, and what was said of them."""
    found = Table(box=None, pad_edge=False, header_style="bold", show_footer=True, footer_style="bold")
    rows = trials.rows
    found.add_column("check", "all", no_wrap=True)
    footers = (
        sum(r.planted for r in rows),
        sum(r.caught for r in rows),
        sum(r.right for r in rows),
        sum(r.alarms for r in rows),
        f"{sum(r.seconds for r in rows):.1f}",
    )
    for heading, footer in zip(("planted", "caught", "left right", "alarms", "time/s"), footers, strict=True):
        found.add_column(heading, str(footer), justify="right", no_wrap=True)
    for row in rows:
        found.add_row(row.check, *_cells(row))
    return found


def _cells(row: Row) -> tuple[Text, ...]:
    return (
        Text(str(row.planted)),
        Text(str(row.caught), style=_GOOD if row.caught == row.planted else _BAD),
        Text(str(row.right)),
        Text(str(row.alarms), style=_BAD if row.alarms else _NOTHING),
        Text(f"{row.seconds:.1f}"),
    )


def complaints(trials: Trials) -> list[Text]:
    """The faults that went unnoticed, and what was called wrong although it is right."""
    missed = [Text.assemble(("missed  ", _BAD), f"{t.check}: {t.fault} ({t.message})") for t in trials.missed]
    return missed + [Text.assemble(("false alarm  ", _BAD), f"{t.check}: {t.alarm}") for t in trials.alarms]
