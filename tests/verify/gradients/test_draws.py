"""The random numbers of a check: enough of them, with few enough bits, and no sum of them that is fixed."""

from __future__ import annotations

import numpy as np
import pytest

from verify.gradients.draws import Draws


@pytest.mark.parametrize("count", [2, 64, 512, 1024, 5000])
@pytest.mark.parametrize("kind", ["few_bits", "cotangent", "signs"])
def test_their_sum_is_that_of_independent_signs(kind, count):
    # A term that is missing everywhere shows as their sum: if that hardly varied, no line would see it.
    drawn = np.array([getattr(Draws(seed), kind)(count) for seed in range(400)])
    ratio = np.mean(drawn.sum(axis=1) ** 2) / np.mean((drawn**2).sum(axis=1))
    # The mean of 400 squares of a normal variable is off by 7 % in one standard deviation.
    assert 0.7 < ratio < 1.3


@pytest.mark.parametrize("count", [0, 1, 64, 512])
def test_few_bits_are_ten_and_no_two_alike(count):
    drawn = Draws(1).few_bits(count)
    assert np.array_equal(drawn * 1024, np.round(drawn * 1024))
    assert np.all((np.abs(drawn) > 0.5) & (np.abs(drawn) <= 1))
    assert len(set(np.abs(drawn))) == count


def test_a_seed_repeats_them_and_may_be_any_whole_number():
    for seed in (0, -1, 2**70):
        assert np.array_equal(Draws(seed).cotangent(5), Draws(seed).cotangent(5))
    assert not np.array_equal(Draws(1).cotangent(5), Draws(2).cotangent(5))
    with pytest.raises(ValueError, match="seed is 'a'"):
        Draws("a")
