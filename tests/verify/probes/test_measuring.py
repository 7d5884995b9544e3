import dataclasses
import json

import numpy as np
import pytest
import torch

from reports.numerics import cards_of
from tests.verify.probes.orders import ORDERS
from verify.probes import measuring
from verify.probes.card import to_json
from verify.probes.ordering import order
from verify.probes.precision import modes, threads
from verify.storage import NUMERICS_SCHEMA


@pytest.fixture(scope="module")
def measured():
    patch = pytest.MonkeyPatch()
    patch.setattr(measuring, "SHAPES", ((16, 16, 16), (1, 20, 1)))
    patch.setattr(measuring, "LENGTHS", (8, 16))
    patch.setattr(measuring, "THREADED", 32)
    told = []
    before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    found = measuring.card("cpu", told.append)
    assert (torch.get_float32_matmul_precision(), torch.get_num_threads()) == before
    assert len(told) == measuring.steps("cpu")
    patch.undo()
    return found


def test_every_dtype_is_asked_in_every_mode(measured):
    asked = [(p.dtype, p.mode) for p in measured.products]
    assert asked == [
        (d, m.name) for d in ("float64", "float32", "float16", "bfloat16") for m in modes("cpu", d)
    ]
    assert {("float32", "highest"), ("float32", "high"), ("float32", "medium")} <= set(asked)


def test_what_is_measured_is_explained_and_every_order_told(measured):
    assert not measured.unexplained
    assert all(o.tree is not None for o in measured.orders)
    assert {o.terms for o in measured.orders} == {8, 16}
    assert 0 < measured.millions < 1e-4


def test_an_error_that_is_not_explained_is_listed(measured):
    (products, *_) = measured.products
    bad = dataclasses.replace(products.grades[0], explained=1.01)
    spoilt = dataclasses.replace(products, grades=(bad, *products.grades[1:]))
    assert dataclasses.replace(measured, products=(spoilt,)).unexplained == ((spoilt, bad),)


def test_a_mode_that_keeps_fewer_bits_than_it_promises_is_listed(measured):
    assert not measured.short
    (products, *_) = measured.products
    spoilt = dataclasses.replace(products, operands=products.promised - 1)
    assert dataclasses.replace(measured, products=(spoilt,)).short == (spoilt,)
    assert {p.mode: p.promised for p in measured.products if p.dtype == "float32"} == {
        "highest": 24,
        "high": 11,
        "medium": 8,
    }


def test_a_card_is_read_back_as_it_was_written(measured):
    document = {
        "schema": NUMERICS_SCHEMA,
        "measured": "now",
        "torch": torch.__version__,
        "machine": {},
        "cards": [to_json(measured)],
    }
    (read,) = cards_of(json.loads(json.dumps(document))).cards
    assert read == measured


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mode_is_set_while_it_is_open_and_restored_even_after_an_error(dtype):
    before, asked = torch.get_float32_matmul_precision(), modes("cpu", dtype)
    for mode in asked:
        with mode.entered():
            inside = torch.get_float32_matmul_precision()
        assert inside == (mode.name if dtype == "float32" else before)
        with pytest.raises(KeyError), mode.entered():
            raise KeyError
        assert torch.get_float32_matmul_precision() == before


def test_reduced_reductions_are_modes_of_a_gpu_alone():
    assert [m.name for m in modes("cuda:0", "bfloat16")] == ["full reductions", "reduced reductions"]
    assert [m.name for m in modes("cpu", "bfloat16")] == ["default"]
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_fp16_reduced_precision_reduction
    for mode, allowed in zip(modes("cuda", "float16"), (False, True), strict=True):
        with mode.entered():
            assert matmul.allow_fp16_reduced_precision_reduction == allowed
    assert matmul.allow_fp16_reduced_precision_reduction == before


def test_the_number_of_threads_is_restored():
    before = torch.get_num_threads()
    with threads(1):
        assert torch.get_num_threads() == 1
    with pytest.raises(KeyError), threads(1):
        raise KeyError
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("kind", "dtype"), [("float32", "float32"), ("float32", "bfloat16"), ("float64", "float32")]
)
def test_the_type_that_is_added_in_is_found_by_its_bits(kind, dtype):
    added = ORDERS["lanes"].sum_in(np.dtype(kind).type)
    stored = getattr(torch, dtype)

    def add(values):
        return float(torch.tensor(added(values), dtype=torch.float64).to(stored))

    found = order("sum", add, dtype, 100)
    assert (found.added_in, found.reason) == (kind, "")


def test_a_sum_whose_bits_no_tree_gives_is_said_to_have_none():
    added = ORDERS["pairwise"].sum_in(np.float32)

    def scaled(values):
        # The right order of numbers that have been cut to 20 bits on the way.
        kept = torch.from_numpy(values).float().view(torch.int32) & -16
        return added(kept.view(torch.float32).double().numpy())

    found = order("sum", scaled, "float32", 50)
    assert found.tree is not None
    assert found.added_in == ""


def test_an_order_that_is_not_told_says_why():
    found = order("sum", lambda values: float("nan"), "float32", 5)
    assert found.tree is None
    assert "units at other terms" in found.reason
