"""Momentum: whether it carries descent out of a local minimum."""

from __future__ import annotations

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend, held_off
from verify.picture import Note, Picture, Series

A = Arithmetic.of("float64")
START, RATE, STEPS = 2.0, 0.02, 2000
LOCAL, GLOBAL = 1.0, -2.0


def valleys(x: Tensor) -> Tensor:
    """x⁴/4 + x³/3 − x²: a local minimum at 1, a barrier at 0, the global minimum at −2."""
    return x**4 / 4 + x**3 / 3 - x**2


def _path(start: float, momentum: float) -> Tensor:
    return descend(valleys, torch.tensor(start, dtype=torch.float64), RATE, STEPS, momentum)


def _held(minimum: float, momentum: float) -> float:
    x = abs(minimum)
    # x³ errs by a power and a product, x² by the rounding of 1/3 and two products more; then two sums.
    slope = (A.elementary + 5 * A.u) * (x**3 + x**2 + 2 * x)
    return held_off(3 * minimum**2 + 2 * minimum - 2, RATE, A.u * x, slope, momentum)


def _show() -> Demonstration:
    plain, strong, weak = (_path(START, momentum) for momentum in (0.0, 0.9, 0.5))
    because = (
        "each step rounds x and its slope, x³ + x² − 2x; the linear map of place and velocity carries these "
        "on and shrinks them, and 2000 steps leave nothing of the start"
    )
    figures = (
        Figure("end of plain descent from 2", float(plain[-1]), LOCAL, _held(LOCAL, 0.0), because),
        Figure("end with momentum 0.9 from 2", float(strong[-1]), GLOBAL, _held(GLOBAL, 0.9), because),
        Figure("end with momentum 0.5 from 2", float(weak[-1]), LOCAL, _held(LOCAL, 0.5), because),
        Figure(
            "end with momentum 0.9, started in the local minimum",
            float(_path(LOCAL, 0.9)[-1]),
            LOCAL,
            _held(LOCAL, 0.9),
            because,
        ),
    )
    shown = range(121)
    picture = Picture(
        "Enough momentum crosses the barrier; plain descent stays",
        "step",
        "x",
        (
            Series.of("momentum 0.9", shown, strong[:121]),
            Series.of("momentum 0.5", shown, weak[:121]),
            Series.of("plain descent", shown, plain[:121]),
            Series.of("barrier", (0, 120), (0, 0)),
        ),
        notes=(Note(92, LOCAL, "local minimum"), Note(92, GLOBAL - 0.45, "global minimum")),
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="momentum",
    title="Momentum and local minima",
    claim="Momentum carries descent out of local minima.",
    formula="v ← m v + ∇f(x);  x ← x − α v;  f'(x) = (x − 1) x (x + 2)",
    holds=False,
    source="Polyak 1964, Some methods of speeding up the convergence of iteration methods; torch.optim.SGD",
    show=_show,
    condition=(
        "It must arrive with speed enough for the barrier: from rest in a minimum it never leaves, and the "
        "smaller m is, the more of its speed a step loses (1 − m). For small steps it needs a start higher "
        "than the barrier."
    ),
    counterexample=(
        "On x⁴/4 + x³/3 − x² from x = 2 with rate 0.02, momentum 0.9 ends in the global minimum −2, "
        "momentum 0.5 in the local one at 1, as plain descent does; and from x = 1 itself momentum 0.9 "
        "stays too."
    ),
)
