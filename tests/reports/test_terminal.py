"""The terminal's tables of torch's own operators: what is wrong with which, and what took the longest."""

from __future__ import annotations

import dataclasses

import pytest
from rich.console import Console

from reports import terminal
from verify.outcome import Outcome, Status


def outcome(operation, status=Status.PASS, number=0, told="reverse mode", seconds=None):
    case = f"{operation}[cpu-float64-sample-{number}]"
    return Outcome(
        operation=operation,
        implementation="eager",
        device="cpu",
        dtype="float64",
        workload=f"sample-{number}",
        check="samples",
        question="gradient",
        point=f"sample {number}",
        status=status,
        measured=None,
        bound=None,
        unit="",
        seed=1,
        message=f"{case}: {told}",
        reproduce=f"torchstone verify --ops torch --select '{case}' --seed 1",
        figures={} if seconds is None else {"seconds": seconds},
    )


def rows(table):
    console = Console(width=200, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return [[cell for cell in line.split("  ") if cell.strip()] for line in captured.get().splitlines()]


def stripped(table):
    return [[cell.strip() for cell in line] for line in rows(table)]


def test_troubles_are_counted_by_operator_and_status_the_gravest_first():
    outcomes = [
        outcome("add"),
        outcome("fmod", Status.SKIPPED, 0, "skipped, input 0 has a layout: build it inside"),
        outcome("fmod", Status.PASS, 1),
        outcome("norm", Status.INCONCLUSIVE, 0, "no error would show"),
        outcome("hardsigmoid", Status.KNOWN, 0, "known"),
        outcome("norm", Status.FAIL, 1, "off by 2: the first"),
        outcome("norm", Status.FAIL, 2, "off by 3"),
    ]
    assert stripped(terminal.troubles(outcomes)) == [
        ["status", "operator", "samples", "the first of them"],
        ["fail", "norm", "2 of 3", "off by 2: the first"],
        ["inconclusive", "norm", "1 of 3", "no error would show"],
        ["known", "hardsigmoid", "1 of 1", "known"],
        ["skipped", "fmod", "1 of 2", "skipped, input 0 has a layout: build it inside"],
    ]


def test_nothing_wrong_leaves_the_troubles_empty():
    assert terminal.troubles([outcome("add"), outcome("mul")]).row_count == 0


def test_slowest_sums_the_seconds_of_an_operators_samples():
    outcomes = [
        outcome("add", seconds=0.5),
        outcome("mul", seconds=2.0),
        outcome("add", number=1, seconds=2.5),
        outcome("div"),
    ]
    assert stripped(terminal.slowest(outcomes)) == [
        ["slowest", "samples", "seconds"],
        ["add", "2", "3.0"],
        ["mul", "1", "2.0"],
        ["div", "1", "0.0"],
    ]


@pytest.mark.parametrize("count", [terminal.SHOWN, terminal.SHOWN + 1])
def test_slowest_shows_no_more_than_fit(count):
    table = terminal.slowest([outcome(f"operator {number}", seconds=number) for number in range(count)])
    assert table.row_count == terminal.SHOWN
    assert stripped(table)[1][0] == f"operator {count - 1}"


def shown(outcomes, width=80):
    console = Console(width=width, markup=False, highlight=False)
    with console.capture() as captured:
        console.print(terminal.matrix(outcomes))
    return captured.get().splitlines()


CHECKS = ("accuracy", "gradient", "identity", "refusal", "special", "stability")


def test_a_row_of_many_checks_fits_into_eighty_columns_and_keeps_its_name():
    long = "binary_cross_entropy_with_logits"
    outcomes = [dataclasses.replace(outcome(long), check=check) for check in CHECKS]
    outcomes.append(dataclasses.replace(outcome(long, Status.KNOWN), check="stability"))
    lines = shown(outcomes)
    assert all(len(line) <= 80 for line in lines)
    assert "…" not in "".join(lines)
    name = "".join(line.split("  ")[0].strip() for line in lines[1:3])
    assert name == long
    assert "≈ 1/2" in lines[1]
    assert "≈ known" in lines[-1], "the signs are explained"


ALL = (*CHECKS, "invariance", "length", "promotion", "range", "semantics", "summation")


def test_a_row_of_all_checks_fits_into_eighty_columns():
    outcomes = [dataclasses.replace(outcome("cross_entropy"), check=check) for check in ALL]
    outcomes += [dataclasses.replace(outcome("cross_entropy", Status.KNOWN), check="length")] * 12
    heads, row, caption = shown(outcomes)
    assert max(map(len, (heads, row, caption))) <= 80
    assert heads.split() == ["operation", *sorted(name[:4] for name in ALL)]
    assert row.split() == ["cross_entropy", *("≈12" if name == "length" else "✓" for name in sorted(ALL))]


def test_as_many_letters_of_a_check_are_shown_as_tell_it_from_the_others():
    outcomes = [dataclasses.replace(outcome("exp"), check=check) for check in (*ALL, "specialty")]
    assert {"accu", "special", "specialt"} < set(shown(outcomes, width=120)[0].split())


def test_a_row_of_few_checks_has_words():
    lines = shown([outcome("softmax"), outcome("softmax", Status.FAIL)])
    assert lines[1].split() == ["softmax", "fail", "1", "of", "2"]
    assert len(lines) == 2


def test_an_operation_that_a_check_did_not_ask_has_a_dash():
    outcomes = [dataclasses.replace(outcome("exp"), check=check) for check in CHECKS]
    outcomes.append(dataclasses.replace(outcome("log"), check="gradient"))
    (row,) = (line for line in shown(outcomes) if line.startswith("log"))
    assert row.split() == ["log", "–", "✓", "1", "–", "–", "–", "–"]
