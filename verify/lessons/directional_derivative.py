"""Directional derivative: the slope along any direction is the gradient's product with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Note, Picture, Series

A = Arithmetic.of("float64")
PLACE = (1.0, 2.0)
# x² y + 3 x y² at (1, 2): ∂x = 2xy + 3y² and ∂y = x² + 6xy. Every number on the way is a whole one.
GRADIENT = (16.0, 13.0)
# Σ of every product on the way to a slope, all of them positive but for the direction's signs.
SIZE = sum(GRADIENT)
STEEPEST = math.hypot(*GRADIENT)
STEEPEST_DEGREES = math.degrees(math.atan2(GRADIENT[1], GRADIENT[0]))
DEGREES = 360
STEP = 2.0**-12


def _surface(place: Tensor) -> Tensor:
    x, y = place
    height: Tensor = x**2 * y + 3 * x * y**2
    return height


def _gradient() -> Tensor:
    place = torch.tensor(PLACE, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(_surface(place), place)[0]


def _slope(direction: Tensor) -> float:
    """The derivative along a direction by forward differentiation, which forms no gradient."""
    place = torch.tensor(PLACE, dtype=torch.float64)
    return float(torch.func.jvp(_surface, (place,), (direction,))[1])


def _unit(x: float, y: float) -> Tensor:
    direction = torch.tensor((x, y), dtype=torch.float64)
    unit: Tensor = direction / torch.linalg.vector_norm(direction)
    return unit


def _at(degrees: float) -> Tensor:
    angle = math.radians(degrees)
    return torch.tensor((math.cos(angle), math.sin(angle)), dtype=torch.float64)


def _difference(direction: Tensor) -> float:
    """(f(p + hd) − f(p − hd)) / 2h: neither a gradient nor a rule of differentiation."""
    place = torch.tensor(PLACE, dtype=torch.float64)
    ends = (_surface(place + STEP * direction), _surface(place - STEP * direction))
    return float((ends[0] - ends[1]) / (2 * STEP))


def _quotient_at_origin(direction: Tensor) -> float:
    """The difference quotient at 0 of x²y/(x² + y²), whose slope at 0 is this for every step."""
    x, y = STEP * direction
    return float(x**2 * y / (x**2 + y**2) / STEP)


def _partials() -> tuple[Figure, ...]:
    gradient = _gradient()
    return (
        Figure("first entry of the gradient at (1, 2)", float(gradient[0]), 16.0, 0.0, "2xy + 3y², exact"),
        Figure("second entry of the gradient", float(gradient[1]), 13.0, 0.0, "x² + 6xy, exact"),
        Figure("slope along (1, 0)", _slope(_unit(1, 0)), 16.0, 0.0, "the first partial derivative, exact"),
        Figure("slope along (0, 1)", _slope(_unit(0, 1)), 13.0, 0.0, "the second partial derivative, exact"),
    )


def _along_a_diagonal() -> tuple[Figure, ...]:
    diagonal = _unit(3.0, 4.0)
    return (
        Figure(
            "slope along (3, 4)/5",
            _slope(diagonal),
            (GRADIENT[0] * 3 + GRADIENT[1] * 4) / 5,
            float(A.gamma(8)) * SIZE,
            "(16·3 + 13·4)/5 = 20: the two entries of the direction have two roundings each, and each of the "
            "terms of a slope at most three products and three sums",
        ),
        Figure(
            "slope along (3, 4)/5 by a difference of 2⁻¹²",
            _difference(diagonal),
            20.0,
            _third_derivative(0.6, 0.8) * STEP**2 / 6 + float(A.gamma(9)) * _height() / STEP,
            "a cubic's difference is off by h²φ‴/6 exactly; each of two heights by nine roundings, over 2h",
        ),
    )


def _around(slopes: Sequence[float], products: Sequence[float]) -> tuple[Figure, ...]:
    return (
        Figure(
            "largest distance of slope and gradient · direction over 360 directions",
            max(abs(a - b) for a, b in zip(slopes, products, strict=True)),
            0.0,
            float(A.gamma(6) + A.gamma(2)) * SIZE,
            "from the same direction, a slope rounds its terms six times at most and the product twice",
        ),
        Figure(
            "direction of the largest slope",
            float(max(range(DEGREES), key=slopes.__getitem__)),
            STEEPEST_DEGREES,
            0.5,
            "the slope falls off alike on both sides of the gradient, so the whole degree nearest to it wins",
            "°",
        ),
    )


def _along_and_across_the_gradient() -> tuple[Figure, ...]:
    return (
        Figure(
            "slope along the gradient",
            _slope(_unit(*GRADIENT)),
            STEEPEST,
            float(A.gamma(12)) * SIZE,
            "its length, √425: squares, sum, root and quotient for the direction, and six for the slope",
        ),
        Figure(
            "slope across the gradient",
            _slope(_unit(-GRADIENT[1], GRADIENT[0])),
            0.0,
            float(A.gamma(12)) * 2 * GRADIENT[0] * GRADIENT[1] / STEEPEST,
            "−16·13 + 13·16 over √425: the same roundings, on two parts that cancel",
        ),
    )


def _without_a_derivative() -> Figure:
    return Figure(
        "slope of x²y/(x² + y²) at 0 along (1, 1)/√2, where both its partial derivatives are 0",
        _quotient_at_origin(_unit(1, 1)),
        math.sqrt(0.5) / 2,
        float(A.gamma(14)) * math.sqrt(0.5) / 2,
        "½√½ for every step: entries of the direction, of two roundings, count three times; eight more",
    )


def _picture(slopes: Sequence[float], products: Sequence[float]) -> Picture:
    every = range(0, DEGREES + 1, 10)
    return Picture(
        "The slope along a direction is the gradient's length times the cosine between them",
        "direction, degrees from the x axis",
        "slope at (1, 2)",
        (
            Series.of("gradient · direction", range(DEGREES), products),
            Series.of(
                "slope, by forward differentiation", every, [slopes[k % DEGREES] for k in every], "points"
            ),
            Series.of("0: along a contour", (0, DEGREES), (0.0, 0.0)),
        ),
        notes=(
            Note(STEEPEST_DEGREES, STEEPEST, "the gradient's direction"),
            Note(STEEPEST_DEGREES + 90, 0.0, "across it"),
            Note(STEEPEST_DEGREES + 160, -STEEPEST + 5, "against it"),
        ),
    )


def _show() -> Demonstration:
    gradient = _gradient()
    slopes = [_slope(_at(k)) for k in range(DEGREES)]
    products = [float(gradient @ _at(k)) for k in range(DEGREES)]
    figures = (
        *_partials(),
        *_along_a_diagonal(),
        *_around(slopes, products),
        *_along_and_across_the_gradient(),
        _without_a_derivative(),
    )
    return Demonstration(figures, _picture(slopes, products))


def _third_derivative(x: float, y: float) -> float:
    """φ‴ of φ(t) = f(p + td): six times the cubic form of the direction."""
    return 6 * (x**2 * y + 3 * x * y**2)


def _height() -> float:
    """A height that the surface stays below within a step of the place."""
    x, y = (value + STEP for value in PLACE)
    return x**2 * y + 3 * x * y**2


LESSON = Lesson(
    name="directional_derivative",
    title="Partial derivatives, gradient and directional derivative",
    claim=(
        "The gradient is the vector of all partial derivatives, the slope along a direction is its product "
        "with the direction, and it points where the slope is steepest."
    ),
    formula="D_d f = ∇f · d = ‖∇f‖ cos θ for ‖d‖ = 1: ‖∇f‖ along the gradient, 0 across it",
    holds=True,
    source="Apostol 1969, Calculus, vol. 2, 8.11 to 8.13",
    show=_show,
    condition=(
        "f is differentiable at the place. x²y/(x² + y²) has a slope in every direction at 0, and both "
        "partial derivatives are 0, but the slope along (1, 1)/√2 is not."
    ),
)
