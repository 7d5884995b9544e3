from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.verify.probes.simulated import PRODUCTS, in_sequence
from verify.formulas.arithmetic import DTYPES
from verify.probes import grading
from verify.probes.grading import grade
from verify.probes.multiplication import Multiplication
from verify.probes.precision import threads

SHAPE = (6, 60, 7)


def graded(product, dtype="float32", operands=None, layout="contiguous", seed=0):
    with threads(1):
        return grade(Multiplication(product, dtype), SHAPE, layout, operands, seed)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
def test_what_torch_multiplies_is_explained(dtype, layout):
    for seed in range(3):
        found = graded(torch.mm, dtype, layout=layout, seed=seed)
        assert found.within
        assert found.certain <= 1
        assert found.layout == layout


@pytest.mark.parametrize("name", ["float32 in sequence", "fused multiply-add", "K in four parts"])
def test_a_plain_product_comes_near_its_bounds_and_stays_within(name):
    found = graded(PRODUCTS[name])
    assert found.within
    assert found.random > 0.05
    assert found.certain < 1


@pytest.mark.parametrize(
    "name",
    [
        "operands rounded to bfloat16",
        "left operand rounded to bfloat16",
        "operands cut to 11 bits",
        "float16 accumulator",
        "20 bits",
        "an entry lost",
    ],
)
def test_too_few_bits_are_not_explained(name):
    assert not graded(PRODUCTS[name]).within


def test_partial_sums_that_are_cut_off_drift_beyond_random_roundings():
    """Of one sign and many: the worst case γ lets them pass, random roundings do not explain them."""

    def positive(a, b):
        return PRODUCTS["partial sums cut off"](a.abs(), b.abs())

    with threads(1):
        m = Multiplication(positive, "float32")
        m_random = m.random

        class Positive(Multiplication):
            def random(self, rows, columns, seed=0):
                return np.abs(m_random(rows, columns, seed))

        found = grade(Positive(positive, "float32"), (3, 1000, 2), "contiguous")
    assert found.certain < 1
    assert not found.within


def test_a_mode_is_granted_the_bits_that_it_promises_and_no_fewer():
    cut = PRODUCTS["operands cut to 11 bits"]
    assert graded(cut, operands=11).within
    assert graded(cut, operands=8).within
    rounded = PRODUCTS["operands rounded to bfloat16"]
    assert graded(rounded, operands=8).within
    assert not graded(rounded, operands=13).within
    assert graded(rounded, operands=24) == graded(rounded)


def test_storing_in_a_narrow_type_is_taken_off():
    def wide(a, b):
        return in_sequence(a.float(), b.float()).to(a.dtype)

    found = graded(wide, "bfloat16")
    assert found.within
    assert found.random < 1e-3

    def narrow(a, b):
        return in_sequence(a, b)

    assert not graded(narrow, "bfloat16").within


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_errors_against_float64_are_those_against_fractions(dtype):
    m = Multiplication(torch.mm, dtype)
    a, b = m.random(4, 30, 1), m.random(30, 3, 2)
    exact, errors, at = grading._errors(m, a, b, m(a, b))
    for value, error, i, j in zip(exact, errors, *at, strict=True):
        true = grading._exact(a[i], b[:, j])
        slow = abs(Fraction(float(m(a, b)[i, j])) - true)
        # float64's own error is added, so that what is given is a bound.
        assert (
            slow
            <= Fraction(error)
            <= slow + Fraction(2 * 30 * 2.0**-53 * float(np.abs(a[i]) @ np.abs(b[:, j])))
        )
        assert value == pytest.approx(float(true), abs=1e-13)


def test_on_several_threads_the_order_is_not_asked():
    with threads(2):
        found = grade(Multiplication(torch.mm, "float32"), SHAPE, "contiguous")
    assert found.depth is None
    assert found.threads == 2


def test_an_order_that_cannot_be_told_leaves_the_bound_of_any_order():
    def shuffled(a, b):
        order = torch.randperm(a.shape[1])
        return in_sequence(a[:, order], b[order])

    found = graded(shuffled)
    assert found.depth is None
    assert found.within


@pytest.mark.parametrize("row", range(SHAPE[0]))
def test_where_entries_are_sampled_each_row_is_among_them(row):
    """48 of 42 entries miss a row of six once in 6000 draws; these are always the same."""

    def lost(a, b):
        c = torch.mm(a, b)
        c[row] = 0
        return c

    assert not graded(lost, "float64").within
