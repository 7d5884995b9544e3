"""Summation: how an operation is made to add the terms of a vector, and what it claims of the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Summation:
    """A call whose result is the sum of n terms, so that the order and the error of adding can be asked.

    `call(function, terms)` is given a vector and returns a tensor of one entry: the sum, divided by
    `parts(n)`. `of` says which one, where it is not an entry of the result (`the gradient of input 1`).
    What stands beside the terms must not change it: a product puts large numbers into other rows.
    `depth(n)` is the most additions in a row that the documented algorithm makes of n terms; None: it
    documents none. Source: where it is documented.
    """

    call: Callable[[Callable[..., Any], Any], Any]
    of: str = ""
    parts: Callable[[int], int] = lambda n: 1
    depth: Callable[[int], int] | None = None
    source: str = ""
