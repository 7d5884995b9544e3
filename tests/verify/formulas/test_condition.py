from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.formulas.condition import condition

U = 2.0**-24


@settings(deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=1, max_size=4))
def test_a_sum_moves_by_the_sum_of_magnitudes(entries):
    x = np.array(entries)
    (moved,) = condition(lambda x: x.sum(keepdims=True), (x,), U)
    np.testing.assert_allclose(moved, U * np.abs(x).sum(), rtol=1e-15, atol=1e-300)


def test_the_condition_of_exp_is_its_argument():
    x = np.array([-700.0, 1.0, 30.0])
    (moved,) = condition(np.exp, (x,), U)
    np.testing.assert_allclose(moved, U * np.abs(x) * np.exp(x), rtol=1e-13)


def test_what_lies_beyond_float64_is_measured_all_the_same():
    (moved,) = condition(lambda x: np.exp(x) * 0 + 1 / (1 + np.exp(-x)), (np.array([-1000.0]),), U)
    assert moved == 0  # u·1000·exp(−1000) rounds to 0, and did not become 0·inf on the way


def test_each_result_has_its_own_and_integers_do_not_move():
    x, which = np.array([3.0, 4.0]), np.array([1])
    sums, picked = condition(lambda x, i: (x.sum(keepdims=True), x[[1]]), (x, which), U)
    np.testing.assert_allclose(sums, 7 * U)
    np.testing.assert_allclose(picked, 4 * U)
