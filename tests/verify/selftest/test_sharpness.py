"""Sharpness: median and largest of what was stated, and how many stated nothing."""

from __future__ import annotations

import math

import pytest

from verify.selftest.sharpness import Sharpness, sharpness


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ([], Sharpness(0, 0, None, None)),
        ([None, math.nan], Sharpness(0, 2, None, None)),
        ([3.0, 1.0, 2.0], Sharpness(3, 0, 2.0, 3.0)),
        ([4.0, None, 1.0, math.nan], Sharpness(2, 2, 2.5, 4.0)),
        ([0.0, 1.0, math.inf], Sharpness(3, 0, 1.0, math.inf)),
    ],
)
def test_what_is_not_stated_is_left_out_and_counted(visible, expected):
    assert sharpness(iter(visible)) == expected
