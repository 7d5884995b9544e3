"""What of two answers apart may be called no question, and how small a share must not go missing."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from verify.case import Case
from verify.checks import checks
from verify.invariance.difference import compared
from verify.invariance.question import asked
from verify.operations import catalogue
from verify.outcome import Status
from verify.run import one_thread
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
