from __future__ import annotations

import pytest
import torch

from verify.call import Call, Results
from verify.operation import Batch
from verify.variation import Unseen, differs, pairs
from verify.variations import variations
from verify.variations.rows import count, rows, rows_of_results

NAN, INF = torch.nan, torch.inf


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    ("a", "b", "differ"),
    [
        (1.0, 1.0, False),
        (1.0, 1.5, True),
        (0.0, -0.0, True),
        (NAN, NAN, False),
        (NAN, -NAN, False),
        (NAN, 1.0, True),
        (INF, INF, False),
        (INF, -INF, True),
    ],
)
def test_bits_differ_where_values_or_signs_do(a, b, differ, dtype):
    assert differs(torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype)).item() is differ


def test_integers_and_complex_numbers_are_compared_in_full():
    assert differs(torch.tensor([1, 2]), torch.tensor([1, 3])).tolist() == [False, True]
    assert differs(torch.tensor([1 + 0j, 1 + 2j]), torch.tensor([complex(1, -0.0), 1 + 2j])).tolist() == [
        True,
        False,
    ]


def test_a_conjugate_that_is_not_written_out_is_compared_by_its_numbers():
    x = torch.tensor([1 + 2j, 3 + 0j])
    assert x.conj().is_conj()
    assert differs(x.conj(), torch.tensor([1 - 2j, complex(3, -0.0)])).tolist() == [False, False]
    assert differs(x, x.conj()).tolist() == [True, True]


@pytest.mark.parametrize("second", [torch.ones(3), torch.ones(2, dtype=torch.float64)])
def test_answers_of_other_shapes_or_dtypes_are_no_pairs(second):
    with pytest.raises(ValueError, match="forward: "):
        list(pairs(Results((torch.ones(2),)), Results((second,))))


def test_a_gradient_that_one_answer_leaves_out_is_no_pair():
    first = Results((torch.ones(2),), (torch.ones(2), None))
    second = Results((torch.ones(2),), (torch.ones(2), torch.ones(3)))
    assert [name for name, _, _ in pairs(first, second)] == ["forward", "gradient of input 0"]


def test_some_calls_of_a_batch_have_their_part_of_the_answer():
    x, shared, g = torch.arange(12.0).reshape(3, 4), torch.ones(4), torch.arange(12.0).reshape(4, 3)
    batch = Batch((-1, None), 0)
    call = Call(lambda x, w: (x * w).mT.contiguous(), (x, shared), {}, (g,))
    assert count(call, batch) == 4
    for which in (slice(0, 2), torch.tensor([3, 1])):
        alone = rows(call, batch, which)
        assert torch.equal(alone.inputs[0], x[:, which])
        assert alone.inputs[1] is shared
        assert torch.equal(alone.cotangents[0], g[which])
        whole = Results((x.mT,), (x, shared))
        part = rows_of_results(batch, which)(whole)
        assert torch.equal(part.outputs[0], x.mT[which])
        assert torch.equal(part.gradients[0], x[:, which])
        assert part.gradients[1] is None


def varied(name, call, batch=None):
    return {v.how: v for v in variations()[name].vary(call, batch)}


SQUARE = Call(torch.square, (torch.arange(67.0),), {}, (torch.arange(67.0) + 1,))


@pytest.mark.parametrize("name", ["memory", "repetition", "threads", "tail", "position", "compiled"])
def test_every_variation_of_a_right_call_gives_its_answer(name):
    found = varied(name, SQUARE, Batch((0,), 0))
    assert found
    expected = Results((SQUARE.inputs[0] ** 2,), (2 * SQUARE.inputs[0] * SQUARE.cotangents[0],))
    for again in found.values():
        answers = list(pairs(again.part(expected), again.run(again.call)))
        assert len(answers) == 2
        for _, a, b in answers:
            assert not differs(a, b).any(), again.how


def test_only_what_lies_otherwise_is_a_variation_of_memory():
    # A vector that is the beginning of a wider one lies as it did.
    assert set(varied("memory", SQUARE)) == {"a copy", "strided", "offset"}
    image = Call(torch.square, (torch.ones(2, 3, 4, 5),), {})
    assert set(varied("memory", image)) == {
        "a copy",
        "transposed",
        "strided",
        "offset",
        "padded",
        "channels last",
    }
    strided = Call(torch.square, (torch.ones(8)[1::2],), {})
    assert "contiguous" in varied("memory", strided)
    assert "strided" not in varied("memory", strided)


def test_a_batch_is_turned_round_by_a_lane_and_by_more_than_a_vector():
    found = varied("position", SQUARE, Batch((0,), 0))
    for how, shift in (("moved by 1", 1), ("moved by 29", 29)):
        assert torch.equal(found[how].call.inputs[0], SQUARE.inputs[0].roll(shift))
        assert torch.equal(found[how].call.cotangents[0], SQUARE.cotangents[0].roll(shift))
    assert len(found) == 2


@pytest.mark.parametrize("name", ["batch size", "tail", "position"])
def test_what_is_no_batch_is_not_asked_for_its_rows(name):
    assert varied(name, SQUARE) == {}


def test_a_call_on_the_processor_is_not_asked_of_another_device():
    assert varied("device", SQUARE) == {}


def test_the_number_of_threads_is_that_of_the_label_and_is_put_back():
    before = torch.get_num_threads()
    for how, again in varied(
        "threads", Call(lambda x: x + torch.get_num_threads(), (torch.zeros(1),), {})
    ).items():
        (y,) = again.run(again.call).outputs
        assert f"by {int(y)} threads" == how
    assert torch.get_num_threads() == before


def test_every_variation_says_who_promises_it():
    for name, variation in variations().items():
        assert variation.name == name
        assert variation.why.endswith(".")


def test_the_calls_of_a_batch_are_entries_or_rows():
    matrix = Call(torch.square, (torch.ones(67, 2),), {})
    assert len(varied("tail", SQUARE, Batch((0,), 0))) > 3
    assert len(varied("batch size", matrix, Batch((0,), 0))) > 3
    assert varied("batch size", SQUARE, Batch((0,), 0)) == {}
    assert varied("tail", matrix, Batch((0,), 0)) == {}


@pytest.mark.parametrize("name", ["tail", "batch size"])
def test_calls_alone_are_as_many_as_is_said_and_one_among_them(name):
    x = torch.arange(67.0) if name == "tail" else torch.arange(134.0).view(67, 2)
    found = varied(name, Call(torch.square, (x,), {}, (x + 1,)), Batch((0,), 0))
    assert "the first 1 alone" in found
    for how, again in found.items():
        size = int(how.removeprefix("the first ").removesuffix(" alone"))
        assert torch.equal(again.call.inputs[0], x[:size])
        assert torch.equal(again.call.cotangents[0], x[:size] + 1)


def test_a_cotangent_that_alone_lies_otherwise_is_a_variation_of_memory():
    call = Call(lambda x: x.expand(3, 4), (torch.ones(4),), {}, (torch.ones(3, 4),))
    assert varied("memory", call)["transposed"].call.cotangents[0].stride() == (1, 3)


def test_what_is_not_compiled_is_not_called_compiled(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    (again,) = varied("compiled", SQUARE).values()
    with pytest.raises(Unseen, match="compiled no part"):
        again.run(again.call)
