"""Page: findings as one HTML document that asks for nothing from outside itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports import dendrogram, notation, numerics
from reports.correctness import worst_draws
from reports.findings import Findings
from reports.invariance import counterexample
from reports.outcomes import Run
from reports.speed import CeilingRate
from reports.strips import error_axis, strip, time_axis
from reports.verdict import SEVERITY, SIGNS, counted
from verify.outcome import Outcome, Status
from verify.probes.card import NumericsCard

TEMPLATES = Path(__file__).with_name("templates")
MEANINGS = {
    Status.PASS: "the error is within its bound",
    Status.FAIL: "the error exceeds its bound",
    Status.INCONCLUSIVE: "the check could not see finely enough to judge; never counted as a pass",
    Status.KNOWN: "exceeds its bound, and is listed as a known deviation",
    Status.SKIPPED: "not asked, with the reason",
}
VERDICT_SIGNS = {"fail": "✗", "inconclusive": "?", "pass": "✓", "partial": "◐", "nothing": "–"}
SLOWEST = 12
# Terms of a tree whose numbers can still be read.
DRAWN = 64


def render(found: Findings) -> str:
    """The page as text. The same findings give the same page, byte for byte."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(notation, name) for name in ("number", "fraction", "percent", "seconds", "giga", "when")
    }
    environment.filters |= {
        "counted": counted,
        "counterexample": counterexample,
        "excess": excess,
        "plain_message": plain_message,
        "web": web_address,
    }
    axis = error_axis(found.accuracy)
    by_device_and_dtype = [
        (operation, tuple((row, strip(row, axis)) for row in rows))
        for operation, rows in groupby(found.accuracy, key=lambda row: row.operation)
    ]
    return environment.get_template("page.html").render(
        found=found,
        verdict=found.verdict,
        verdict_sign=VERDICT_SIGNS[found.verdict.tone],
        run=found.run,
        facts=facts(found),
        statuses=SEVERITY,
        number_of={status.value: number for status, number in found.verdict.counts.items()},
        signs=SIGNS,
        meanings=MEANINGS,
        anchors=anchors(found),
        listing=listing(found),
        accuracy=by_device_and_dtype,
        devices_in_accuracy={row.device for row in found.accuracy},
        axis=axis,
        time_axis=time_axis(found.speeds.rows),
        slowest=found.speeds.slowest[:SLOWEST],
        ceilings=ceilings(found.speeds.ceilings),
        machines={row.machine for row in found.speeds.rows},
        devices_in_speed={row.device for row in found.speeds.rows},
        environments=sorted({row.environment for row in found.speeds.rows}),
        cards=tuple(map(card, found.numerics.cards)),
    )


def card(measured: NumericsCard) -> Mapping[str, Any]:
    """A numerics card as the page lays it out, with its different orders of addition drawn."""
    return {
        "card": measured,
        "columns": numerics.columns(measured),
        "names": numerics.names(measured),
        "sums": numerics.sums(measured),
        "trees": tuple(
            (each.whose, dendrogram.svg(each.tree, f"Order of {each.whose}"))
            for each in numerics.drawings(measured, DRAWN)
        ),
    }


def facts(found: Findings) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """What a reader must know to repeat the run: headed lists of (label, value), only of what is known."""
    run = found.run
    if run is None:
        return ()
    about = dict(run.record)
    about["started"] = notation.when(run.started)
    about["took"] = _took(run)
    about.pop("finished", None)
    about["complete"] = "yes" if run.record.get("complete") is True else "no: it was interrupted"
    machine = dict(run.machine)
    if "memory_bytes" in machine:
        machine["memory"] = notation.memory(machine.pop("memory_bytes"))
    return (("Machine", _pairs(machine)), ("torch", _pairs(run.torch)), ("Run", _pairs(about)))


def _took(run: Run) -> str | None:
    try:
        finished = datetime.fromisoformat(run.record["finished"])
        return str(finished.replace(tzinfo=finished.tzinfo or run.started.tzinfo) - run.started).split(".")[0]
    except (KeyError, TypeError, ValueError):
        return None


def _pairs(record: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key.replace("_", " "), str(value)) for key, value in record.items() if value is not None)


def anchors(found: Findings) -> Mapping[tuple[str, str], str]:
    """An id for each (operation, check): a number, since an operation may be called anything."""
    return {
        (operation, check): f"o{i}-{j}"
        for i, operation in enumerate(found.operations)
        for j, check in enumerate(found.checks)
    }


def listing(
    found: Findings,
) -> tuple[tuple[tuple[str, str], tuple[tuple[str, tuple[Outcome, ...]], ...]], ...]:
    """The outcomes under their operation and check and then under their question, in the matrix's order.

    Of several draws of one question at one point of one case the worst is listed.
    """
    outcomes = worst_draws(found.run.outcomes) if found.run else ()
    operation = {name: i for i, name in enumerate(found.operations)}
    check = {name: i for i, name in enumerate(found.checks)}

    def place(outcome: Outcome) -> tuple[int, int, str]:
        return operation[outcome.operation], check[outcome.check], outcome.question

    return tuple(
        (key, tuple((question, tuple(those)) for question, those in groupby(members, lambda o: o.question)))
        for key, members in groupby(sorted(outcomes, key=place), lambda o: (o.operation, o.check))
    )


def ceilings(rates: Iterable[CeilingRate]) -> tuple[tuple[str, tuple[CeilingRate, ...]], ...]:
    """The rates of each ceiling under its label."""
    return tuple(
        (label, tuple(those)) for label, those in groupby(rates, key=lambda rate: rate.ceiling.label)
    )


def excess(outcome: Outcome) -> str:
    """How far an outcome is beyond its bound, in words."""
    beyond = outcome.fraction
    if beyond is None:
        return ""
    if outcome.measured is not None and not math.isfinite(outcome.measured):
        return "not finite"
    if math.isinf(beyond):
        return f"{notation.number(outcome.measured)} {outcome.unit}, none allowed"
    return f"{notation.number(beyond)} times the bound"


def plain_message(outcome: Outcome) -> str:
    """A message without its case and its command, which the page shows on their own."""
    return outcome.message.removeprefix(f"{outcome.case}: ").partition("; reproduce:")[0]


def web_address(issue: object) -> str | None:
    """An issue that may become a link: only a web address, so that no other scheme can be followed."""
    return issue if isinstance(issue, str) and issue.startswith(("https://", "http://")) else None
