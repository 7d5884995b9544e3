from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.case import round_to
from verify.formulas.arithmetic import DTYPES, Arithmetic, compounded

# A busy machine is slow; that is no fault of what is tested.

HALVES = ("float16", "bfloat16")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_format_is_what_torch_says_it_is(dtype):
    a, info = Arithmetic.of(dtype), torch.finfo(getattr(torch, dtype))
    assert a.dtype == dtype
    assert a.u == info.eps / 2
    assert a.largest == info.max
    assert a.smallest_normal == info.tiny
    assert a.smallest == info.tiny * info.eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_half_the_spacing_at_1_is_the_largest_step_that_rounds_away(dtype):
    a = Arithmetic.of(dtype)
    one = torch.ones((), dtype=getattr(torch, dtype))
    step = torch.tensor(a.u, dtype=one.dtype)
    assert one + step == one
    assert one + step * 1.5 != one


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_smallest_number_has_none_below_it(dtype):
    smallest = Arithmetic.of(dtype).smallest
    assert round_to(np.array(smallest), dtype) == smallest
    assert round_to(np.array(smallest / 2), dtype) == 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_are_accumulated_in_at_least_float32(dtype):
    a = Arithmetic.of(dtype)
    assert a.w == (torch.finfo(torch.float32).eps / 2 if dtype in HALVES else a.u)


def test_an_unknown_dtype_is_named():
    with pytest.raises(KeyError, match="float8"):
        Arithmetic.of("float8")


def test_an_indexed_device_is_of_its_kind():
    one, other = Arithmetic.of("float32", "cuda:1"), Arithmetic.of("float32", "cuda")
    assert one.device == "cuda:1"
    assert one.elementary == other.elementary


@pytest.mark.parametrize("dtype", DTYPES)
def test_elementary_functions_get_the_ulps_that_are_documented(dtype):
    cpu, mps = Arithmetic.of(dtype, "cpu"), Arithmetic.of(dtype, "mps")
    stored = cpu.u if dtype in HALVES else 0.0
    assert cpu.elementary == 2 * 2 * cpu.w + stored
    assert mps.elementary == 5 * 2 * cpu.w + stored


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["exp", "log", "tanh"])
def test_every_elementary_result_of_a_16_bit_type_keeps_the_promise(dtype, name):
    a = Arithmetic.of(dtype)
    every = torch.arange(2**16).to(torch.int32).to(torch.uint16).view(getattr(torch, dtype))
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(every.double().numpy())
    computed = getattr(torch, name)(every).double().numpy()
    normal = np.isfinite(exact) & (np.abs(exact) >= a.smallest_normal) & (np.abs(exact) <= a.largest)
    relative = np.abs(computed[normal] - exact[normal]) / np.abs(exact[normal])
    assert normal.sum() > 2000
    assert relative.max() <= a.elementary
    # A promise twice as wide as what is kept would hide a fault of half a unit.
    assert relative.max() > a.elementary / 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 17, 1000])
def test_gamma_bounds_n_roundings_in_a_row(dtype, n):
    a = Arithmetic.of(dtype)
    w, gamma = Fraction(a.w), Fraction(float(a.gamma(n)))
    assert abs(gamma - n * w / (1 - n * w)) <= gamma * Fraction(2) ** -52
    slack = 1 + Fraction(2) ** -52
    assert (1 + w) ** n - 1 <= gamma * slack
    assert 1 - (1 - w) ** n <= gamma * slack


def test_gamma_is_infinite_where_no_bound_exists():
    a = Arithmetic.of("float32")
    assert np.isfinite(a.gamma(2**24 - 1))
    assert a.gamma(2**24) == np.inf
    np.testing.assert_array_equal(np.isinf(a.gamma(np.array([1.0, 2.0**25]))), [False, True])


@pytest.mark.parametrize("relative", [1.0, 1.5, np.inf, np.nan])
def test_a_relative_error_of_1_or_more_or_none_has_no_finite_bound(relative):
    assert compounded(relative) == np.inf


@given(st.lists(st.floats(0, 1e-3), min_size=1, max_size=6))
def test_compounding_the_first_order_sum_bounds_the_product(errors):
    product = Fraction(1)
    for error in errors:
        product *= 1 + Fraction(error)
    bound = Fraction(float(compounded(sum(errors))))
    assert product - 1 <= bound * (1 + Fraction(2) ** -45)


@pytest.mark.parametrize("dtype", DTYPES)
@given(value=st.floats(-6e4, 6e4), part=st.floats(-1, 1), error=st.floats(0, 100))
def test_storing_a_value_known_to_within_an_error_stays_in_the_bound(dtype, value, part, error):
    a = Arithmetic.of(dtype)
    computed = value + part * error
    if a.u == a.w:  # the value was computed in the stored type
        computed = round_to(np.array(value), dtype) + part * error
        value = float(round_to(np.array(value), dtype))
        assert abs(computed - value) <= a.stored(value, error) * (1 + 4 * a.u) + 4 * a.u * abs(value)
        return
    computed = float(np.float32(computed))  # the working type
    error = abs(computed - value)
    stored = float(round_to(np.array(computed), dtype))
    if abs(stored) <= a.largest:
        assert abs(stored - value) <= a.stored(value, error) * (1 + 1e-12)


@pytest.mark.parametrize("dtype", HALVES)
def test_the_bound_of_storing_is_reached(dtype):
    a = Arithmetic.of(dtype)
    for value in (1 + a.u, a.smallest / 2, 1.5 * a.smallest):
        lost = abs(float(round_to(np.array(value), dtype)) - value)
        assert lost <= a.stored(value, 0.0) <= 1.02 * lost


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_value_already_in_the_stored_type_is_not_rounded_again(dtype):
    a = Arithmetic.of(dtype)
    assert a.stored(1.0, 2 * a.u) == 2 * a.u + a.smallest / 2
