"""Processes that share a run find what one process finds, in the same order."""

from __future__ import annotations

import itertools
import os
import signal

import pytest

from verify.checks import checks
from verify.operations import OWN_OPERATIONS, catalogue
from verify.outcome import Status
from verify.run import examined, gathered
from verify.selection import Selection, cases, chosen_checks
from verify.workers import MOST, WORTH_A_WORKER, shared_out, useful

CHOSEN = Selection(operations=("sigmoid", "softmax", "mm", "argmax"), checks=("accuracy", "special"))


def silent(case, check):
    pass


def test_the_outcomes_are_those_of_one_process_in_its_order():
    asked = []
    found = tuple(shared_out(CHOSEN, ("cpu",), 7, 2, lambda case, check: asked.append((case.id, check.name))))
    held = tuple(cases(CHOSEN, catalogue(), ("cpu",)))
    questions = chosen_checks(CHOSEN, checks())
    assert found == tuple(examined(held, questions, CHOSEN, 7))
    assert len(found) > 100
    assert asked == [(case.id, check.name) for case, check in itertools.product(held, questions)]


def test_the_thoroughness_of_the_profile_reaches_the_workers():
    full = Selection(operations=("relu",), checks=("accuracy",), dtypes=("float16",), profile="full")
    found = tuple(shared_out(full, ("cpu",), 7, 1, silent))
    assert found == tuple(
        examined(tuple(cases(full, catalogue(), ("cpu",))), (checks()["accuracy"],), full, 7)
    )
    assert {outcome.figures["draws"] for outcome in found} == {5.0}


def test_an_operation_of_ones_own_is_found_by_the_workers(monkeypatch):
    monkeypatch.setenv(OWN_OPERATIONS, os.path.abspath("examples/softmax_with_a_term_missing.py"))  # noqa: PTH100
    catalogue.cache_clear()
    try:
        own = Selection(operations=("my_softmax",), checks=("gradient",), dtypes=("float64",))
        found = tuple(shared_out(own, ("cpu",), 1, 1, silent))
    finally:
        monkeypatch.undo()
        catalogue.cache_clear()
    assert sum(outcome.status is Status.FAIL for outcome in found) == 16


def test_an_interrupt_keeps_what_was_measured():
    def interrupting():
        for number, outcome in enumerate(shared_out(CHOSEN, ("cpu",), 7, 2, silent)):
            if number == 50:
                os.kill(os.getpid(), signal.SIGINT)
            yield outcome

    run = gathered(interrupting(), "quick", 7, "torchstone verify")
    assert not run.complete
    assert 50 <= len(run.outcomes) < 400


@pytest.mark.parametrize(
    ("number", "wanted", "most"),
    [
        (0, None, 1),
        (WORTH_A_WORKER, 8, 1),
        (3 * WORTH_A_WORKER, 8, 3),
        (10**6, 8, 8),
        (10**6, 1, 1),
        (10**6, None, MOST),
    ],
)
def test_a_worker_is_started_only_for_enough_cases(number, wanted, most):
    assert 1 <= useful(number, wanted) <= most
    assert wanted is None or useful(number, wanted) == most
