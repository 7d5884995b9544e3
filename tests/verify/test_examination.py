"""Examination: how often a question is put, and which of the answers is kept."""

from __future__ import annotations

import math

from verify.case import Case
from verify.check import Check, Finding, outcome
from verify.examination import LOOKS, examine
from verify.operations import catalogue
from verify.outcome import Outcome, Status

TANH = catalogue()["tanh"]
CASES = tuple(Case(TANH, "cpu", "float32", workload) for workload in TANH.check)


def found(
    case: Case, seed: int, measured: float = 1.0, bound: float = 2.0, question: str = "forward"
) -> Outcome:
    return outcome("own", case, seed, case.points(seed)[0], Finding(question, measured, bound, "ulp"))


def test_examining_returns_what_the_check_measured():
    check = Check("own", "Is it so?", lambda case, seed: [found(case, seed)])
    assert examine(CASES[0], check, 5) == (found(CASES[0], 5),)


def by_look(*measured: float | None) -> tuple[Check, list[int]]:
    """A check that measures another figure at each look (None: cannot tell), and the seeds it was given."""
    seeds: list[int] = []

    def look(case, seed):
        figure = measured[min(len(seeds), len(measured) - 1)]
        seeds.append(seed)
        yield found(case, seed, *((1.0, math.nan) if figure is None else (figure,)))
        yield found(case, seed, 0.0, question="another")

    return Check("own", "Is it so?", look), seeds


def test_what_could_not_be_judged_is_asked_again_of_another_draw():
    check, seeds = by_look(None, None, 1.0)
    outcomes = examine(CASES[0], check, 3)
    assert len(seeds) == len(set(seeds)) == 3
    assert {(o.question, o.status) for o in outcomes} == {("forward", Status.PASS), ("another", Status.PASS)}
    assert len(outcomes) == 2
    (answer,) = (o for o in outcomes if o.question == "forward")
    assert answer.seed == seeds[-1]
    assert f"--seed {seeds[-1]}" in answer.reproduce


def test_what_is_judged_is_asked_once():
    check, seeds = by_look(1.0)
    examine(CASES[0], check, 3)
    assert seeds == [3]


def test_a_failure_at_another_look_is_kept():
    check, _ = by_look(None, 5.0)
    assert [o.status for o in examine(CASES[0], check, 3) if o.question == "forward"] == [Status.FAIL]


def test_a_failure_of_another_question_at_another_look_is_kept():
    seeds = []

    def look(case, seed):
        seeds.append(seed)
        yield found(case, seed, 1.0, math.nan if len(seeds) == 1 else 2.0)
        yield found(case, seed, 1.0 if len(seeds) == 1 else 5.0, question="another")

    outcomes = examine(CASES[0], Check("own", "Is it so?", look), 3)
    assert [o.status for o in outcomes if o.question == "another"] == [Status.PASS, Status.FAIL]


def test_a_look_that_skips_a_question_does_not_answer_it():
    def look(case, seed):
        hidden = Finding("forward", 1.0, 2.0, "ulp", blind=True, unasked="" if seed == 3 else "a reason")
        yield outcome("own", case, seed, case.points(seed)[0], hidden)

    (answer,) = examine(CASES[0], Check("own", "Is it so?", look), 3)
    assert (answer.status, answer.seed) == (Status.INCONCLUSIVE, 3)


def test_a_question_that_no_other_look_comes_to_stays_inconclusive():
    def look(case, seed):
        if seed == 3:
            yield found(case, seed, 1.0, math.nan)
        yield found(case, seed, 0.0, question="another")

    outcomes = examine(CASES[0], Check("own", "Is it so?", look), 3)
    assert [(o.question, o.status) for o in outcomes] == [
        ("forward", Status.INCONCLUSIVE),
        ("another", Status.PASS),
    ]


def test_what_no_look_can_judge_stays_inconclusive_and_is_looked_at_no_more_than_that():
    check, seeds = by_look(None)
    assert [o.status for o in examine(CASES[0], check, 3) if o.question == "forward"] == [Status.INCONCLUSIVE]
    assert len(seeds) == LOOKS
