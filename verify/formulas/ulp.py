"""Ulp: the spacing of a format's numbers, the unit in which an error is compared across magnitudes."""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array


def spacing(value: Any, arithmetic: Arithmetic) -> Array:
    """The distance between neighbouring numbers of a format in the binade of |value|.

    Below the smallest normal number it is the smallest subnormal; beyond the largest number it is the
    spacing of the topmost binade. nan gives nan.

    Source: Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., definition 2.6 (Goldberg's
    ulp, taken at the exact value).
    """
    magnitude = np.clip(
        np.abs(np.asarray(value, dtype=float)), arithmetic.smallest_normal, arithmetic.largest
    )
    _, exponent = np.frexp(magnitude)  # magnitude = m · 2^exponent, 1/2 ≤ m < 1
    spaced: Array = np.ldexp(np.full(magnitude.shape, 2 * arithmetic.u), exponent - 1)
    spaced = np.where(np.isnan(magnitude), np.nan, spaced)
    return spaced
