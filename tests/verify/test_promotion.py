"""The rule of promotion against torch's own, against what types hold, and against itself in another order."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.promotion import (
    BOOL,
    COMPLEX,
    COMPLEXES,
    DEFAULT,
    DTYPES,
    FLOATING,
    FLOATS,
    INTEGERS,
    NO_DIMENSION,
    NUMBER,
    TENSOR,
    Operand,
    arithmetical,
    category,
    floating,
    holding,
    places,
    promoted,
    same,
    widened,
)

ALL = (*DTYPES, *COMPLEXES)
RANKS = (TENSOR, NO_DIMENSION, NUMBER)
_NUMBERS = {"bool": True, "int64": 2, DEFAULT: 2.5}


def built(operand: Operand):
    """What torch is given for an operand."""
    if operand.rank == NUMBER:
        return _NUMBERS[operand.dtype]
    return torch.ones(() if operand.rank else (3,), dtype=getattr(torch, operand.dtype))


def operands():
    """All operands of whole and floating-point dtypes."""
    tensors = [Operand(dtype, rank) for dtype in DTYPES for rank in (TENSOR, NO_DIMENSION)]
    return [*tensors, *(Operand(dtype, NUMBER) for dtype in _NUMBERS)]


@pytest.mark.parametrize("a", operands(), ids=str)
def test_two_operands_meet_where_torch_says_they_do(a):
    for b in operands():
        if a.rank == b.rank == NUMBER:
            continue
        said = torch.result_type(built(a), built(b))
        assert getattr(torch, promoted((a, b))) == said, (a, b)


@pytest.mark.parametrize(("a", "b"), list(itertools.product(ALL, COMPLEXES)))
def test_a_complex_number_is_as_fine_as_what_it_meets(a, b):
    assert getattr(torch, promoted((Operand(a), Operand(b)))) == torch.promote_types(
        getattr(torch, a), getattr(torch, b)
    )


@given(st.sampled_from(ALL), st.sampled_from(ALL), st.sampled_from(ALL))
def test_the_order_of_operands_of_one_category_does_not_matter(a, b, c):
    assert holding(a, b) == holding(b, a)
    assert holding(a, a) == a
    if category(a) == category(b) == category(c):
        assert holding(holding(a, b), c) == holding(a, holding(b, c))


@given(st.sampled_from(tuple(INTEGERS)), st.sampled_from(tuple(INTEGERS)))
def test_a_whole_type_holds_the_ends_of_both_and_none_that_is_smaller_does(a, b):
    def holds(dtype: str) -> bool:
        info, needed = torch.iinfo(getattr(torch, dtype)), [torch.iinfo(getattr(torch, d)) for d in (a, b)]
        return all(info.min <= n.min and n.max <= info.max for n in needed)

    wide_enough = [dtype for dtype in INTEGERS if holds(dtype)]
    assert holding(a, b) == min(wide_enough, key=lambda d: torch.iinfo(getattr(torch, d)).bits)


@given(st.sampled_from(tuple(FLOATS)), st.sampled_from(tuple(FLOATS)))
def test_a_floating_type_holds_the_digits_and_the_range_of_both(a, b):
    held, both = torch.finfo(getattr(torch, holding(a, b))), [torch.finfo(getattr(torch, d)) for d in (a, b)]
    assert all(held.eps <= one.eps and held.max >= one.max and held.tiny <= one.tiny for one in both)


def test_no_operands_meet_nowhere():
    with pytest.raises(ValueError, match="no operands"):
        promoted(())


@pytest.mark.parametrize(
    ("rule", "of_bool", "of_int8", "of_half", "of_complex"),
    [
        (same, "bool", "int8", "float16", "complex64"),
        (floating, "float32", "float32", "float16", "complex64"),
        (widened, "int64", "int64", "float16", "complex64"),
        (arithmetical, "int64", "int8", "float16", "complex64"),
        (places, "int64", "int64", "int64", "int64"),
    ],
)
def test_rules(rule, of_bool, of_int8, of_half, of_complex):
    given_ = ("bool", "int8", "float16", "complex64")
    assert tuple(map(rule, given_)) == (of_bool, of_int8, of_half, of_complex)


def test_categories_are_in_order():
    assert [category(d) for d in ("bool", "uint8", "bfloat16", "complex128")] == [BOOL, 1, FLOATING, COMPLEX]
