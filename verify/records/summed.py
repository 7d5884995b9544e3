"""Vectors of terms put into products, so that one entry of the result is their sum."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from verify.summation import Summation

# Beside the row of terms stand three of numbers as large as can be multiplied: an algorithm that adds rows or
# blocks to each other before it multiplies, as Strassen's does, loses the terms in them.
_BESIDE = 3


def rows(terms: torch.Tensor) -> torch.Tensor:
    """The terms as the first of four rows. Shapes: (n,) to (4, n)."""
    large = 2.0 ** ((math.frexp(torch.finfo(terms.dtype).max)[1] - 1) // 2)
    return torch.cat([terms[None], terms.new_full((_BESIDE, len(terms)), large)])


def ones(terms: torch.Tensor) -> torch.Tensor:
    """Four columns of ones: each entry of a product with them is the sum of a row. Shapes: (n,) to (n, 4)."""
    return terms.new_ones(len(terms), 1 + _BESIDE)


def product(function: Any, terms: torch.Tensor) -> torch.Tensor:
    """The sum as the first entry of a product of two matrices."""
    result: torch.Tensor = function(rows(terms), ones(terms))
    return result[0, 0]


def batched_product(function: Any, terms: torch.Tensor) -> torch.Tensor:
    """The sum as the first entry of the first of two products."""
    result: torch.Tensor = function(rows(terms).expand(2, -1, -1), ones(terms).expand(2, -1, -1))
    return result[0, 0, 0]


def added_product(function: Any, terms: torch.Tensor) -> torch.Tensor:
    """The sum as the first entry of a product that is added to zeros."""
    result: torch.Tensor = function(terms.new_zeros(1 + _BESIDE), rows(terms), ones(terms))
    return result[0, 0]


def cascade(n: int) -> int:
    """The most additions in a row that torch's cascade makes of n terms.

    Four levels, each of which hands on what 2^q additions made of it, q = max(4, ⌊log₂ n / 4⌋): three of
    2^q additions and a last one of n/2^(3q) ≤ 2^(q+3), at most 11 · 2^q ≤ 8 · 2^⌈log₂ n / 4⌉ together where
    ⌊ ⌋ and ⌈ ⌉ differ, else 4 · 2^q; up to 36 more put 4 vectors of at most 32 lanes together.
    """
    return 8 * 2 ** max(4, math.ceil(math.log2(n) / 4))


CASCADE = "aten/src/ATen/native/cpu/SumKernel.cpp, cascade_sum"


def whole(parts: Callable[[int], int] = lambda n: 1) -> Summation:
    """A reduction that adds the whole of a vector by torch's cascade, and divides the sum by `parts`."""
    return Summation(lambda f, x: f(x), parts=parts, depth=cascade, source=CASCADE)


def ones_for_each(terms: torch.Tensor, *shape: int) -> torch.Tensor:
    """As many arrays of ones as there are terms. Shapes: (n,) to (n, *shape)."""
    return terms.new_ones(len(terms), *shape)


def of_gradient(
    position: int, inputs: Callable[[torch.Tensor], tuple[torch.Tensor, ...]], along: int = 0, **options: Any
) -> Summation:
    """The gradient of an input that takes part in n results, which is the sum of their cotangents.

    `inputs(terms)` makes each result hang on the input at `position` by a factor of 1; the dimension `along`
    of the result is that of the terms.
    """

    def call(function: Any, terms: torch.Tensor) -> torch.Tensor:
        given = list(inputs(terms))
        given[position] = leaf = given[position].clone().requires_grad_()
        y = function(*given, **options)
        shape = [1] * y.ndim
        shape[along] = len(terms)
        (gradient,) = torch.autograd.grad(y, leaf, terms.view(shape).expand_as(y).contiguous())
        return gradient.flatten()[0]

    return Summation(call, f"the gradient of input {position}")


PRODUCT = Summation(product)
BATCHED_PRODUCT = Summation(batched_product)
