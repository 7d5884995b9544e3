"""Vanishing gradient: what fifty layers of sigmoid, tanh and ReLU leave of a gradient."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

A = Arithmetic.of("float64")
LAYERS = 50
START = 0.5


def _through(layer: Callable[[Tensor], Tensor], layers: int) -> float:
    """The gradient of that many layers, one after the other, at `START`."""
    start = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    x = start
    for _ in range(layers):
        x = layer(x)
    return float(torch.autograd.grad(x, start)[0])


def _sigmoids() -> tuple[float, float]:
    """Π s(1 − s) over the layers' values s, and the relative error of evaluating it."""
    x, product, error, carried = START, 1.0, 0.0, 0.0
    for _ in range(LAYERS):
        s = 1 / (1 + math.exp(-x))
        # exp's error reaches s by the share 1 − s; the sum and the quotient round; what s was given
        # counts by the slope s(1 − s).
        carried = ((1 - s) * A.elementary + 2 * A.u) * s + s * (1 - s) * carried
        product *= s * (1 - s)
        error += 3 * A.u + abs(1 - 2 * s) / (s * (1 - s)) * carried
        x = s
    return product, error


def _tanhs() -> tuple[float, float]:
    """Π (1 − t²) over the layers' values t, and the relative error of evaluating it."""
    t, product, error = START, 1.0, 0.0
    for layer in range(1, LAYERS + 1):
        t = math.tanh(t)
        product *= 1 - t * t
        # tanh's relative condition number is at most 1, so relative errors add up layer by layer.
        error += 3 * A.u + 2 * t * t / (1 - t * t) * layer * A.elementary
    return product, error


def _steep() -> float:
    """The gradient of one sigmoid layer with weight 8, at 0."""
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)
    return float(torch.autograd.grad(torch.sigmoid(8 * x), x)[0])


def _largest_factor() -> float:
    x = torch.linspace(-8, 8, 1025, dtype=torch.float64, requires_grad=True)
    return float(torch.autograd.grad(torch.sigmoid(x).sum(), x)[0].max())


def _show() -> Demonstration:
    (sigmoid, sigmoid_error), (tanh, tanh_error) = _sigmoids(), _tanhs()
    both = "; torch and the product beside it each round so, hence twice"
    figures = (
        Figure(
            "gradient through 50 sigmoid layers",
            _through(torch.sigmoid, LAYERS),
            sigmoid,
            2 * sigmoid_error * sigmoid,
            "a factor s(1 − s) rounds three times and takes the error of s by |1 − 2s|/(s(1 − s))" + both,
        ),
        Figure(
            "gradient through 50 tanh layers",
            _through(torch.tanh, LAYERS),
            tanh,
            2 * tanh_error * tanh,
            "a factor 1 − t² rounds three times and takes t's relative error by 2t²/(1 − t²)" + both,
        ),
        Figure(
            "gradient through 50 ReLU layers",
            _through(torch.relu, LAYERS),
            1.0,
            0.0,
            "on the active path every factor is 1, and a product of ones rounds nothing",
        ),
        Figure(
            "largest factor of a sigmoid layer",
            _largest_factor(),
            0.25,
            0.0,
            "σ(0) = 1/2 and 1/2·(1 − 1/2) are exact, and s(1 − s) ≤ 1/4 in any rounding, 1/4 being a float",
        ),
        Figure(
            "gradient of one sigmoid layer with weight 8, at 0",
            _steep(),
            2.0,
            0.0,
            "8·σ'(0) = 8/4, every step exact",
        ),
    )
    depths = range(1, LAYERS + 1)
    layers = (("ReLU", torch.relu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid))
    picture = Picture(
        "What is left of a gradient after n layers of unit weight",
        "layers",
        "gradient at the input",
        (
            *(Series.of(name, depths, [_through(layer, n) for n in depths]) for name, layer in layers),
            Series.of("sigmoid at most: 4⁻ⁿ", depths, [4.0**-n for n in depths]),
        ),
        y_log=True,
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="vanishing_gradient",
    title="What depth does to a gradient",
    claim=(
        "With unit weights every sigmoid layer leaves at most a quarter of a gradient, so that fifty leave "
        "nothing of use; fifty ReLU layers hand it on unchanged."
    ),
    formula="∂x₅₀/∂x₀ = Π f'(x_k);  σ' = σ(1 − σ) ≤ 1/4;  tanh' = 1 − tanh² ≤ 1;  ReLU' = 1 for x > 0",
    holds=True,
    source="Bengio, Simard & Frasconi 1994; Glorot, Bordes & Bengio 2011, Deep sparse rectifier networks",
    show=_show,
    condition=(
        "Unit weights, and for ReLU a positive input: at a negative one nothing comes through. A weight w "
        "makes the factor w σ'(wx), which exceeds 1 for some x exactly if |w| > 4."
    ),
)
