"""What of two answers apart may be called no question, and how small a share must not go missing."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from verify.case import HARD, Case
from verify.checks import checks
from verify.invariance.difference import compared
from verify.invariance.question import asked
from verify.operation import HardInput
from verify.operations import catalogue
from verify.outcome import Status
from verify.run import one_thread
from verify.variation import Unseen, Variation, Varied
from verify.variations import variations


def infinite(a, *arrays):
    return tuple(np.full(np.shape(x), math.inf) for x in arrays[1:])


def test_one_answer_that_has_no_bound_does_not_make_another_no_question():
    """The result is a sum of thousands, a gradient of one term: rounding is said to explain all of both."""

    def halved(x, y):
        return torch.dot(x, y) / (2 if torch.get_num_threads() == 3 else 1)

    operation = catalogue()["dot"]

    operation = dataclasses.replace(
        operation,
        function=halved,
        forward=dataclasses.replace(operation.forward, bound=lambda a, x, y: math.inf),
        vjp=dataclasses.replace(operation.vjp, bound=infinite),
    )
    case = Case(operation, "cpu", "bfloat16", operation.check[0], thorough=True)
    with one_thread():
        (found,) = (o for o in checks()["invariance"].examine(case, 7) if o.question == "threads")
    assert found.status is Status.INCONCLUSIVE


@pytest.mark.parametrize(("share", "blind"), [(1 / 16, False), (1 / 4, True)])
def test_what_one_of_three_threads_adds_must_be_more_than_rounding_explains(share, blind):
    """Two answers may each be off by the share: by less than a third together, or by a half."""

    def by_threads(x):
        y = torch.exp(x)
        return torch.nextafter(y, 2 * y) if torch.get_num_threads() == 3 else y

    operation = catalogue()["exp"]
    forward = dataclasses.replace(operation.forward, bound=lambda a, x: share * np.exp(x))
    operation = dataclasses.replace(operation, function=by_threads, forward=forward, vjp=None)
    case = Case(operation, "cpu", "float32", operation.check[0])
    with one_thread():
        (question,) = asked(case, "large", 1)
        found = compared(case, question, variations()["threads"])
    assert 0 < found.measured <= 1
    assert found.blind is blind


def memory(operation):
    case = Case(operation, "cpu", "float64", operation.check[0])
    return [o for o in checks()["invariance"].examine(case, 1) if o.question == "memory"]


def in_gaps(change, bound):
    """exp with another result where memory has gaps, and a bound of its own."""
    operation = catalogue()["exp"]
    return dataclasses.replace(
        operation,
        function=lambda x: torch.exp(x) if x.is_contiguous() else change(x, torch.exp(x)),
        forward=dataclasses.replace(operation.forward, bound=bound),
        vjp=None,
    )


def test_a_failure_is_not_asked_again_for_the_sake_of_an_entry_that_rounding_hides():
    """Magnitudes alone would not show what is wrong of negative numbers."""
    wrong = in_gaps(
        lambda x, y: torch.where(x < 0, 2 * y, torch.nextafter(y, 2 * y)),
        lambda a, x: np.where(x == x.min(), math.inf, np.exp(x) / 8),
    )
    assert [o.status for o in memory(wrong)] == [Status.FAIL]


def test_far_out_what_rounding_hides_is_left_to_stability():
    wide = in_gaps(lambda x, y: torch.nextafter(y, 2 * y), lambda a, x: 2 * np.exp(x))
    domain = dataclasses.replace(wide.domain, hard=(HardInput("own", lambda a: (np.ones(5),), far=True),))
    case = Case(dataclasses.replace(wide, domain=domain), "cpu", "float64", HARD)
    (found,) = [o for o in checks()["invariance"].examine(case, 1) if o.question == "memory"]
    assert found.status is Status.SKIPPED
    assert found.message.endswith("for stability to say")


def test_what_failed_is_told_although_a_further_call_did_not_take_place():
    def vary(call, batch):
        yield Varied("own", "doubled", dataclasses.replace(call, function=lambda x: 2 * torch.exp(x)))
        yield Varied("own", "never", call, run=_never)

    case = Case(catalogue()["exp"], "cpu", "float64", catalogue()["exp"].check[0])
    (question,) = asked(case, "one", 1)
    found = compared(case, question, Variation("own", "", vary))
    assert found.measured > found.bound
    right = compared(
        case, question, Variation("own", "", lambda *_: [Varied("own", "never", question.call, run=_never)])
    )
    assert math.isnan(right.bound)


def _never(call):
    raise Unseen("it did not take place")
