"""A sample as a call: its tensors, what it draws, what it changes, and what is not asked."""

from __future__ import annotations

import pytest
import torch

from tests.verify.samples.operator_record import Record
from verify.call import results
from verify.samples.buffer import buffer, unwritten
from verify.samples.check import NotAsked
from verify.samples.drawing import draws
from verify.samples.posed import posed
from verify.samples.sample import Sample


def sample(op, *arguments, **options):
    return Sample(Record("f", op), 0, arguments, options, lambda y: y, False)


def test_tensors_in_lists_and_options_are_inputs_too():
    x, y, w = (torch.full((2,), float(i)) for i in range(3))
    asked = posed(sample(lambda xs, dim, weight: torch.cat(xs, dim) * weight.sum(), [x, y], 0, weight=w))
    assert [t.tolist() for t in asked.call.inputs] == [[0, 0], [1, 1], [2, 2]]
    (again,) = results(asked.call.with_tensors(lambda t: t + 1)).outputs
    assert again.tolist() == [6, 6, 12, 12]


@pytest.mark.parametrize(
    ("function", "random"),
    [
        (torch.exp, False),
        (torch.rand_like, True),
        (lambda x: torch.nn.functional.dropout(x, 0.5), True),
        (torch.dropout, None),
    ],
)
def test_what_draws_random_numbers_is_found_even_if_it_puts_them_back(function, random):
    if random is None:

        def hidden():
            state = torch.get_rng_state()
            torch.dropout(torch.ones(9), 0.5, True)
            torch.set_rng_state(state)

        assert draws(hidden)
    else:
        assert draws(lambda: function(torch.ones(9))) is random


def test_a_random_function_gives_the_same_numbers_each_time():
    torch.manual_seed(3)
    asked = posed(sample(torch.rand_like, torch.ones(5)))
    assert asked.draws
    assert torch.equal(results(asked.call).outputs[0], asked.first.outputs[0])


def test_an_input_that_is_changed_is_put_back_in_place():
    x = torch.ones(3)
    asked = posed(sample(lambda x: x.add_(1), x))
    for _ in range(3):
        assert results(asked.call).outputs[0].tolist() == [2, 2, 2]
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x.to_sparse(), "a result has the layout torch.sparse_coo"),
        (lambda x: "text", "neither a tensor nor a number"),
    ],
)
def test_what_cannot_be_compared_is_not_asked(function, why):
    with pytest.raises(NotAsked, match=why):
        posed(sample(function, torch.ones(2)))


def test_what_torch_does_not_define_is_told_from_what_fails():
    def undefined(x):
        raise NotImplementedError('"f" not implemented for this')

    def failing(x):
        raise RuntimeError("an index is out of range")

    with pytest.raises(NotAsked, match="torch does not define it"):
        posed(sample(undefined, torch.ones(2)))
    with pytest.raises(RuntimeError, match="out of range"):
        posed(sample(failing, torch.ones(2)))


def test_uninitialised_memory_is_not_asked_about():
    empty = Sample(Record("empty_like", torch.empty_like), 0, (torch.ones(2),), {}, lambda y: y, False)
    with pytest.raises(NotAsked, match="uninitialised memory"):
        posed(empty)


@pytest.mark.parametrize("layout", ["contiguous", "offset", "strided", "transposed", "padded"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool, torch.complex64])
def test_a_buffer_knows_its_margin(layout, dtype):
    held = buffer(unwritten(torch.ones(3, 4).to(dtype)), layout)
    held.tensor.copy_(torch.zeros(3, 4))
    assert not held.margin_changed
    outside = torch.ones_like(held.whole, dtype=torch.bool)
    outside.as_strided(held.tensor.shape, held.tensor.stride(), held.tensor.storage_offset()).fill_(False)
    if outside.any():
        held.whole[int(outside.nonzero()[0])] = 1
        assert held.margin_changed
