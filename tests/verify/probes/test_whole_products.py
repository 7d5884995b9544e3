"""Facts of whole products that hang on one operand, one side or one number of rows alone."""

from __future__ import annotations

import pytest
import torch

from verify.probes.multiplication import Multiplication
from verify.probes.product import blocks, rearranging, rows_alone

SIZE = 32
ROWS = (1, 2, 3, 8, 16)


def of(product):
    return Multiplication(product, "float32", size=SIZE)


def rounded(x):
    return x.bfloat16().float()


@pytest.mark.parametrize(
    "product", [lambda a, b: rounded(a) @ b, lambda a, b: a @ rounded(b)], ids=["left", "right"]
)
def test_an_operand_that_is_shortened_does_not_come_back_from_a_permutation(product):
    assert rearranging(of(product)).value == "change entries"
    assert rearranging(of(torch.mm)).value == "exact"


@pytest.mark.parametrize(
    "product",
    [
        lambda a, b: a @ b + 0.5 * (a.roll(SIZE // 2, 0) @ b),
        lambda a, b: a @ b + 0.5 * (a @ b.roll(SIZE // 2, 1)),
    ],
    ids=["rows", "columns"],
)
def test_a_product_that_mixes_rows_or_columns_is_told(product):
    found = blocks(of(product))
    assert found.value == "mixes rows, as Strassen's"
    assert not found.regular


@pytest.mark.parametrize("rows", ROWS)
def test_each_number_of_rows_is_looked_at(rows):
    def product(a, b):
        c = (a[:, :, None] * b).sum(1)  # each row by itself
        return torch.nextafter(c, 2 * c) if len(a) == rows else c

    found = rows_alone(of(product))
    assert found.value == "other bits"
    assert found.proof.startswith(f"of {rows} rows against {SIZE}")
