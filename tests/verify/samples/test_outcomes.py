"""Outcomes of samples: which are told one by one, what is counted, and how each is seen again."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
import torch

from tests.verify.samples.operator_record import Input, UnaryUfuncInfo
from verify.outcome import Status
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.checks import out
from verify.samples.outcomes import dtypes, outcomes
from verify.samples.verdict import failed, kept


def five(device, dtype, requires_grad):
    return (Input(torch.full((2,), float(i), dtype=dtype)) for i in range(5))


RECORD = UnaryUfuncInfo("f", torch.exp, draw=five)


def examine(draws, seed):
    number = draws[0].number
    if number == 1:
        raise NotAsked("a reason")
    if number == 3:
        raise RuntimeError("what the operator raised\nand more")
    yield failed("a question", "it broke") if number == 2 else kept("a question")


CHECK = SampleCheck("mine", "?", examine, dtypes=("float32",))


def test_what_fails_is_told_alone_and_what_passes_together():
    found = list(outcomes(CHECK, RECORD, None, "cpu", "float32", 7))
    told = {(o.status, o.workload): o for o in found}
    assert set(told) == {
        (Status.FAIL, "sample-2"),
        (Status.FAIL, "sample-3"),
        (Status.SKIPPED, "samples"),
        (Status.PASS, "samples"),
    }
    assert told[Status.PASS, "samples"].figures["samples"] == 2
    assert told[Status.SKIPPED, "samples"].figures["samples"] == 1
    assert told[Status.SKIPPED, "samples"].message == "f[cpu-float32-samples]: skipped, a reason"
    raised = told[Status.FAIL, "sample-3"]
    assert raised.message == (
        "f[cpu-float32-sample-3]: runs to an end: RuntimeError: what the operator raised"
    )


def test_a_command_shows_one_sample_alone():
    found = list(outcomes(CHECK, RECORD, None, "cpu", "float32", 7))
    (one,) = (o for o in found if o.workload == "sample-2")
    words = shlex.split(one.reproduce)
    options = dict(zip(words[4::2], words[5::2], strict=True))
    assert options == {
        "--select": "f[cpu-float32-sample-2]",
        "--seed": "7",
        "--dtype": "float32",
        "--check": "mine",
    }
    (again,) = outcomes(CHECK, RECORD, frozenset({2}), "cpu", "float32", 7)
    assert again.message == one.message


@pytest.mark.parametrize(("most", "asked"), [(0, 5), (5, 5), (9, 5), (2, 2), (1, 1)])
def test_a_check_asks_of_no_more_samples_than_it_says(most, asked):
    numbers = []

    def note(draws, seed):
        numbers.append(draws[0].number)
        yield kept("a question")

    check = dataclasses.replace(CHECK, examine=note, most=most)
    list(outcomes(check, RECORD, None, "cpu", "float32", 7))
    assert len(numbers) == len(set(numbers)) == asked
    assert set(numbers) <= set(range(5))


def test_an_operator_is_asked_in_the_dtypes_that_both_have():
    assert dtypes(CHECK, RECORD) == ("float32",)
    assert dtypes(CHECK, RECORD, ("float64", "int64")) == ("float64",)
    whole = dataclasses.replace(RECORD, dtypes=frozenset({torch.int64, torch.bool}))
    assert dtypes(CHECK, whole) == ("int64",)
    assert dtypes(dataclasses.replace(CHECK, others=False), whole) == ()
    assert dtypes(dataclasses.replace(CHECK, applies=lambda record: False), RECORD) == ()


def test_a_check_is_given_draws_from_seeds_of_their_own():
    def draw(device, dtype, requires_grad):
        yield Input(torch.rand(3, dtype=dtype))

    seen = []

    def note(draws, seed):
        seen.extend(d.arguments[0] for d in draws)
        yield kept("a question")

    check = dataclasses.replace(CHECK, examine=note, draws=3)
    list(outcomes(check, dataclasses.replace(RECORD, draw=draw), None, "cpu", "float32", 7))
    assert len({tuple(x.tolist()) for x in seen}) == 3


def test_a_sample_that_is_skipped_after_a_first_answer_is_not_counted_as_passed_in_all():
    def half(draws, seed):
        yield kept("one question")
        if draws[0].number == 1:
            raise NotAsked("the other cannot be asked")

    check = SampleCheck("mine", "?", half, dtypes=("float32",))
    told = {o.status: o for o in outcomes(check, RECORD, None, "cpu", "float32", 7)}
    assert told[Status.PASS].figures["samples"] == 4
    assert told[Status.SKIPPED].figures["samples"] == 1
    assert "the other cannot be asked" in told[Status.SKIPPED].message


def test_an_error_that_torch_did_not_mean_is_no_refusal():
    assert out._refused("q", RuntimeError("x INTERNAL ASSERT FAILED at y")).status is Status.FAIL
    assert out._refused("q", RuntimeError("result type Float can't be cast to Long")).status is Status.PASS
