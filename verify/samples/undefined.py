"""Undefined: operators whose result, or a part of what is asked of it, torch's documentation leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_MEMORY = "torch documents its result as uninitialised memory"
# Reason by operator: why its result holds nothing that could be asked about.
UNWRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "empty": _MEMORY,
        "empty_like": _MEMORY,
        "empty_permuted": _MEMORY,
        "empty_strided": _MEMORY,
        "new_empty": _MEMORY,
        "new_empty_strided": _MEMORY,
        "resize_": _MEMORY,
        "resize_as_": _MEMORY,
    }
)

_STORAGE = "it reads the memory behind its input by strides of its own, whatever the input's"
_VIEW = "a view exists only where the input's strides allow it (torch documentation, Tensor.view)"
# Reason by operator: why its answer is not made of the entries of its inputs alone.
STORAGE: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("as_strided", "as_strided_copy", "as_strided_scatter"), _STORAGE)
)
# Reason by operator: why it may answer otherwise, or not at all, of the same numbers elsewhere in memory.
LAYOUT: Mapping[str, str] = MappingProxyType(
    {
        **STORAGE,
        "view": _VIEW,
        "view_as": _VIEW,
        "view_copy": _VIEW,
        "view_as_complex": _VIEW,
    }
)

# Reason by operator: why its value in one dtype is by definition not that in another.
DTYPE: Mapping[str, str] = MappingProxyType(
    {
        "nan_to_num": "it gives the largest number of the dtype, by definition",
        "nextafter": "it gives the neighbour in the dtype, by definition",
        "hash_tensor": "it gives a number made of the dtype's bits, by definition",
    }
)


def undefined(name: str) -> str | None:
    """Why torch leaves an operator's result open, or None where it is defined."""
    return UNWRITTEN.get(name)
