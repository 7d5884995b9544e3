"""Binades: what holds at every exponent of a format, found by looking at few of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from verify.formulas.arithmetic import Arithmetic

Look = TypeVar("Look", bound=Hashable)

# Exponents near 0 that are looked at one by one. What is made of exp, tanh or erf turns where x reaches the
# logarithm of u or of the largest number, or a root of one: at log₂ 709.8 = 9.5 at most, and not below −1.
_TURNS = range(-2, 11)
# A thorough survey looks at so many exponents more, evenly spaced.
_EVENLY = 48


@dataclass(frozen=True)
class Stretch(Generic[Look]):
    """Neighbouring exponents at which the same was seen. Units: binades, both ends included."""

    first: int
    last: int
    seen: Look

    @property
    def binades(self) -> int:
        """How many exponents it holds."""
        return self.last - self.first + 1


def survey(look: Callable[[int], Look], exponents: Iterable[int]) -> tuple[Stretch[Look], ...]:
    """Stretches from the first exponent to the last, their ends found by bisection.

    Between two of `exponents` at which the same is seen nothing else is looked for.
    """
    places = sorted(set(exponents))
    seen = {place: look(place) for place in places}
    gaps = list(itertools.pairwise(places))
    while gaps:
        low, high = gaps.pop()
        if high - low > 1 and seen[low] != seen[high]:
            middle = (low + high) // 2
            seen[middle] = look(middle)
            gaps += [(low, middle), (middle, high)]
    return _joined(seen)


def _joined(seen: dict[int, Look]) -> tuple[Stretch[Look], ...]:
    stretches: list[Stretch[Look]] = []
    for place in sorted(seen):
        if stretches and stretches[-1].seen == seen[place]:
            stretches[-1] = Stretch(stretches[-1].first, place, seen[place])
        else:
            stretches.append(Stretch(place, place, seen[place]))
    return tuple(stretches)


def exponents(a: Arithmetic, thorough: bool) -> tuple[int, ...]:
    """Where to look first: at both ends, and wherever an algorithm is apt to leave the range or its digits.

    A product of d factors leaves the range at 1/d of its ends (d = 2, 3, and 2/3 for the power 3/2); a sum
    with 1 loses its digits at the precision p, one with a square at p/2.
    """
    low, high = a.exponents
    precision = round(-math.log2(a.u))
    roots = [end * n // 6 for end in a.exponents for n in (2, 3, 4)]
    rounded = [sign * precision // n for sign in (-1, 1) for n in (1, 2)]
    evenly = range(low, high, max(1, (high - low) // _EVENLY)) if thorough else ()
    chosen = {low, high - 1, high, *_TURNS, *roots, *(root + 1 for root in roots), *rounded, *evenly}
    return tuple(sorted(place for place in chosen if low <= place <= high))
