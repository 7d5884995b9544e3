"""Allowance: what roundings explain of a row of numbers, from how far random changes of it moved them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verify.finite_differences.line import Vector
from verify.formulas.arithmetic import Arithmetic

# Roundings beside those of sums: two elementary functions, a shift, a product, a quotient, the storing.
ROUNDINGS = 12.0
_DEVIATIONS = 6.0
# How many random changes of each size are made.
CHANGES = 3
# How much smaller a change is that tells a jump: what a smooth number moves by is then 256 times smaller,
# and stays below a quarter although three random changes of each size may differ by a factor of ten.
NEARER = 256.0
_JUMPS = 1 / 4
# The witness's own roundings move its numbers by some 10⁴ u at most, or 2⁻⁴⁰ of them: less is no movement.
_UNMOVED = 2.0**-40


@dataclass(frozen=True)
class Allowance:
    """How far computed numbers may be from exact ones, and which of these jump within a rounding.

    Units: `bound` and `scale` are absolute; `visible` is the smallest relative error that would not pass.
    """

    bound: float
    scale: float
    visible: float
    jumps: np.ndarray


def passed(a: Arithmetic, *entries: int) -> float:
    """How many roundings of u a number passes through that sums up to so many entries.

    Six standard deviations of the sum of as many independent roundings of the accumulating type.
    Source: Higham & Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41
    (2019), theorem 2.4.
    """
    return ROUNDINGS + _DEVIATIONS * math.sqrt(max(1, *entries)) * a.w / a.u


def jumping(largest: float | Vector, far: Vector, near: Vector) -> np.ndarray:
    """Which numbers a much smaller change moves as far: a maximum goes to another entry, a corner is passed.

    Which side of the jump is right depends on the roundings. `far` and `near` are what changes of u and of u
    over `NEARER` made of numbers of size `largest`.
    """
    return np.asarray(~np.isfinite(far + near) | ((near > _JUMPS * far) & (near > _UNMOVED * largest)))


def allowance(a: Arithmetic, roundings: float, exact: Vector, far: Vector, near: Vector) -> Allowance:
    """What so many roundings of u explain of numbers that changes moved by `far` and `near`."""
    largest = float(np.max(np.abs(exact)))
    jumps = jumping(largest, far, near)
    shift = float(np.max(np.where(jumps, 0.0, far)))
    scale = largest + shift / a.u
    bound = roundings * (a.u * scale + a.smallest)
    # A number that vanishes is what is left of terms that cancel; these then are its size.
    vanishes = largest <= _UNMOVED * shift / a.u
    visible = bound / (shift / a.u if vanishes else largest) if scale else 0.0
    return Allowance(bound, scale, visible, jumps)
