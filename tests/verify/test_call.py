from __future__ import annotations

import pytest
import torch

from verify.call import Call, results, tensors


def test_a_call_without_cotangents_asks_for_no_gradient():
    x = torch.ones(3)
    found = results(Call(torch.exp, (x,), {}))
    assert found.gradients == ()
    assert not found.outputs[0].requires_grad
    assert not x.requires_grad


def test_the_gradients_are_those_of_the_cotangents_in_the_places_of_the_inputs():
    x, index = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([1])
    g = torch.tensor([[7.0, 11.0]])
    found = results(Call(torch.index_select, (x, 0, index), {}, (g,)))
    gradient, of_dim, of_index = found.gradients
    assert gradient.tolist() == [[0, 0], [7, 11]]
    assert of_dim is None
    assert of_index is None


def test_an_input_that_is_not_used_has_a_gradient_of_zeros():
    """Not none: a variation that loses a gradient must not leave it out of what is compared."""
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    found = results(Call(lambda x, y: x * y.detach(), (x, y), {}, (torch.ones(2),)))
    assert [g.tolist() for g in found.gradients] == [[3, 5], [0, 0]]


def test_every_result_has_a_cotangent_of_its_own():
    x = torch.tensor([3.0, 1.0, 2.0])
    found = results(Call(lambda x: (2 * x, x.argmax(), x * x), (x,), {}, (torch.ones(3), torch.ones(3))))
    assert [tuple(y.shape) for y in found.outputs] == [(3,), (), (3,)]
    assert found.gradients[0].tolist() == [8, 4, 6]


def test_the_layout_of_an_input_reaches_the_function():
    seen = []

    def function(x):
        seen.append((x.stride(), x.storage_offset()))
        return 2 * x

    x = torch.ones(4, 6)[:, 1::2]
    results(Call(function, (x,), {}, (torch.ones(4, 3),)))
    assert seen == [((6, 2), 1)]


def test_tensors_are_changed_and_other_arguments_are_not():
    call = Call(torch.softmax, (torch.ones(2), 0), {}, (torch.ones(2),)).with_tensors(lambda x: 3 * x)
    assert call.inputs[0].tolist() == [3, 3]
    assert call.inputs[1] == 0
    assert call.cotangents[0].tolist() == [3, 3]


@pytest.mark.parametrize("answer", [None, 3, (torch.ones(1), 2)])
def test_an_answer_that_is_no_tensor_is_named(answer):
    with pytest.raises(TypeError, match=f"returned {type(answer).__name__}"):
        tensors(answer)
