"""Promotion: which dtype comes of which dtypes, as torch documents it.

Source: torch documentation, Tensor Attributes, torch.dtype: categories are ordered bool < integral < floating
< complex. Tensors with dimensions decide, as long as none without dimensions and no Python number is of a
higher category; then that decides, of a size that its own category needs. Within a category the result is the
smallest dtype that holds all of both. A Python number is a bool, an int64, or of the default dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

BOOL, INTEGRAL, FLOATING, COMPLEX = range(4)
# The bits of the digits of each integral type, with those of its sign; and what each floating type can hold:
# the bits of its precision and of its exponent (IEEE 754-2019, table 3.5; bfloat16 has 8 and 8).
INTEGERS = {
    "uint8": (8, False),
    "int8": (7, True),
    "int16": (15, True),
    "int32": (31, True),
    "int64": (63, True),
}
FLOATS = {"float16": (11, 5), "bfloat16": (8, 8), "float32": (24, 8), "float64": (53, 11)}
# Of each of its two parts.
COMPLEXES = {"complex64": FLOATS["float32"], "complex128": FLOATS["float64"]}
_SIZES: Mapping[int, Mapping[str, tuple[int, int]]] = {
    INTEGRAL: INTEGERS,
    FLOATING: FLOATS,
    COMPLEX: COMPLEXES,
}
DTYPES = ("bool", *INTEGERS, *FLOATS)
# torch.get_default_dtype() unless it is set.
DEFAULT = "float32"


@dataclass(frozen=True)
class Operand:
    """One operand: its dtype by torch's name, and its rank: with dimensions, without, or a Python number."""

    dtype: str
    rank: int = 0


TENSOR, NO_DIMENSION, NUMBER = range(3)


def category(dtype: str) -> int:
    """Bool, integral, floating or complex, in that order."""
    return next((kind for kind, dtypes in _SIZES.items() if dtype in dtypes), BOOL)


def promoted(operands: Sequence[Operand]) -> str:
    """The dtype in which operands meet."""
    found: str | None = None
    for rank in (TENSOR, NO_DIMENSION, NUMBER):
        of_rank = [operand.dtype for operand in operands if operand.rank == rank]
        if not of_rank:
            continue
        held = of_rank[0]
        for dtype in of_rank[1:]:
            held = holding(held, dtype)
        if found is None or category(held) > category(found):
            found = held
    if found is None:
        raise ValueError("no operands")
    return found


def holding(a: str, b: str) -> str:
    """The smallest dtype of the higher category that holds all values that either has in it.

    A complex number's parts are as fine as a floating-point number that it meets.
    """
    higher, lower = (a, b) if category(a) >= category(b) else (b, a)
    if category(higher) == BOOL or (category(higher) > category(lower) and category(lower) < FLOATING):
        return higher
    needed = (_SIZES[category(higher)][higher], _SIZES[category(lower)][lower])
    sizes = _SIZES[category(higher)].items()
    return next(dtype for dtype, size in sizes if all(_all_of(need, size) for need in needed))


def _all_of(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one type holds all values of another: both its digits and its sign, or its exponent, fit."""
    return size[0] <= other[0] and size[1] <= other[1]


Rule = Callable[[str], str]


def same(dtype: str) -> str:
    """The dtype of the operands."""
    return dtype


def floating(dtype: str) -> str:
    """Of whole numbers and truth values the default dtype: they have no quotients and no roots."""
    return dtype if category(dtype) >= FLOATING else DEFAULT


def widened(dtype: str) -> str:
    """Of whole numbers and truth values int64, in which many can be added."""
    return dtype if category(dtype) >= FLOATING else "int64"


def arithmetical(dtype: str) -> str:
    """Truth values as whole numbers, where a Python number takes part."""
    return "int64" if dtype == "bool" else dtype


def places(dtype: str) -> str:
    """Places in the input."""
    return "int64"


@dataclass(frozen=True)
class Promotion:
    """What an operation makes of the dtypes of its inputs.

    `result` gives the dtype of the result by that in which the inputs meet. `mixed`: tensors of several
    dtypes are taken; `numbers`: and Python numbers in place of the last. `takes` are the dtypes that are
    promised, `refuses` those documented as an error. Of whole numbers the result is exact, modulo 2^bits
    where it is too large.
    Source: the page of torch's documentation, or of the standard.
    """

    result: Rule
    source: str
    mixed: bool = False
    numbers: bool = False
    takes: tuple[str, ...] = DTYPES
    refuses: tuple[str, ...] = ()
