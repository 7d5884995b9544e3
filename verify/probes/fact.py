"""Fact: what one probe proved of an implementation, and how. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """An answer with its proof: what was put in, and what came out.

    `name` is what was asked, `value` the answer in words. `regular` is False where a plain loop over K,
    in IEEE 754 arithmetic of the documented accumulator, would have answered otherwise.
    """

    name: str
    value: str
    proof: str
    regular: bool = True
