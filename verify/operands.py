"""Operands: inputs of given dtypes and ranks for an operation, small ones and the ends of a range."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import torch

from verify.case import Case
from verify.operation import Array
from verify.promotion import (
    BOOL,
    COMPLEX,
    DEFAULT,
    FLOATING,
    INTEGERS,
    NO_DIMENSION,
    NUMBER,
    TENSOR,
    Operand,
    Promotion,
    category,
)

# Numbers that every dtype of a category holds; a quarter tells a number that was cut to a whole one.
_WHOLE, _SIGNED, _QUARTERS = (1, 2, 0, 3, 5), (1, -2, 0, 3, -5), (1.25, -2.0, 0.75, 3.0, -0.5)
_RANKS = {TENSOR: "tensor", NO_DIMENSION: "tensor without dimensions", NUMBER: "number"}
_SPELT = {"bool": True, "int64": 2, DEFAULT: 2.5}


@dataclass(frozen=True)
class Mixture:
    """A call by the dtypes and ranks of its operands."""

    operands: tuple[Operand, ...]

    @property
    def name(self) -> str:
        """The operands in words."""
        return " and ".join(f"{o.dtype} {_RANKS[o.rank]}" for o in self.operands)

    @property
    def complex_and_ranked(self) -> bool:
        """Whether a complex operand meets one of another rank."""
        unlike = len({o.rank for o in self.operands}) > 1
        return unlike and any(category(o.dtype) == COMPLEX for o in self.operands)


def alike(case: Case, promotion: Promotion) -> Iterator[Mixture]:
    """Every dtype that is taken, for all inputs."""
    count = len(case.workload.shapes)
    yield from (Mixture((Operand(dtype),) * count) for dtype in promotion.takes)


def mixtures(case: Case, promotion: Promotion) -> Iterator[Mixture]:
    """Every pair of dtypes, with dimensions and without them; and a Python number for the last."""
    # What is joined has dimensions; what is entrywise may have none.
    entrywise = case.operation.entrywise(case.workload.options)
    ranks = (TENSOR, NO_DIMENSION) if entrywise else (TENSOR,)
    if promotion.mixed:
        for a, b in itertools.product(promotion.takes, repeat=2):
            for first, second in itertools.product(ranks, repeat=2):
                if a != b or first != second:
                    yield Mixture((Operand(a, first), Operand(b, second)))
    if promotion.numbers:
        kinds = {category(dtype) for dtype in promotion.takes}
        numbers = [dtype for dtype in _SPELT if category(dtype) in kinds]
        for a, b, first in itertools.product(promotion.takes, numbers, ranks):
            yield Mixture((Operand(a, first), Operand(b, NUMBER)))


def small(case: Case, mixture: Mixture) -> tuple[Any, ...]:
    """Inputs of a call, of small numbers; each begins with another of them."""
    shapes = case.workload.shapes
    return tuple(
        _SPELT[operand.dtype]
        if operand.rank == NUMBER
        else tensor(case, _few(operand)[i:], operand.dtype, () if operand.rank else shapes[i])
        for i, operand in enumerate(mixture.operands)
    )


def _few(operand: Operand) -> tuple[float, ...]:
    dtype = operand.dtype
    if category(dtype) >= FLOATING:
        # All digits, so that a narrower type on the way shows; but what has no dimensions may itself be
        # converted to a narrower type.
        step = torch.finfo(getattr(torch, dtype)).eps if operand.rank == TENSOR else 0.0
        return tuple(x * (1 + step) for x in _QUARTERS)
    return (1, 0, 1) if category(dtype) == BOOL else _SIGNED if INTEGERS[dtype][1] else _WHOLE


def ends(case: Case, dtype: str) -> tuple[torch.Tensor, ...]:
    """Inputs of the ends of an integral type and what lies beside them and 0; of two entrywise, all pairs."""
    bits, signed = INTEGERS[dtype]
    low, high = -(2**bits) if signed else 0, 2**bits - 1
    numbers = [low, high, low + 1, high - 1, 0, 1, 2, -1 if signed else high // 2]
    shapes = case.workload.shapes
    if len(shapes) == 2 and case.operation.entrywise(case.workload.options):
        x, y = zip(*itertools.product(numbers, repeat=2), strict=True)
        return tensor(case, x, dtype, (len(x),)), tensor(case, y, dtype, (len(y),))
    return tuple(tensor(case, numbers[i:], dtype, shape) for i, shape in enumerate(shapes))


def tensor(case: Case, numbers: Sequence[float], dtype: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A tensor of a shape, of these numbers over and over."""
    needed = list(itertools.islice(itertools.cycle(numbers), math.prod(shape)))
    kind = getattr(torch, dtype)
    return torch.tensor(needed, dtype=kind, device=case.device).reshape(shape)


def whole(x: Any) -> Array:
    """Whole numbers and truth values as Python's own, which never overflow. Shapes: that of x.

    Raises: ValueError for a ball that does not contain exactly one whole number.
    """
    return _entry_by_entry(_python_integer, x.tolist() if isinstance(x, torch.Tensor) else x)


def wrapped(exact: Array, dtype: str) -> Array:
    """Whole numbers as a type of so many bits holds them, in two's complement; truth values as such.

    Shapes: that of the numbers.
    """
    if category(dtype) == BOOL:
        return _entry_by_entry(bool, exact)
    bits, signed = INTEGERS[dtype]
    low, numbers = (-(2**bits), 2 ** (bits + 1)) if signed else (0, 2**bits)
    return _entry_by_entry(lambda n: (n - low) % numbers + low, exact)


def _entry_by_entry(function: Callable[[Any], Any], x: Any) -> Array:
    """A function of every entry, as Python objects. Shapes: that of x."""
    numbers: Array = np.array(x, dtype=object)
    made: Array = np.vectorize(function, otypes=[object])(numbers) if numbers.size else numbers
    return made


def _python_integer(n: Any) -> int:
    if not isinstance(n, flint.arb):
        return int(n)
    only = n.unique_fmpz()
    if only is None:
        raise ValueError(f"{n} is no one whole number")
    return int(only)
