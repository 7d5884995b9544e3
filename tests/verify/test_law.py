"""A law's finding: what is counted, what is told, and what may not pass."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from verify.call import Results
from verify.case import Case
from verify.example import Example
from verify.law import Asked, Law, held
from verify.laws import laws
from verify.operations import catalogue

CASE = Case(catalogue()["softmax"], "cpu", "float64", catalogue()["softmax"].check[1])
EXAMPLE = Example(CASE, CASE.points(1)[0], 1)


def finding(*asked: Asked):
    return held(Law("a law", "A source.", lambda example: iter(asked)), EXAMPLE)


def of(*numbers: float) -> Results:
    return Results((torch.tensor(numbers, dtype=torch.float64),))


def within(bound: float, answer: Results, required: Results) -> Asked:
    return Asked("asked", lambda: answer, lambda: required, lambda: of(*[bound] * 2))


def test_a_law_that_asks_nothing_finds_nothing():
    assert finding() is None


def test_the_same_bits_are_no_finding():
    found = finding(Asked("asked", lambda: of(1.0, math.nan), lambda: of(1.0, math.nan)))
    assert (found.measured, found.bound, found.blind) == (0.0, 0.0, False)
    assert found.figures == {"asked": 1.0}


def test_every_entry_that_differs_is_counted_and_the_first_is_told():
    found = finding(
        Asked("first", lambda: of(1.0, -0.0), lambda: of(1.0, 0.0)),
        Asked("second", lambda: of(1.0, 2.0), lambda: of(3.0, 4.0)),
    )
    assert found.measured == 3
    assert found.remark == "first, forward: -0.0 where 0.0 is required at entry (1,). A source."
    assert found.worst.index == (1,)
    assert (found.worst.computed, found.worst.expected) == ("-0x0.0p+0", "0x0.0p+0")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (of(1.0), "forward: torch.float64 of shape (2,), then torch.float64 of (1,)"),
        (Results((torch.ones(2),)), "then torch.float32 of (2,)"),
    ],
)
def test_another_shape_or_dtype_is_a_finding(answer, said):
    found = finding(Asked("asked", lambda: answer, lambda: of(1.0, 1.0)))
    assert found.measured == 1
    assert said in found.remark


def test_what_is_within_the_bound_is_right_and_what_is_beyond_is_not():
    assert finding(within(0.5, of(1.0, 2.0), of(1.5, 2.0))).measured == 0
    assert finding(within(0.5, of(1.0, 2.0), of(1.625, 2.0))).measured == 1
    assert finding(within(0.5, of(1.0, math.nan), of(1.0, 2.0))).measured == 1
    assert finding(within(0.5, of(1.0, math.inf), of(1.0, 2.0))).measured == 1


@pytest.mark.parametrize("bound", [2.0, math.inf])
def test_a_bound_that_lets_anything_pass_shows_nothing(bound):
    found = finding(within(bound, of(1.0, 2.0), of(1.5, 2.0)))
    assert found.measured == 0
    assert found.blind


def test_an_entry_without_a_bound_is_not_passed_for_the_others():
    found = finding(Asked("asked", lambda: of(9.0, 2.0), lambda: of(1.5, 2.0), lambda: of(math.inf, 0.5)))
    assert found.measured == 0
    assert found.blind


def test_an_error_is_a_finding_that_names_it():
    def answer() -> Results:
        raise IndexError("no such dimension\nand more")

    found = finding(Asked("asked", answer, lambda: of(1.0)))
    assert found.measured == 1
    assert found.remark == "asked: it raised IndexError (no such dimension). A source."


def test_a_documented_error_is_required():
    def answer() -> Results:
        raise IndexError("no such dimension")

    assert finding(Asked("asked", answer, raises=(IndexError, ValueError))).measured == 0
    assert finding(Asked("asked", answer, raises=(ValueError,))).measured == 1
    returned = finding(Asked("asked", lambda: of(1.0, 2.0), raises=(IndexError, ValueError)))
    assert returned.measured == 1
    assert "it returned a result of shape (2,) where IndexError or ValueError is due" in returned.remark


def test_what_broadcasts_is_known_by_its_record_and_not_by_its_name():
    operation = catalogue()["add"]
    (workload,) = (w for w in operation.check if w.label == "5x33+33")
    renamed = dataclasses.replace(operation, name="mine")
    case = Case(renamed, "cpu", "float32", workload)
    assert list(laws()["broadcasting"].ask(Example(case, case.points(1)[0], 1)))
    case = Case(dataclasses.replace(renamed, entrywise=lambda options: False), "cpu", "float32", workload)
    assert not list(laws()["broadcasting"].ask(Example(case, case.points(1)[0], 1)))
