"""The finite differences: their order, the honesty of their interval, and corners."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.finite_differences.ladder import derivatives
from verify.finite_differences.line import noise_level
from verify.finite_differences.stencil import RUNGS, Extrapolation

FUNCTIONS = {
    "exp": (np.exp, np.exp),
    "sin 20x": (lambda x: np.sin(20 * x), lambda x: 20 * np.cos(20 * x)),
    "1/(1 + 25x²)": (lambda x: 1 / (1 + 25 * x * x), lambda x: -50 * x / (1 + 25 * x * x) ** 2),
    "x⁹": (lambda x: x**9, lambda x: 9 * x**8),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "constant": (lambda x: 3.0 + 0 * x, lambda x: 0.0),
    "log(x + 4)": (lambda x: np.log(x + 4), lambda x: 1 / (x + 4)),
    "cancelling": (lambda x: (1e6 + x) - 1e6, lambda x: 1.0),
}


def derivative(terms):
    """That of the sum of the terms."""
    found = derivatives(lambda places: np.array([terms(t) for t in places], dtype=float))
    return found.weighted(np.ones(found.error.shape))


def at(function, x):
    return derivative(lambda t: np.array([function(x + t)]))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=st.integers(-(2**10), 2**10).map(lambda k: k / 2**9))
def test_the_interval_holds_the_derivative(name, x):
    function, exact = FUNCTIONS[name]
    found = at(function, x)
    assert not found.kink
    assert math.isfinite(found.error)
    assert found.distance(exact(x)) <= found.error


@pytest.mark.parametrize("name", ["exp", "tanh", "x⁹", "log(x + 4)"])
def test_the_interval_is_narrow_enough_to_see_a_relative_error_of_1e_10(name):
    function, exact = FUNCTIONS[name]
    assert at(function, 0.75).error <= 1e-10 * max(1.0, abs(exact(0.75)))


@pytest.mark.parametrize(("powers", "order"), [((), 2), ((2,), 4), ((2, 4), 6)])
def test_the_order_of_convergence(powers, order):
    weights = Extrapolation.over(powers).weights

    def estimate(h):
        steps = [h / 2**k for k in range(len(weights))]
        return sum(w * (math.exp(s) - math.exp(-s)) / (2 * s) for w, s in zip(weights, steps, strict=True))

    errors = [abs(estimate(h) - 1) for h in (2.0, 1.0, 0.5)]
    seen = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert seen[-1] == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize("powers", [(2,), (2, 4), (1, 2, 3)])
def test_the_weights_remove_their_powers_and_keep_the_limit(powers):
    method = Extrapolation.over(powers)
    weights, amplification = method.weights, method.amplification
    exact = [Fraction(w).limit_denominator(10**6) for w in weights]
    assert sum(exact) == 1
    for power in powers:
        assert sum(w * Fraction(1, 2 ** (k * power)) for k, w in enumerate(exact)) == 0
    assert amplification == pytest.approx(sum(abs(w) * 2**k for k, w in enumerate(weights)))


@given(scale=st.integers(-40, 0), seed=st.integers(0, 2**32 - 1))
def test_the_noise_of_noise_is_its_size(scale, seed):
    generator = np.random.default_rng(seed)
    noise = 2.0**scale * generator.uniform(-1, 1, size=(8, 200))
    levels = noise_level(noise + np.linspace(0, 1, 8)[:, None])
    # A uniform law on ±a has standard deviation a/√3; of five estimates the largest is taken.
    assert 0.5 <= np.median(levels) / (2.0**scale / math.sqrt(3)) <= 3


def test_noise_widens_the_interval():
    def rounded(x):
        return float(np.float32(np.exp(x)))

    found = at(rounded, 0.5)
    assert found.distance(math.exp(0.5)) <= found.error
    assert found.error > 100 * at(np.exp, 0.5).error


@pytest.mark.parametrize("slope", [(-1.0, 1.0), (0.0, 1.0), (2.0, -3.0)])
def test_a_corner_at_the_point_gives_both_sides(slope):
    left, right = slope
    found = at(lambda x: right * x if x > 0 else left * x, 0.0)
    assert found.kink
    assert found.low == pytest.approx(min(slope), abs=1e-9)
    assert found.high == pytest.approx(max(slope), abs=1e-9)
    assert found.distance((left + right) / 2) == 0
    assert found.distance(max(slope) + 0.5) == pytest.approx(0.5, abs=1e-9)


def test_two_corners_that_cancel_in_the_sum_are_both_seen():
    found = derivative(lambda t: np.array([abs(t), -abs(t)]))
    assert found.kink
    assert (found.low, found.high) == (pytest.approx(-2), pytest.approx(2))


@pytest.mark.parametrize("distance", [2.0**-k for k in range(4, 40, 3)])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_corner_near_the_point_is_no_false_claim(distance, side):
    corner = side * distance
    found = at(lambda x: abs(x - corner) + math.sin(x), 0.0)
    exact = (-1.0 if corner > 0 else 1.0) + 1.0
    assert not found.distance(exact) > found.error


def test_outside_its_domain_a_function_gives_no_claim():
    with np.errstate(invalid="ignore"):
        found = at(lambda x: np.sqrt(x - 1), 0.0)
    assert math.isnan(found.error)
    assert math.isnan(found.distance(0.0))


def test_steps_shrink_until_they_stay_in_the_domain():
    with np.errstate(invalid="ignore"):
        found = at(lambda x: np.sqrt(x + 2.0**-6), 0.0)
    assert found.distance(0.5 / math.sqrt(2.0**-6)) <= found.error
    assert found.error < 1e-6


def test_the_number_of_evaluations_is_that_of_one_ladder():
    calls = []

    def terms(t):
        calls.append(t)
        return np.array([math.exp(t)])

    derivative(terms)
    assert len(calls) == 1 + 2 * RUNGS + 7


@given(st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=1, max_size=6), st.integers(-(2**9), 2**9))
def test_every_entry_is_judged_as_if_it_stood_alone(names, numerator):
    x = numerator / 2**9
    functions = [FUNCTIONS[name][0] for name in names] + [abs, lambda x: math.sqrt(x) if x >= 0 else math.nan]
    alone = [derivatives(lambda places, f=f: np.array([[f(x + t)] for t in places])) for f in functions]
    together = derivatives(lambda places: np.array([[f(x + t) for f in functions] for t in places]))
    # A product with many columns is summed in another order than one with a single column, so the measured
    # noise differs by a rounding of a rounding, and estimates that agree by chance may agree no more.
    for j, one in enumerate(alone):
        assert together.kink[j] == one.kink[0]
        assert together.known[j] == one.known[0]
        if one.known[0]:
            apart = max(abs(together.low[j] - one.low[0]), abs(together.high[j] - one.high[0]))
            assert apart <= together.error[j] + one.error[0]


def test_a_step_function_stands_still_and_a_rounded_one_is_told_from_it():
    found = derivatives(
        lambda places: np.array([[math.floor(0.3 + 0.95 * t + 5), 1 + 2.0**-40 * t] for t in 8 * places])
    )
    assert found.flat.tolist() == [True, False]
    assert found.reach[0] == 6


@pytest.mark.parametrize(("power", "width"), [(3, 1e-12), (4, 1e-12), (5, 1e-12), (7, 1e-6)])
def test_a_zero_of_high_order_is_seen_sharply(power, width):
    # Beside 0 its own differences look like noise of its size; at the steps nothing of that is left.
    found = at(lambda t: t**power, 0.0)
    assert found.distance(0.0) <= found.error <= width


def test_float32_inside_is_noise_where_the_value_grows_from_nothing():
    errors, found = [], []
    for k in range(300):
        slope = 0.5 + k / 300
        one = at(lambda t, slope=slope: float(np.float32(math.sin(slope * t))), 0.0)
        errors.append(one.distance(slope))
        found.append(one.error)
    assert all(off <= error for off, error in zip(errors, found, strict=True))
    assert np.median(found) < 1e-5


@pytest.mark.parametrize("bits", [6, 8, 11, 16])
def test_a_staircase_inside_is_not_taken_for_flat(bits):
    # x + ⌊x⌉ on a grid: close by the slope is 1, meant are 2.
    rng = np.random.default_rng(bits)
    x, d = np.float32(rng.normal(size=2000)).astype(float), rng.choice([-1.0, 1.0], 2000)

    def function(places):
        there = x + places[:, None] * d
        return there + np.round(there * 2**bits) / 2**bits

    found = derivatives(function)
    assert not (found.known & (found.distance(2 * d) > found.error)).any()


def test_a_staircase_is_seen_from_near_the_middle_of_a_stair_too():
    # There it is nearly the same to both sides, so that nothing looks like a corner.
    x = np.arange(1, 200) / 2**8 + 2.0**-12

    def function(places):
        there = x + places[:, None]
        return there + np.round(there * 2**8) / 2**8

    found = derivatives(function)
    assert not (found.known & (found.distance(np.full(x.size, 2.0)) > found.error)).any()


def test_corners_on_both_sides_are_seen_past():
    # Close by the slope is 1, and 3 from some way out on to both sides.
    near = 1.1 * 2.0 ** -np.arange(4, 18)

    def function(places):
        t = places[:, None]
        return t + 2 * np.maximum(t - near, 0.0) + 2 * np.minimum(t + near, 0.0)

    found = derivatives(function)
    assert found.known.all()
    assert (found.distance(np.ones(near.size)) <= found.error).all()
