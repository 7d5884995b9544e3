from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.case import HARD, Case
from verify.comparison import cotangent
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.formulas.reference import Enclosure, certify, in_balls, plain, wrong_entries
from verify.formulas.ulp import spacing
from verify.operations import catalogue

# A busy machine is slow; that is no fault of what is tested.

DOUBLE = Arithmetic.of("float64")
FINENESS = Fraction(2) ** -20
ordinary = st.floats(-1e100, 1e100, allow_subnormal=False)


def enclose(formula: Any, *arguments: Any, arithmetic: Arithmetic = DOUBLE, **options: Any) -> Enclosure:
    (enclosure,) = certify(formula, arguments, options, arithmetic)
    assert enclosure is not None
    return enclosure


def rational(ball: flint.arb) -> Fraction:
    """The midpoint of a ball, exactly."""
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent


def assert_measures(error: float, computed: float, exact: Fraction) -> None:
    """The error is that of exact arithmetic, but for its rounding to float64 and the enclosure's width."""
    true = abs(Fraction(computed) - exact)
    width = 2 * FINENESS * Fraction(float(spacing(float(exact), DOUBLE)))
    rounding = Fraction(2) ** -52
    assert true * (1 - rounding) - Fraction(2) ** -1074 <= Fraction(error) <= (true + width) * (1 + rounding)


@given(numbers=st.lists(ordinary, min_size=1, max_size=12), steps=st.integers(-3, 3))
def test_the_error_of_a_sum_is_that_of_exact_rationals(numbers, steps):
    x = np.array(numbers)
    enclosure = enclose(lambda x: x.sum(), x)
    exact = sum(map(Fraction, numbers), start=Fraction(0))
    computed = float(x.sum()) + steps * float(spacing(float(exact), DOUBLE))
    assert_measures(float(enclosure.error(np.array(computed), DOUBLE)), computed, exact)


@given(numbers=st.lists(st.floats(1e-20, 1e20), min_size=1, max_size=12), steps=st.integers(-3, 3))
def test_the_error_of_a_product_is_that_of_exact_rationals(numbers, steps):
    x = np.array(numbers)
    exact = Fraction(1)
    for number in numbers:
        exact *= Fraction(number)
    computed = float(x.prod()) + steps * float(spacing(float(exact), DOUBLE))
    enclosure = enclose(lambda x: x.prod(), x)
    assert_measures(float(enclosure.error(np.array(computed), DOUBLE)), computed, exact)


@pytest.mark.parametrize("name", ["exp", "log"])
@given(x=st.floats(1e-300, 700))
def test_exp_and_log_enclose_what_mpmath_says_at_60_digits(name, x):
    (ball,) = enclose(getattr(np, name), np.array([x])).balls
    with mpmath.workdps(60):
        other = getattr(mpmath, name)(mpmath.mpf(x))
        middle = mpmath.mpf(int(ball.mid().man_exp()[0])) * mpmath.mpf(2) ** int(ball.mid().man_exp()[1])
        assert abs(middle - other) <= mpmath.mpf(float(ball.rad())) + abs(other) * mpmath.mpf(10) ** -37
        assert float(ball.rad()) <= 2.0**-20 * spacing(float(other), DOUBLE)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_infinity_is_right_exactly_from_the_largest_number_and_half_its_spacing_on(dtype, sign):
    a = Arithmetic.of(dtype)
    step = float(spacing(a.largest, a))
    # A step below the threshold that is lost if the threshold is only nearly right.
    nudge = step * a.u / 4
    parts = sign * np.array([[a.largest, step / 2, 0.0], [a.largest, step / 2, -nudge]])
    enclosure = enclose(lambda x: x.sum(axis=1), parts, arithmetic=a)
    np.testing.assert_array_equal(enclosure.error(np.array([sign * np.inf] * 2), a), [0.0, np.inf])
    np.testing.assert_array_equal(enclosure.error(np.array([-sign * np.inf] * 2), a), [np.inf, np.inf])
    assert np.isfinite(enclosure.error(np.array([sign * a.largest] * 2), a)).all()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_infinity_is_right_where_torch_rounds_to_it(dtype):
    a = Arithmetic.of(dtype)
    threshold = a.largest + float(spacing(a.largest, a)) / 2
    # torch rounds float64 to a 16-bit type by way of float32, so the neighbours are taken in that.
    wide = np.float64 if dtype == "float32" else np.float32
    x = np.array([np.nextafter(wide(threshold), wide(0)), threshold], dtype=float)
    overflows = torch.from_numpy(x).to(getattr(torch, dtype)).isinf().numpy()
    np.testing.assert_array_equal(overflows, [False, True])
    error = enclose(lambda x: 1 * x, x, arithmetic=a).error(np.full(2, np.inf), a)
    np.testing.assert_array_equal(error == 0, overflows)


def test_what_is_no_number_is_never_right():
    x = np.array([-1.0, 4.0])
    enclosure = enclose(np.log, x)
    assert np.isnan(enclosure.value[0])
    assert enclosure.radius[0] == np.inf
    np.testing.assert_array_equal(enclosure.error(np.array([np.nan, np.nan]), DOUBLE), [np.inf, np.inf])
    assert not enclosure.error(np.array([0.0, 1.0]), DOUBLE)[0] <= 1e300


