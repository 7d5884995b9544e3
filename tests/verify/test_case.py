from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from verify.case import HARD, IMPLEMENTATIONS, ORDINARY, Case, laid_out, round_to, to_array, to_tensor
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.operation import Workload
from verify.operations import catalogue

# A busy machine is slow; that is no fault of what is tested.

LAYOUTS = ("contiguous", "transposed", "strided")
shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
floats = arrays.arrays(np.float64, shapes)
SOFTMAX = catalogue()["softmax"]
MATRIX = Workload("3x17-dim1", ((3, 17),), {"dim": 1})


def case(**fields):
    return Case(**{"operation": SOFTMAX, "device": "cpu", "dtype": "float32", "workload": MATRIX} | fields)


def every_case():
    return [
        Case(operation, "cpu", dtype, workload)
        for operation in catalogue().values()
        for dtype in DTYPES
        for workload in (*operation.check, HARD)
    ]


def test_a_case_has_one_name():
    assert case().id == "softmax[cpu-float32-3x17-dim1]"
    assert case(device="cuda:1", implementation="compiled").id == (
        "softmax[cuda:1-float32-3x17-dim1-compiled]"
    )
    names = [c.id for c in every_case()]
    assert len(set(names)) == len(names)


def test_a_case_has_the_arithmetic_of_its_dtype_and_device():
    assert case(dtype="bfloat16", device="mps").arithmetic == Arithmetic.of("bfloat16", "mps")


def test_random_numbers_depend_on_the_seed_the_case_and_the_purpose_alone():
    def drawn(seed=1, purpose="inputs", **fields):
        return tuple(case(**fields).generator(seed, purpose).integers(2**60, size=4))

    assert drawn() == drawn()
    others = {
        drawn(seed=2),
        drawn(purpose=""),
        drawn(dtype="float64"),
        drawn(device="cuda"),
        drawn(workload=HARD),
        drawn(operation=catalogue()["log_softmax"]),
        drawn(implementation="compiled"),
    }
    assert len(others | {drawn()}) == 8


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_ordinary_point_is_one_sample_of_the_workload(dtype):
    (point,) = case(dtype=dtype).points(5)
    assert point.name == ORDINARY
    assert not point.far
    assert point.options == {"dim": 1}
    assert [x.shape for x in point.inputs] == [(3, 17)]
    (again,), (other,) = case(dtype=dtype).points(5), case(dtype=dtype).points(6)
    np.testing.assert_array_equal(point.inputs[0], again.inputs[0])
    assert (point.inputs[0] != other.inputs[0]).any()


def test_the_hard_workload_stands_for_every_hard_input_by_name():
    points = case(workload=HARD).points(5)
    assert [p.name for p in points] == [hard.name for hard in SOFTMAX.domain.hard]
    assert [p.far for p in points] == [hard.far for hard in SOFTMAX.domain.hard]
    assert all(p.options == {"dim": 1} for p in points)


@pytest.mark.parametrize("c", every_case(), ids=lambda c: c.id)
def test_the_dtype_holds_every_point_exactly(c):
    for point in c.points(0):
        for x, t in zip(point.inputs, c.tensors(point), strict=True):
            assert x.dtype in (np.float64, np.int64)
            assert t.dtype is (getattr(torch, c.dtype) if x.dtype.kind == "f" else torch.int64)
            np.testing.assert_array_equal(to_array(t), x)
            assert t.is_contiguous() or c.workload.layout != "contiguous"


def test_only_floats_are_differentiable():
    loss = case(operation=catalogue()["cross_entropy"], workload=catalogue()["cross_entropy"].check[0])
    (point,) = loss.points(0)
    assert point.differentiable == (0,)
    assert [t.requires_grad for t in loss.tensors(point, requires_grad=True)] == [True, False]
    assert not any(t.requires_grad for t in loss.tensors(point))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_gradient_is_left_on_the_tensor_that_was_made(layout):
    c = case(workload=dataclasses.replace(MATRIX, layout=layout))
    (x,) = c.tensors(c.points(0)[0], requires_grad=True)
    x.sum().backward()
    assert x.grad is not None


def test_eager_runs_the_operation_itself():
    assert IMPLEMENTATIONS.keys() == {"eager", "compiled"}
    assert case().function is SOFTMAX.function


