"""Operators: torch's own records of its operators, which name the samples that torch's tests use.

They are in `torch.testing._internal`, which is private: it moves between releases and needs `expecttest`.
`pip install 'torchstone[samples]'` brings what it needs.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from verify.selection import choose

_SAMPLE = re.compile(r"(?P<name>[^\[]+)\[(?P<device>[^-]+)-(?P<dtype>[^-]+)-sample-(?P<number>\d+)\]")
# Records of these kinds say of an operator that each entry of its result comes of one entry of each input.
_ELEMENTWISE = ("UnaryUfuncInfo", "BinaryUfuncInfo")


class Missing(ValueError):
    """torch's samples cannot be imported here; the message says what to install."""


def every_operator() -> Mapping[str, Any]:
    """torch's own records of all operators that it ships samples for, by name.

    Raises: Missing where torch's samples or what they need are not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            database = importlib.import_module("torch.testing._internal.common_methods_invocations").op_db
    except ImportError as error:
        raise Missing(
            f"torch's samples cannot be imported ({error}): pip install 'torchstone[samples]'"
        ) from error
    return MappingProxyType({name_of(o): o for o in database})


def operators(dtype: str = "float64") -> Mapping[str, Any]:
    """The records of the operators that have a gradient in a dtype, by name. Raises: Missing."""
    wanted = getattr(torch, dtype)
    return {name: o for name, o in every_operator().items() if o.supports_autograd and wanted in o.dtypes}


def name_of(record: Any) -> str:
    """What an operator is called: torch's name, and its variant where it has several."""
    variant = record.variant_test_name
    return f"{record.name}.{variant}" if variant else str(record.name)


def elementwise(record: Any) -> bool:
    """Whether torch's record declares the operator to work entry by entry."""
    return any(kind.__name__ in _ELEMENTWISE for kind in type(record).__mro__)


def entry_by_entry(record: Any, tensors: int) -> bool:
    """Whether it is declared elementwise in all of so many tensors.

    Further tensors of a unary operator are its parameters, such as a weight of each channel.
    """
    unary = any(kind.__name__ == "UnaryUfuncInfo" for kind in type(record).__mro__)
    return elementwise(record) and (tensors == 1 or not unary)


def chosen(patterns: Sequence[str], known: Mapping[str, Any]) -> dict[str, frozenset[int] | None]:
    """The operators that globs speak of, and the samples that whole names such as
    `fmod[cpu-float64-sample-7]` ask for; None stands for all of an operator's. Raises: UnknownName.
    """
    whole = [m for p in patterns if (m := _SAMPLE.fullmatch(p))]
    globs = [p for p in patterns if not _SAMPLE.fullmatch(p)]
    every = set(choose("operator", globs, known)) if globs or not whole else set()
    single: dict[str, set[int]] = {}
    for match in whole:
        for name in choose("operator", (match["name"],), known):
            single.setdefault(name, set()).add(int(match["number"]))
    return {
        name: None if name in every else frozenset(single[name])
        for name in known
        if name in every or name in single
    }
