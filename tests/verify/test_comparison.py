from __future__ import annotations

import numpy as np
import pytest

from verify.case import HARD, Case, Point
from verify.comparison import forward, in_ulps, shows_nothing
from verify.formulas.arithmetic import Arithmetic
from verify.operations import catalogue
from verify.outcome import Status, judge

FLOAT32 = Arithmetic.of("float32")
LOST = FLOAT32.smallest_normal / 2


@pytest.mark.parametrize(
    ("bound", "exact", "nothing"),
    [
        ([1.0, 1.0], [1.0, 1.0], True),
        ([1.0, 0.9], [1.0, 1.0], False),
        ([np.nan], [1.0], False),
        ([0.5], [-0.4], True),
        ([0.5], [-0.6], False),
        ([0.5, 0.1], [LOST, 1.0], False),
        ([0.5, 2.0], [LOST, 1.0], True),
        ([0.5], [0.0], False),
        ([1.0], [0.0], True),
        ([], [], False),
    ],
    ids=[
        "every entry could be 0",
        "one entry could not",
        "no bound is judged elsewhere",
        "negative and hidden",
        "negative and seen",
        "what may underflow is not counted",
        "what may underflow saves nothing",
        "exactly 0, told from 1",
        "exactly 0, not told from 1",
        "empty",
    ],
)
def test_a_bound_shows_nothing_where_a_result_of_zeros_would_lie_within_it(bound, exact, nothing):
    assert shows_nothing(np.array(bound), np.array(exact), FLOAT32) is nothing


@pytest.mark.parametrize("computed", [np.nan, np.inf])
def test_no_number_where_0_is_exact_fails_and_is_not_left_open(computed):
    case = Case(catalogue()["mul"], "cpu", "float32", HARD)
    point = Point("zeros", (np.zeros(2), np.ones(2)), {})
    compared = forward(case, point, np.array([0.0, computed]))
    finding = in_ulps(case, point, compared)
    assert judge(finding.measured, finding.bound) is Status.FAIL
    assert finding.worst.index == (1,)