@pytest.mark.parametrize("dtype", DTYPES)
@given(array=floats)
def test_rounding_is_torchs_cast_and_rounding_again_changes_nothing(dtype, array):
    once = round_to(array, dtype)
    assert once.dtype == np.float64
    np.testing.assert_array_equal(once, torch.from_numpy(array).to(getattr(torch, dtype)).double().numpy())
    np.testing.assert_array_equal(round_to(once, dtype), once)
    np.testing.assert_array_equal(np.signbit(once[once == 0]), np.signbit(array[once == 0]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(array=floats)
def test_rounding_is_numpys_to_nearest(dtype, array):
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(round_to(array, dtype), array.astype(dtype).astype(float))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_rounds_as_round_to_does(dtype):
    x = np.linspace(-3, 3, 101)
    tensor = to_tensor(x, dtype, "cpu")
    assert tensor.dtype is getattr(torch, dtype)
    np.testing.assert_array_equal(to_array(tensor), round_to(x, dtype))


def promised(layout: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of a layout."""
    if layout == "strided" and shape:
        return tuple(2 * math.prod(shape[i + 1 :]) for i in range(len(shape)))
    if layout == "transposed" and len(shape) > 1:
        *front, second, last = promised("contiguous", (*shape[:-2], shape[-1], shape[-2]))
        return (*front, last, second)
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


@pytest.mark.parametrize("layout", LAYOUTS)
@given(array=arrays.arrays(np.float64, shapes))
def test_a_layout_keeps_the_values_and_has_the_strides_it_promises(layout, array):
    tensor = to_tensor(array, "float64", "cpu", layout)
    np.testing.assert_array_equal(to_array(tensor), array)
    # A dimension of one entry or none has no stride to speak of.
    for size, found, meant in zip(array.shape, tensor.stride(), promised(layout, array.shape), strict=True):
        if size > 1 and array.size:
            assert found == meant


@pytest.mark.parametrize("layout", LAYOUTS)
def test_indices_stay_integers_in_any_layout(layout):
    tensor = to_tensor(np.array([[3, 1], [2, 0]]), "bfloat16", "cpu", layout)
    assert tensor.dtype is torch.int64
    assert tensor.tolist() == [[3, 1], [2, 0]]


def test_an_unknown_layout_is_named_with_the_valid_ones():
    with pytest.raises(ValueError, match="'sparse': one of contiguous, transposed, strided"):
        laid_out(torch.ones(2), "sparse")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_operation_in_place_does_not_reach_the_array(layout):
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    to_tensor(array, "float64", "cpu", layout).zero_()
    np.testing.assert_array_equal(array, [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "array", [np.arange(6.0)[::-1], np.arange(6.0).reshape(2, 3).T, np.broadcast_to(1.5, (2, 3))]
)
def test_an_array_of_any_memory_order_becomes_a_tensor(array):
    np.testing.assert_array_equal(to_array(to_tensor(array, "float32", "cpu")), array)
    np.testing.assert_array_equal(round_to(array, "float16"), array)


def test_what_cannot_be_written_to_can_be_read():
    array = np.arange(3.0)
    array.flags.writeable = False
    np.testing.assert_array_equal(to_array(to_tensor(array, "float64", "cpu")), array)
    np.testing.assert_array_equal(round_to(array, "float64"), array)


def test_a_tensor_with_a_history_becomes_an_array():
    x = torch.tensor([1.5, 2.5], dtype=torch.bfloat16, requires_grad=True)
    assert to_array(x * 2).tolist() == [3.0, 5.0]
    assert to_array(x * 2).dtype == np.float64
    assert to_array(torch.tensor([True])).dtype == np.bool_


@given(st.sampled_from(DTYPES), st.integers(0, 2**31 - 1))
def test_a_case_alone_has_the_points_it_has_beside_others(dtype, seed):
    beside = [Case(SOFTMAX, "cpu", dtype, workload).points(seed) for workload in SOFTMAX.check]
    alone = Case(SOFTMAX, "cpu", dtype, SOFTMAX.check[-1]).points(seed)
    np.testing.assert_array_equal(alone[0].inputs[0], beside[-1][0].inputs[0])
