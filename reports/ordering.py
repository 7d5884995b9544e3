"""Ordering: operations in the catalogue's order, dtypes from the widest to the narrowest."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FLOATS = ("float64", "float32", "float16", "bfloat16")


def dtype_rank(dtype: str) -> tuple[int, str]:
    """A key that sorts the usual floating types as a reader expects them, any others after, by name."""
    return (_FLOATS.index(dtype), "") if dtype in _FLOATS else (len(_FLOATS), dtype)


def item_bytes(dtype: str) -> float | None:
    """The size of one element, from the number of bits in torch's own name of the type."""
    bits = re.search(r"\d+", dtype)
    return int(bits.group()) / 8 if bits else None


def listed(names: Iterable[str], first: Iterable[str]) -> tuple[str, ...]:
    """Each name once: those in `first` in its order, then the others alphabetically."""
    present = set(names)
    ordered = [name for name in first if name in present]
    return (*ordered, *sorted(present.difference(ordered)))
