"""Operands: every pair of dtypes is met, and whole numbers are exact whatever their size."""

from __future__ import annotations

import flint
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.case import Case
from verify.operands import alike, ends, mixtures, small, whole, wrapped
from verify.operations import catalogue
from verify.promotion import INTEGERS, NO_DIMENSION, NUMBER, TENSOR

ADD = Case(catalogue()["add"], "cpu", "float32", catalogue()["add"].check[0])
CAT = Case(catalogue()["cat"], "cpu", "float32", catalogue()["cat"].check[0])


def ranks(case: Case):
    return {tuple(o.rank for o in m.operands) for m in mixtures(case, case.operation.promotion)}


def test_entries_meet_with_and_without_dimensions_and_numbers():
    assert ranks(ADD) == {
        (TENSOR, TENSOR),
        (TENSOR, NO_DIMENSION),
        (NO_DIMENSION, TENSOR),
        (NO_DIMENSION, NO_DIMENSION),
        (TENSOR, NUMBER),
        (NO_DIMENSION, NUMBER),
    }


def test_what_is_joined_has_dimensions():
    assert ranks(CAT) == {(TENSOR, TENSOR)}


def test_every_pair_of_dtypes_meets_once_in_each_form():
    promotion = ADD.operation.promotion
    met = [m.operands for m in (*alike(ADD, promotion), *mixtures(ADD, promotion))]
    assert len(met) == len(set(met))
    pairs = {(a.dtype, b.dtype) for a, b in met if a.rank == b.rank == TENSOR}
    assert pairs == {(a, b) for a in promotion.takes for b in promotion.takes}


def test_inputs_have_the_dtypes_and_ranks_of_their_operands():
    for mixture in mixtures(ADD, ADD.operation.promotion):
        for operand, x in zip(mixture.operands, small(ADD, mixture), strict=True):
            if operand.rank == NUMBER:
                assert not isinstance(x, torch.Tensor)
            else:
                assert x.dtype == getattr(torch, operand.dtype)
                assert x.shape == (() if operand.rank else (7,))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_ends_of_a_range_meet_each_other(dtype):
    x, y = ends(ADD, dtype)
    info = torch.iinfo(x.dtype)
    met = set(zip(x.tolist(), y.tolist(), strict=True))
    assert {(a, b) for a in (info.min, info.max) for b in (info.min, info.max)} <= met


@given(st.sampled_from(tuple(INTEGERS)), st.integers(-(2**200), 2**200))
def test_wrapping_keeps_the_last_bits(dtype, n):
    info = torch.iinfo(getattr(torch, dtype))
    (kept,) = wrapped(whole([n]), dtype)
    assert info.min <= kept <= info.max
    assert (kept - n) % 2**info.bits == 0


def test_whole_numbers_of_any_kind_are_pythons_own():
    with flint.ctx.workprec(128):
        ball = flint.arb(2**63 - 1)
    for x in (torch.tensor([2**63 - 1]), [2**63 - 1], [ball]):
        assert whole(x).tolist() == [2**63 - 1]
    assert whole(torch.tensor(True)).tolist() == 1
    with pytest.raises(ValueError, match="no one whole number"):
        whole([flint.arb(0.5)])
