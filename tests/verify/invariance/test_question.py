"""Calls that a variation is asked of."""

from __future__ import annotations

import torch

from verify.call import Call, results
from verify.case import Point
from verify.invariance.question import Question, without_signs


def test_where_a_gradient_is_none_of_magnitudes_they_are_not_asked():
    """√|x − |x|| of what is not negative is 0, and its gradient infinity times 0."""
    x = -torch.arange(1.0, 6.0)
    call = Call(lambda y: (y - y.abs()).abs().sqrt(), (x,), {}, (torch.ones(5),))
    answer = results(call)
    assert answer.gradients[0].isfinite().all()
    assert without_signs(Question(Point("ordinary", (x.numpy(),), {}), call, None, answer)) is None
