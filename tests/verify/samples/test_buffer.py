import pytest
import torch

from verify.samples.buffer import buffer

LAYOUTS = ("contiguous", "offset", "strided", "transposed")


def buffer_of(layout):
    return buffer(torch.full((3, 4), 1 + 2j), layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_written_into_the_tensor_is_no_change_beside_it(layout):
    held = buffer_of(layout)
    held.tensor.copy_(torch.arange(12).view(3, 4))
    assert not held.margin_changed


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tensor_that_is_marked_as_a_conjugate_is_no_change_beside_it(layout):
    held = buffer_of(layout)
    torch._C._set_conj(held.tensor, True)
    assert not held.margin_changed


@pytest.mark.parametrize("layout", ["offset", "strided"])
def test_a_change_beside_the_tensor_is_seen(layout):
    held = buffer_of(layout)
    step, along = held.tensor.stride()
    inside = {held.tensor.storage_offset() + i * step + j * along for i in range(3) for j in range(4)}
    beside = next(i for i in range(len(held.whole)) if i not in inside)
    held.whole[beside] = 1
    assert held.margin_changed
