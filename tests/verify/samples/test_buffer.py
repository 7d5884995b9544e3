import pytest
import torch

from verify.samples.buffer import buffer, unwritten
from verify.variation import differs

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


@pytest.mark.parametrize(
    ("dtype", "number"),
    [
        (torch.float32, torch.nan),
        (torch.bfloat16, torch.nan),
        (torch.complex64, torch.nan),
        (torch.bool, True),
        (torch.int8, 127),
    ],
)
def test_what_is_not_written_is_no_result_that_is_usual(dtype, number):
    held = unwritten(torch.zeros(2, 3, dtype=dtype).T)
    assert (held.shape, held.dtype, held.is_contiguous()) == ((3, 2), dtype, True)
    assert not differs(held, torch.full((3, 2), number, dtype=dtype)).any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_buffer_holds_its_values_in_the_layout_that_is_named(layout):
    values = torch.arange(12.0).view(3, 4)
    held = buffer(values, layout)
    assert torch.equal(held.tensor, values)
    assert held.tensor.untyped_storage().data_ptr() == held.whole.untyped_storage().data_ptr()
    expected = {"contiguous": ((4, 1), 0), "offset": ((4, 1), 1)}
    lies = held.tensor.stride(), held.tensor.storage_offset()
    assert lies == expected[layout] if layout in expected else lies[0] != (4, 1)
