"""Activations in pieces: leaky_relu, elu, selu."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.operation import Array, Domain, Identity
from verify.records.activation import CHECK, NEAR_ZERO, gone, in_one_kernel, pieces, varied
from verify.records.elementwise import INF, agreement, elementwise, far
from verify.records.refusals import other_dtype
from verify.records.sampling import off_zero, values

# SELU's two constants as torch's documentation and sources print them.
_ALPHA, _SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

_EXTREMES = far("extremes", lambda a: values(0.75 * a.largest, -0.75 * a.largest))
_REFUSES = (other_dtype((3,)),)


def _below(x: Array) -> Array:
    """min(x, 0): what an exponential is taken of must not be positive, or it may overflow unseen."""
    return np.where(x < 0, x, 0 * x)


def _leaky(x: Array, negative_slope: float = 0.01) -> Array:
    return np.where(x > 0, x, negative_slope * x)


LEAKY_RELU = elementwise(
    "leaky_relu",
    "activations",
    F.leaky_relu,
    analysed("x if x > 0 else s x", _leaky, "one product, ATen, leaky_relu_kernel", fused=True),
    in_one_kernel(
        "∂x = g if x > 0 else s g",
        lambda g, x, negative_slope=0.01: np.where(x > 0, g, negative_slope * g),
        "one product; at 0 torch takes the derivative from the left (leaky_relu_backward)",
    ),
    Domain(off_zero, (*NEAR_ZERO, _EXTREMES)),
    (
        agreement(
            "f(x) + s f(−x) = x − s² x above 0, 0 below",
            _leaky,
            lambda f, m, x, negative_slope=0.01: (
                f(x, negative_slope=negative_slope) + negative_slope * f(-x, negative_slope=negative_slope)
            ),
            lambda f, m, x, negative_slope=0.01: m.where(
                x > 0, x - (negative_slope * negative_slope) * x, 0 * x
            ),
        ),
        Identity(
            "f(2x) = 2 f(x)",
            lambda f, x, **options: f(2 * x, **options),
            lambda f, x, **options: 2 * f(x, **options),
        ),
    ),
    pieces("LeakyReLU", infinities=((INF, INF), (-INF, -INF)), zeros=((0.0, 0.0), (-0.0, -0.0))),
    refuses=_REFUSES,
    check=varied({}, {"negative_slope": 0.25}, {"negative_slope": 1.7}),
)


def _elu(x: Array, alpha: float = 1.0) -> Array:
    return np.where(x > 0, x, np.expm1(_below(x)) * alpha)


ELU = elementwise(
    "elu",
    "activations",
    F.elu,
    analysed("x if x > 0 else α (exp x − 1)", _elu, "α expm1(x), ATen, native/cpu/Elu.h", fused=True),
    in_one_kernel(
        "∂x = g if x > 0 else g α exp x",
        lambda g, x, alpha=1.0: np.where(x > 0, g, g * alpha * np.exp(_below(x))),
        "two products; at 0 torch takes the derivative from the left (elu_backward)",
    ),
    Domain(
        off_zero,
        (
            *NEAR_ZERO,
            far("1 + x is 1", lambda a: values(-a.u / 64, a.u / 64)),
            far("beyond exp", lambda a: values(-gone(a), gone(a))),
            _EXTREMES,
        ),
    ),
    (
        agreement(
            "f(x) = max(x, 0) + α expm1(min(x, 0))",
            _elu,
            lambda f, m, x, alpha=1.0: f(x, alpha=alpha),
            lambda f, m, x, alpha=1.0: m.where(x > 0, x, alpha * m.expm1(m.where(x < 0, x, 0 * x))),
        ),
    ),
    pieces("ELU", infinities=((INF, INF), (-INF, -1.0)), zeros=((0.0, 0.0), (-0.0, -0.0))),
    naive=lambda x, alpha=1.0: torch.where(x > 0, x, alpha * (torch.exp(x) - 1)),
    refuses=_REFUSES,
    check=varied({}, {"alpha": 0.25}, {"alpha": 1.3}),
)


def _selu(x: Array) -> Array:
    # The product of the constants is formed in the arithmetic of x, as torch forms it in its working type.
    return np.where(x > 0, _SCALE * x, np.expm1(_below(x)) * ((0 * x + _ALPHA) * _SCALE))


SELU = elementwise(
    "selu",
    "activations",
    F.selu,
    analysed("λ x if x > 0 else λ α (exp x − 1)", _selu, "elu with two constants, ATen, selu", fused=True),
    in_one_kernel(
        "∂x = g λ if x > 0 else g λ α exp x",
        lambda g, x: np.where(x > 0, g * _SCALE, g * ((0 * x + _ALPHA) * _SCALE) * np.exp(_below(x))),
        "elu_backward with two constants; at 0 torch takes the derivative from the left",
    ),
    Domain(
        off_zero,
        (
            *NEAR_ZERO,
            far("1 + x is 1", lambda a: values(-a.u / 64, a.u / 64)),
            far("beyond exp", lambda a: values(-gone(a), gone(a))),
            _EXTREMES,
        ),
    ),
    (
        agreement(
            "f(x) = λ elu(x, α)",
            _selu,
            lambda f, m, x: f(x),
            lambda f, m, x: _SCALE * (F.elu(x, _ALPHA) if m is torch else _elu(x, _ALPHA)),
        ),
    ),
    pieces("SELU", infinity=((INF, INF),), zeros=((0.0, 0.0), (-0.0, -0.0))),
    naive=lambda x: _SCALE * torch.where(x > 0, x, _ALPHA * (torch.exp(x) - 1)),
    refuses=_REFUSES,
    check=CHECK,
)
