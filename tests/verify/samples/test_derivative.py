"""What a report of a gradient says as a verdict: the gravest answer, and a failure along two lines."""

from __future__ import annotations

import math

import pytest

from verify.gradients.function import UnusableFunction
from verify.gradients.point import UnusableInput
from verify.gradients.report import Answer, GradientReport
from verify.outcome import Status
from verify.samples.allowed import Unjudged
from verify.samples.check import NotAsked
from verify.samples.derivative import confirmed, verdict

RIGHT = Answer("first", Status.PASS, measured=1e-9, bound=1e-8, visible=1e-6)
WRONG = Answer("second", Status.FAIL, measured=3e-8, bound=1e-8, visible=1e-6)
UNSEEN = Answer("third", Status.INCONCLUSIVE, measured=0.0, bound=1.0, visible=2.0)


def report(status, *answers):
    return GradientReport(status, 0.0, 0.0, None, answers, 0, 0, (), 1, 1, abs, ())


def by_seed(*reports):
    """Reports in the order in which lines are asked for, and the seeds of those."""
    seeds = []

    def examine(seed):
        seeds.append(seed)
        return reports[len(seeds) - 1]

    return examine, seeds


def test_the_gravest_answer_is_told_relative_to_the_derivative():
    found = verdict(lambda: report(Status.FAIL, RIGHT, UNSEEN, WRONG))
    assert (found.status, found.question) == (Status.FAIL, "second")
    assert found.bound == 1e-6
    assert found.measured == pytest.approx(3e-6)
    assert "third" not in found.message


def test_a_derivative_that_is_no_number_is_as_far_off_as_can_be():
    lost = Answer("lost", Status.FAIL, measured=math.nan, bound=1e-8, visible=1e-6)
    assert verdict(lambda: report(Status.FAIL, lost)).measured == math.inf


def test_a_failure_along_two_lines_is_one():
    examine, seeds = by_seed(report(Status.FAIL, WRONG), report(Status.FAIL, WRONG))
    assert confirmed(examine, 7).status is Status.FAIL
    assert len(set(seeds)) == 2
    assert seeds[0] == 7


@pytest.mark.parametrize(("status", "answer"), [(Status.PASS, RIGHT), (Status.INCONCLUSIVE, UNSEEN)])
def test_a_failure_along_one_line_alone_is_not_judged_and_never_a_pass(status, answer):
    examine, _ = by_seed(report(Status.FAIL, WRONG), report(status, answer))
    found = confirmed(examine, 7)
    assert found.status is Status.INCONCLUSIVE
    assert "second" in found.message
    assert "no failure along another line" in found.message


def test_what_does_not_fail_is_asked_once():
    examine, seeds = by_seed(report(Status.PASS, RIGHT))
    assert confirmed(examine, 7).status is Status.PASS
    assert seeds == [7]


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (UnusableInput("no"), NotAsked),
        (UnusableFunction("its derivative is not implemented"), NotAsked),
        (UnusableFunction("no"), Unjudged),
        (RuntimeError("not implemented for 'Half'"), NotAsked),
        (RuntimeError("wrong"), RuntimeError),
    ],
    ids=str,
)
def test_what_raises_is_skipped_only_where_torch_defines_nothing(error, becomes):
    def examine():
        raise error

    with pytest.raises(becomes):
        verdict(examine)
