"""Axes: shapes and dimensions as NumPy has them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from verify.formulas.axes import reduced_shape, summed_dims, summed_to

sizes = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple)


@given(sizes, st.data(), st.booleans())
def test_a_reduction_leaves_what_numpy_leaves(shape, data, keepdim):
    n = len(shape)
    several = data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=n, unique_by=lambda d: d % n))
    for dim in (several[0], tuple(several), None):
        due = np.zeros(shape).sum(axis=dim, keepdims=keepdim).shape
        assert reduced_shape(shape, dim, keepdim) == due


@given(sizes, st.data())
def test_a_repeated_input_is_summed_over_what_it_is_repeated_along(whole, data):
    dropped = data.draw(st.integers(0, len(whole)))
    shape = tuple(data.draw(st.sampled_from([1, n])) for n in whole[dropped:])
    assert np.broadcast_shapes(whole, shape) == whole
    repeats = np.broadcast_to(np.ones(shape), whole)
    assert summed_to(repeats, shape).shape == shape
    over = summed_dims(whole, shape)
    assert repeats.sum(axis=over, keepdims=True).size == np.ones(shape).size
