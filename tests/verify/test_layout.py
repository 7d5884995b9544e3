from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.layout import LAYOUTS, laid_out

SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
KINDS = (torch.float64, torch.bfloat16, torch.int64, torch.bool, torch.complex64)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(shape=SHAPES, kind=st.sampled_from(KINDS))
def test_every_layout_holds_the_same_values(layout, shape, kind):
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(kind)
    moved = laid_out(tensor, layout)
    assert moved.shape == tensor.shape
    assert moved.dtype == kind
    assert torch.equal(moved, tensor)


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout != "contiguous"])
def test_every_other_layout_lies_otherwise(layout):
    tensor = torch.arange(120.0).reshape(2, 3, 4, 5)
    moved = laid_out(tensor, layout)
    assert moved.stride() != tensor.stride() or moved.storage_offset() != tensor.storage_offset()


@pytest.mark.parametrize("layout", ["strided", "offset", "padded"])
@pytest.mark.parametrize("kind", [torch.float32, torch.int64])
def test_what_lies_beside_the_entries_shows_when_it_is_read(layout, kind):
    moved = laid_out(torch.ones(3, 4, dtype=kind), layout)
    around = torch.as_strided(moved, (moved.untyped_storage().nbytes() // moved.element_size(),), (1,), 0)
    beside = around[around != 1]
    assert len(beside) == len(around) - 12 > 0
    assert bool(beside.isnan().all()) if kind.is_floating_point else bool((beside > 2**62).all())


def test_indices_are_read_from_the_second_place_on():
    assert laid_out(torch.arange(4), "strided").storage_offset() == 1
