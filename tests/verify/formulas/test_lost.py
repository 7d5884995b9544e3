"""What counts as lost, held to numbers that are known by hand."""

from __future__ import annotations

import math

import flint
import numpy as np
import pytest

from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.formulas.lost import enclosed, in_range, kept, off, told
from verify.formulas.reference import Enclosure

A = Arithmetic.of("float32")


def exact(evaluate, *x, a=A):
    (found,) = enclosed(evaluate, tuple(np.array(v, dtype=float) for v in x), {}, a)
    return found


def test_half_of_the_value_is_lost_and_a_third_is_not():
    y = exact(lambda x: x, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    computed = np.array([1.0, 0.7, 0.49, 0.0, math.inf, math.nan])
    assert off(computed, y, in_range(y, A)).tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_of_the_range_count_and_what_is_beyond_does_not(dtype):
    a = Arithmetic.of(dtype)
    x = [a.largest, a.smallest_normal, a.smallest_normal / 2, 0.0]
    assert in_range(exact(lambda x: x, x, a=a), a).tolist() == [True, True, False, False]
    beyond = exact(lambda x: 2 * x, x, a=a)
    assert in_range(beyond, a).tolist() == [False, True, True, False]
    assert told(beyond, a).all()


def test_what_is_far_beyond_is_told_and_what_is_undefined_is_not():
    y = exact(lambda x: np.exp(x), [2.0**90, -(2.0**90)])
    assert told(y, A).tolist() == [True, True]
    assert not in_range(y, A).any()
    assert told(exact(lambda x: np.log(x), [1.5, -1.5]), A).tolist() == [True, False]


def test_what_is_not_enclosed_is_not_in_range():
    wide = Enclosure(np.array([flint.arb(1, 0.25), flint.arb(1)]), 128)
    assert in_range(wide, A).tolist() == [False, True]


def test_at_the_ends_of_the_range_a_rounding_may_leave_it():
    y = exact(lambda x: x, [A.smallest_normal, 2 * A.smallest_normal, A.largest, A.largest / 2])
    assert kept(y, [np.full(4, A.u * A.smallest_normal)], 1, A).tolist() == [False, True, False, True]


def test_a_difference_that_cancels_is_enclosed_with_more_bits():
    """1 − tanh² of 80 is 4 exp(−160): below float32, and in float64 found only with 2·231 bits and more."""
    double = Arithmetic.of("float64")
    y = exact(lambda x: 1 - np.tanh(x) ** 2, [80.0], a=double)
    assert y.precision > 128
    assert float(y.value[0]) == pytest.approx(4 * math.exp(-160), rel=1e-9)


def test_a_condition_explains_a_loss_from_half_the_value_on():
    y = exact(lambda x: x, [1.0, 1.0])
    roundings = 10 + 2 * A.elementary / A.u + 4
    for share, expected in ((0.4, True), (0.6, False)):
        moved = np.full(2, share / roundings)
        assert kept(y, [moved], 10, A).tolist() == [expected] * 2


def test_terms_beyond_the_range_are_no_loss_of_scale():
    y = exact(lambda x: x, [1.0])
    assert not kept(y, [np.array([2 * A.u * A.largest])], 1, A).any()
    # Two arguments that enter by as much are a product's factors, not terms of a sum.
    half = np.array([A.u * 0.3])
    assert kept(y, [half * A.u, half * A.u], 1, A).all()