def test_a_value_beyond_float64_is_infinite_and_infinity_is_right_there():
    enclosure = enclose(np.exp, np.array([800.0, -800.0]))
    np.testing.assert_array_equal(enclosure.value, [np.inf, 0.0])
    # exp(−800) is below every float64: 0 is as near as one can come, and the bound is the least above.
    np.testing.assert_array_equal(enclosure.error(np.array([np.inf, 0.0]), DOUBLE), [0.0, 5e-324])


def test_the_error_is_that_of_the_entry_it_belongs_to():
    enclosure = enclose(lambda x: x * x, np.array([[1.0, 2.0], [3.0, 4.0]]))
    error = enclosure.error(np.array([[1.0, 4.5], [np.inf, 15.0]]), DOUBLE)
    np.testing.assert_array_equal(error, [[0.0, 0.5], [np.inf, 1.0]])


def test_a_result_of_another_shape_is_refused_with_both_shapes():
    enclosure = enclose(lambda x: 1 * x, np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"\(3, 2\), the reference \(2, 3\)"):
        enclosure.error(np.ones((3, 2)), DOUBLE)


def test_the_precision_stays_low_where_that_is_enough():
    assert enclose(lambda x: x / 3, np.array([1.0])).precision == 128


@pytest.mark.parametrize("gap", [1.0, 40.0, 700.0])
def test_the_gradient_of_softmax_is_enclosed_through_its_cancellation(gap):
    vjp = catalogue()["softmax"].vjp
    assert vjp is not None
    enclosure = enclose(vjp.evaluate, np.array([[1.0, -2.0]]), np.array([[gap, 0.0]]), dim=1)
    # g − Σ g p loses log2(exp gap) bits of those carried; p₁p₂(g₁ − g₂) loses none.
    lost = gap / np.log(2)
    assert enclosure.precision > lost + 53 + 20
    assert enclosure.precision == min(p for p in (128, 256, 512, 1024, 2048) if p > lost + 53 + 20)
    with mpmath.workdps(50):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(gap)))
        q = 1 / (1 + mpmath.exp(mpmath.mpf(gap)))
        assert enclosure.value[0] == pytest.approx([float(3 * p * q), float(-3 * p * q)], rel=2.0**-52)


def test_a_ball_that_stays_wide_says_so_and_its_error_is_no_smaller():
    enclosure = enclose(lambda x: x + flint.arb(0, 1), np.array([2.0]))
    assert enclosure.precision == 4096
    assert enclosure.radius >= 1
    assert enclosure.error(np.array([2.0]), DOUBLE) >= 1


def test_one_wide_result_raises_the_precision_of_all():
    first, second = certify(lambda x: (x, x + flint.arb(0, 1)), (np.array([2.0]),), {}, DOUBLE)
    assert first.precision == second.precision == 4096


def test_several_results_keep_their_order_and_none_stays_none():
    first, none, third = certify(lambda x, i: (x * x, None, 0 * x + i), (np.array([3.0]), 5), {}, DOUBLE)
    assert none is None
    assert (first.value, third.value) == (9.0, 5.0)


def test_plain_numbers_that_a_formula_writes_are_exact():
    def formula(x):
        y = np.zeros(x.shape, dtype=x.dtype)
        y[0] = x[0]
        return y

    enclosure = enclose(formula, np.array([0.1, 7.0]))
    np.testing.assert_array_equal(enclosure.value, [0.1, 0.0])
    np.testing.assert_array_equal(enclosure.radius, [0.0, 0.0])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_becomes_the_ball_of_itself_alone(x):
    balls, indices, option = in_balls((np.array([x]), np.array([1, 2]), "sum"))
    assert float(balls[0].rad()) == 0
    assert rational(balls[0]) == Fraction(x)
    assert indices.dtype == np.int64
    assert option == "sum"


def cases() -> list[Case]:
    return [
        Case(operation, "cpu", "float64", workload)
        for operation in catalogue().values()
        for workload in (operation.check[0], HARD)
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_enclosures_are_far_below_an_ulp_of_the_dtype_they_judge(case):
    for point in case.points(0):
        (value,) = plain(case.operation.forward.evaluate, point.inputs, point.options)
        found = []
        if case.function(*case.tensors(point), **point.options).is_floating_point():
            found += certify(case.operation.forward.evaluate, point.inputs, point.options, case.arithmetic)
        if case.operation.vjp is not None:
            g = cotangent(case, 0, point, value.shape)
            found += certify(case.operation.vjp.evaluate, (g, *point.inputs), point.options, case.arithmetic)
        for enclosure in filter(None, found):
            ulp = spacing(enclosure.value, case.arithmetic)
            assert (enclosure.radius <= float(FINENESS) * ulp).all(), point.name


def test_the_plain_formula_is_float64_and_keeps_none():
    x = np.array([1.0, 2.0])
    value, none = plain(lambda x, power: (x**power, None), (x,), {"power": 2})
    np.testing.assert_array_equal(value, [1.0, 4.0])
    assert none is None
    (divided,) = plain(lambda x: x / 0, (x,), {})
    assert np.isinf(divided).all()


def test_wrong_entries_are_counted():
    x = np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]])
    assert wrong_entries(np.argmax, (x,), {"axis": 1}, np.array([0, 2])) == 0
    assert wrong_entries(np.argmax, (x,), {"axis": 1}, np.array([1, 2])) == 1
    assert wrong_entries(np.argmax, (x,), {"axis": 1}, np.array([0, 1])) == 1
    with pytest.raises(ValueError, match=r"\(3,\), the reference \(2,\)"):
        wrong_entries(np.argmax, (x,), {"axis": 1}, np.zeros(3))
