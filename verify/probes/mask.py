"""Mask: the numbers that a summation is probed with, so that what is absorbed and counted is certain."""

from __future__ import annotations

import math
from dataclasses import dataclass

from verify.formulas.arithmetic import Arithmetic

# The widest accumulator that is taken for granted: float64's, in which torch accumulates some float32 sums on
# a cpu (at::acc_type), and its products' exact halves.
WIDEST = 53


@dataclass(frozen=True)
class Mask:
    """A large number and a unit: +`large` absorbs every sum of units that meets it, until −`large` undoes it.

    `bits` is the widest accumulator in which that is certain. At most `chunk` units are put in at a time, so
    that their count is held exactly in an accumulator as narrow as the stored type, and in the result.
    """

    large: float
    unit: float
    chunk: int
    bits: int

    @classmethod
    def of(cls, arithmetic: Arithmetic, terms: int, parts: int = 1) -> Mask | None:
        """The mask of a dtype for so many terms whose result is 1/`parts` of their sum; None: it has none.

        `large` is a power of 2 near the top of the range, at least a factor of 4 below the largest number, so
        that no partial sum leaves the range. Next to it an accumulator of p bits has spacing 2^(1−p) large
        above and half of that below: k units are absorbed on either side where k unit < 2^(−p−1) large.
        `unit` is 1, or where the range is short the smallest number.

        A count k of units is exact in p bits up to 2^p. Divided by `parts` it is rounded once or twice more,
        to within 2^(1−p) k, and still rounds to the right whole number where that is below 1/2: k < 2^(p−2).
        The quotient of one unit must not be lost below the smallest number either.
        """
        a = arithmetic
        precision = round(-math.log2(a.u))
        top = round(math.log2(a.largest)) - 1
        large, unit = 2.0**top / 2, a.smallest if top < 2 * WIDEST else 1.0
        if parts > 1 and unit / parts < a.smallest / a.u:
            return None
        chunk = 2 ** (precision if parts == 1 else precision - 3)
        chunk = min(chunk, terms)
        bits = int(math.log2(large / unit / chunk)) - 2
        return cls(large, unit, chunk, bits)
