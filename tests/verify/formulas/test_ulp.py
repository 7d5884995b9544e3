from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.formulas.ulp import spacing

# A busy machine is slow; that is no fault of what is tested.

HALVES = ("float16", "bfloat16")


def every_positive(dtype: str) -> np.ndarray:
    """All finite numbers ≥ 0 of a 16-bit type in ascending order: their bit patterns ascend too."""
    patterns = torch.arange(2**15, dtype=torch.int16).view(getattr(torch, dtype)).double().numpy()
    return patterns[np.isfinite(patterns)]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_spacing_of_every_16_bit_number_is_the_step_to_the_next(dtype, sign):
    numbers = every_positive(dtype)
    steps = np.diff(numbers)
    # Beyond the largest number there is none; its binade's step is the one before it.
    np.testing.assert_array_equal(spacing(sign * numbers, Arithmetic.of(dtype)), [*steps, steps[-1]])


def test_every_float16_has_numpys_spacing():
    numbers = every_positive("float16")[:-1]
    expected = np.spacing(numbers.astype(np.float16)).astype(float)
    np.testing.assert_array_equal(spacing(numbers, Arithmetic.of("float16")), expected)


@given(st.integers(0, 2**31 - 2**23 - 2))
def test_a_float32_has_numpys_spacing(pattern):
    number = np.uint32(pattern).view(np.float32)
    assert spacing(float(number), Arithmetic.of("float32")) == np.spacing(number)


@given(st.floats(0, np.nextafter(np.finfo(float).max, 0)))
def test_a_float64_has_numpys_spacing_and_torchs_next_number(number):
    step = spacing(number, Arithmetic.of("float64"))
    assert step == np.spacing(number)
    x = torch.tensor(number, dtype=torch.float64)
    assert step == torch.nextafter(x, torch.tensor(torch.inf, dtype=x.dtype)) - x


@pytest.mark.parametrize("dtype", DTYPES)
@given(a=st.floats(allow_nan=False), b=st.floats(allow_nan=False))
def test_the_spacing_grows_with_the_magnitude(dtype, a, b):
    arithmetic = Arithmetic.of(dtype)
    near, far = sorted((a, b), key=abs)
    assert 0 < spacing(near, arithmetic) <= spacing(far, arithmetic)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_exact_value_between_two_numbers_takes_its_own_binades_spacing(dtype):
    a = Arithmetic.of(dtype)
    below = np.nextafter(2.0, 0.0)  # rounds up to 2 in every narrower type
    np.testing.assert_array_equal(spacing([below, 2.0, -2.0], a), [2 * a.u, 4 * a.u, 4 * a.u])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_of_the_range_have_the_spacing_of_the_last_binade(dtype):
    a = Arithmetic.of(dtype)
    np.testing.assert_array_equal(spacing([0.0, a.smallest, a.smallest_normal], a), [a.smallest] * 3)
    top = spacing(a.largest, a)
    np.testing.assert_array_equal(spacing([np.inf, -np.inf, np.finfo(float).max], a), [top] * 3)
    assert np.isnan(spacing(np.nan, a))


def test_the_shape_is_kept():
    a = Arithmetic.of("float32")
    assert spacing(1.0, a).shape == ()
    assert spacing(np.ones((2, 0, 3)), a).shape == (2, 0, 3)
