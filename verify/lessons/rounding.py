"""Rounding: floor, trunc, frac and round, and where a half goes."""

from __future__ import annotations

import torch

from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

HALVES = "halves and whole numbers of this size are exact"


def _halves() -> torch.Tensor:
    """−10.5, −9.5, …, 10.5: as many with an even number below as with an odd one."""
    return torch.arange(-11, 11, dtype=torch.float64) + 0.5


def _parts_differ() -> float:
    """Numbers that are not the sum of their trunc and frac: every size, both signs, whole and not."""
    sizes = 2.0 ** torch.arange(-1022, 1024, 7, dtype=torch.float64)
    x = torch.cat([sizes, sizes * 1.2, -sizes, -sizes * 1.7, _halves()])
    return float((torch.trunc(x) + torch.frac(x) != x).sum())


def _round(x: float) -> float:
    return float(torch.round(torch.tensor(x, dtype=torch.float64)))


def _show() -> Demonstration:
    halves = _halves()
    rounded = torch.round(halves)
    minus = torch.tensor(-1.5, dtype=torch.float64)
    figures = (
        Figure("round(0.5)", _round(0.5), 0.0, 0.0, HALVES),
        Figure("round(1.5)", _round(1.5), 2.0, 0.0, HALVES),
        Figure("round(2.5)", _round(2.5), 2.0, 0.0, HALVES),
        Figure("halves rounded to an odd number, of 22", float((rounded % 2 != 0).sum()), 0.0, 0.0, HALVES),
        Figure("mean of round(x) − x over 22 halves", float((rounded - halves).mean()), 0.0, 0.0, HALVES),
        Figure(
            "mean of floor(x + 1/2) − x over 22 halves",
            float((torch.floor(halves + 0.5) - halves).mean()),
            0.5,
            0.0,
            HALVES,
        ),
        Figure("trunc(−1.5)", float(torch.trunc(minus)), -1.0, 0.0, HALVES),
        Figure("floor(−1.5)", float(torch.floor(minus)), -2.0, 0.0, HALVES),
        Figure(
            "numbers other than trunc x + frac x",
            _parts_differ(),
            0.0,
            0.0,
            "x − trunc x has no more bits than x, so neither the difference nor the sum is rounded",
        ),
    )
    shown = torch.arange(-4, 4, dtype=torch.float64) + 0.5
    picture = Picture(
        "Where a half goes: to the even neighbour",
        "x, a half",
        "rounded",
        (
            Series.of("x itself", shown, shown),
            Series.of("floor(x + 1/2): half up", shown, torch.floor(shown + 0.5), "points"),
            Series.of("torch.round: half to even", shown, torch.round(shown), "points"),
        ),
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="rounding",
    title="A half goes to the even neighbour",
    claim="`round` rounds to the nearest whole number, and a half up.",
    formula="round(n + 1/2) = the even one of n and n + 1;  x = trunc x + frac x, frac x of x's sign",
    holds=False,
    source="torch.round; IEEE 754-2019, §4.3.1, roundTiesToEven",
    show=_show,
    condition=(
        "A half n + 1/2 goes up exactly if n is odd. All other numbers go to the nearest, so it is half up "
        "but for every second half; over many halves the errors cancel, which half up's do not."
    ),
    counterexample="round(0.5) = 0 and round(2.5) = 2; but round(1.5) = 2.",
)
