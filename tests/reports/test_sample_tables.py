"""The tables of many checks of torch's own operators."""

from __future__ import annotations

import dataclasses

from rich.console import Console

from reports import sample_tables
from tests.reports.test_terminal import outcome
from verify.outcome import Status


def of(check, operation, status=Status.PASS, told="told", samples=None, measured=None):
    made = dataclasses.replace(outcome(operation, status, told=told), check=check, measured=measured)
    return made if samples is None else dataclasses.replace(made, figures={"samples": float(samples)})


OUTCOMES = [
    of("out", "add", samples=1200),
    of("out", "add", Status.FAIL, "off by 2", measured=2.0),
    of("out", "add", Status.FAIL, "off by 3", measured=3.0),
    of("out", "mul", Status.SKIPPED, "skipped, it draws random numbers", samples=4),
    of("nan", "add", Status.KNOWN, "lost"),
    of("nan", "mul", samples=5),
]


def printed(table):
    console = Console(width=200, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [line.split() for line in captured.get().splitlines()]


def test_checks_are_counted_in_samples():
    head, out, nan = printed(sample_tables.counted(OUTCOMES))
    assert head == ["check", "operators", "pass", "known", "fail", "inconclusive", "skipped", "seconds"]
    assert out == ["out", "2", "1,200", "0", "2", "0", "4", "0"]
    assert nan == ["nan", "2", "5", "1", "0", "0", "0", "0"]


def test_the_worst_of_a_trouble_is_shown_with_its_command():
    first, second = (line.plain for line in sample_tables.troubles(OUTCOMES))
    assert first.startswith("fail  out add[cpu-float64-sample-0]: off by 3 (and 1 more)")
    assert "reproduce: torchstone verify --ops torch --select" in first
    assert second == "known  nan add[cpu-float64-sample-0]: lost"


def test_reasons_are_told_with_their_samples():
    assert [" ".join(line) for line in printed(sample_tables.reasons(OUTCOMES))] == [
        "skipped samples why",
        "out 4 it draws random numbers",
    ]
