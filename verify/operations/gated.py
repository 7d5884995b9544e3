"""Activations that weigh their input by a smooth gate: gelu, silu, mish."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import flint
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.formulas.elementary import Constant, erf, erfc
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Refusal
from verify.records.activation import (
    CHECK,
    NEAR_ZERO,
    gone,
    in_one_kernel,
    sigmoid,
    sigmoid_steps,
    varied,
)
from verify.records.elementwise import INF, NAN, agreement, elementwise, far, special
from verify.records.refusals import other_dtype
from verify.records.sampling import normal, of_every_size, values

_SQRT_HALF = Constant(math.sqrt(0.5), lambda: flint.arb(0.5).sqrt())
_PEAK = Constant(1 / math.sqrt(2 * math.pi), lambda: 1 / (2 * flint.arb.pi()).sqrt())
_BETA = Constant(math.sqrt(2 / math.pi), lambda: (2 / flint.arb.pi()).sqrt())
_KAPPA = 0.044715
_TANH = {"approximate": "tanh"}

# Where |tanh| and every gate are 1 to far more digits than any type has, whatever lies beyond.
_SATURATED = 64


def _exp_overflows(a: Arithmetic) -> float:
    """The first whole number x whose exp is infinite: x exp(−x) is still a normal number there."""
    return float(np.ceil(np.log(a.largest)))


def _tail(a: Arithmetic) -> float:
    """How far out the tail of the normal distribution is below u, but far above the least normal number."""
    return float(np.round(math.sqrt(-math.log(a.smallest_normal))))


def _tail_of_tanh(a: Arithmetic) -> float:
    """The same for the approximation, whose tail falls like exp(−2√(2/π) κ |x|³)."""
    return float(np.round(np.cbrt(-math.log(a.smallest_normal) / (4 * math.sqrt(2 / math.pi) * _KAPPA))))


def _near_overflow(a: Arithmetic) -> Inputs:
    return values(0.75 * a.largest, -0.75 * a.largest)


# Both signs: where the tail is lost, the other side still tells a right result from a wrong one.
_TAILS = (
    far("tail", lambda a: values(_tail(a), -_tail(a))),
    far("tail, tanh", lambda a: values(_tail_of_tanh(a), -_tail_of_tanh(a)), **_TANH),
)
_FAR = (
    far("exp overflows", lambda a: values(_exp_overflows(a), -_exp_overflows(a))),
    far("beyond exp", lambda a: values(gone(a), -gone(a))),
    far("near overflow", _near_overflow),
)
_REFUSES = (other_dtype((3,)),)
# Near 0 both forms of gelu are x/2: asked once.
_NEAR_ZERO = tuple(dataclasses.replace(hard, options={"approximate": "none"}) for hard in NEAR_ZERO)


def _limits(name: str) -> Any:
    return special(
        f"torch.nn.{name}: x times a gate in [0, 1]",
        {"nan": ((NAN, NAN),), "infinity": ((INF, INF),), "zeros": ((0.0, 0.0), (-0.0, -0.0))},
    )


def _halves(steps: Any) -> Identity:
    """The gates of x and −x add to 1."""
    return agreement("f(x) − f(−x) = x", steps, lambda f, m, x, **o: f(x, **o) - f(-x, **o), _itself)


def _itself(f: Any, m: Any, x: Any, **options: Any) -> Any:
    return x


def _inner(x: Array) -> Array:
    return _BETA(x) * (x + _KAPPA * (x * x * x))


def _gelu(x: Array, approximate: str = "none") -> Array:
    # (1 + tanh z)/2 = σ(2z), which does not cancel.
    return x * (sigmoid(2 * _inner(x), x) if approximate == "tanh" else erfc(-x * _SQRT_HALF(x)) / 2)


def _gelu_steps(x: Array, approximate: str = "none") -> Array:
    if approximate == "none":
        return x * 0.5 * (1 + erf(x * _SQRT_HALF(x)))
    moderate = np.maximum(np.minimum(x, _SATURATED), -_SATURATED)
    return 0.5 * x * (1 + np.tanh(_inner(moderate)))


def _gelu_slope(g: Array, x: Array, approximate: str = "none") -> Array:
    if approximate == "none":
        return g * (erfc(-x * _SQRT_HALF(x)) / 2 + x * _PEAK(x) * np.exp(-x * x / 2))
    z = 2 * _inner(x)
    steepness = 2 * _BETA(x) * (1 + 3 * (_KAPPA * (x * x)))
    return g * (sigmoid(z, x) + x * steepness * sigmoid(z, x) * sigmoid(-z, -x))


def _gelu_slope_steps(g: Array, x: Array, approximate: str = "none") -> Array:
    if approximate == "none":
        density = _PEAK(x) * np.exp(x * x * -0.5)
        return g * (0.5 * (1 + erf(x * _SQRT_HALF(x))) + x * density)
    t = np.tanh(_inner(x))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (_BETA(x) * (1 + 3 * (_KAPPA * (x * x)))))


GELU = elementwise(
    "gelu",
    "activations",
    F.gelu,
    analysed(
        "x Φ(x); approximate: x (1 + tanh √(2/π)(x + 0.044715 x³))/2",
        _gelu,
        "x/2 (1 + erf(x/√2)), ATen, native/cpu/Gelu.h",
        _gelu_steps,
        fused=True,
    ),
    in_one_kernel(
        "∂x = g (Φ(x) + x φ(x)); approximate: the derivative of its formula",
        _gelu_slope,
        "ATen, GeluBackwardKernelImpl",
        _gelu_slope_steps,
    ),
    Domain(
        normal,
        (
            *_NEAR_ZERO,
            HardInput("moderate", lambda a: values(-4.0625, -3.390625, -0.09375, 0.01171875)),
            *_TAILS,
            far("near overflow", _near_overflow),
            far("near overflow, tanh", _near_overflow, **_TANH),
        ),
    ),
    (_halves(_gelu_steps),),
    _limits("GELU"),
    refuses=(
        *_REFUSES,
        Refusal("approximate='erf'", lambda f, tensor: f(tensor(3), approximate="erf")),
    ),
    check=varied({}, _TANH),
)


def _silu_steps(x: Array) -> Array:
    return x * sigmoid_steps(x)


def _silu_slope_steps(g: Array, x: Array) -> Array:
    s = sigmoid_steps(x)
    return g * s * (1 + x * (1 - s))


SILU = elementwise(
    "silu",
    "activations",
    F.silu,
    analysed(
        "x σ(x)", lambda x: x * sigmoid(x), "x/(1 + exp(−x)), ATen, silu_kernel", _silu_steps, fused=True
    ),
    in_one_kernel(
        "∂x = g σ(x) (1 + x σ(−x))",
        lambda g, x: g * sigmoid(x) * (1 + x * sigmoid(-x)),
        "σ(1 + x(1 − σ)), ATen, silu_backward_kernel",
        _silu_slope_steps,
    ),
    Domain(of_every_size, (*NEAR_ZERO, *_FAR)),
    (
        _halves(_silu_steps),
        agreement("f(x) = x σ(x)", _silu_steps, lambda f, m, x: f(x), lambda f, m, x: x * _gate(m, x)),
    ),
    _limits("SiLU"),
    naive=lambda x: x * torch.exp(x) / (1 + torch.exp(x)),
    refuses=_REFUSES,
    check=CHECK,
)


def _gate(module: Any, x: Any) -> Any:
    return torch.sigmoid(x) if module is torch else sigmoid_steps(x)


def _mish_parts(x: Array) -> tuple[Array, Array, Array]:
    """tanh(log(1 + eˣ)) as numerator and denominator, and t = exp(−|x|), of which both are polynomials."""
    t = np.exp(-np.abs(x))
    numerator = np.where(x > 0, 1 + 2 * t, t * (t + 2))
    return numerator, numerator + np.where(x > 0, 2 * t * t, 2), t


def _mish(x: Array) -> Array:
    numerator, denominator, _ = _mish_parts(x)
    return x * (numerator / denominator)


def _mish_slope(g: Array, x: Array) -> Array:
    numerator, denominator, t = _mish_parts(x)
    return g * (numerator + 4 * x * (1 + t) * np.where(x > 0, t * t, t) / denominator) / denominator


def _tanh_softplus(x: Array) -> Array:
    return np.tanh(np.log1p(np.exp(np.minimum(x, _SATURATED))))


def _mish_slope_steps(g: Array, x: Array) -> Array:
    t = _tanh_softplus(x)
    return g * (t + x * sigmoid_steps(x) * (1 - t * t))


def _mish_in_words(m: Any, x: Any) -> Any:
    return x * m.tanh(m.log1p(m.exp(x)))


def _mish_by_hand(x: torch.Tensor) -> torch.Tensor:
    n = torch.exp(x) * (torch.exp(x) + 2)
    return x * n / (n + 2)


MISH = elementwise(
    "mish",
    "activations",
    F.mish,
    analysed(
        "x tanh log(1 + exp x)",
        _mish,
        "x tanh(log1p(exp x)), ATen, mish_kernel",
        lambda x: x * _tanh_softplus(x),
        fused=True,
    ),
    in_one_kernel(
        "∂x = g (T + x σ(x) (1 − T²)), T = tanh log(1 + exp x)",
        _mish_slope,
        "ATen, mish_backward_kernel",
        _mish_slope_steps,
    ),
    Domain(of_every_size, (*NEAR_ZERO, *_FAR)),
    (
        agreement(
            "f(x) = x tanh log(1 + exp x)",
            lambda x: x * _tanh_softplus(x),
            lambda f, m, x: f(x),
            lambda f, m, x: _mish_in_words(m, x),
        ),
    ),
    _limits("Mish"),
    naive=_mish_by_hand,
    refuses=_REFUSES,
    check=CHECK,
)
