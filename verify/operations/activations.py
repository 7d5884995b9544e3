"""Elementwise activations: sigmoid, tanh, ReLU."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.arithmetic import Arithmetic
from verify.operation import Array, Domain, Formula, HardInput, Identity, Operation, Workload
from verify.sampling import elementwise_cost, of_every_size, off_zero, values

_CHECK = (
    Workload("7", ((7,),)),
    Workload("5x33", ((5, 33),)),
    Workload("6x10-transposed", ((6, 10),), layout="transposed"),
    Workload("3x401-strided", ((3, 401),), layout="strided"),
)
_BENCH = (
    Workload("4096x1024", ((4096, 1024),)),
    Workload("64", ((64,),)),
    Workload("1000003", ((1_000_003,),)),
    Workload("1024x1024-strided", ((1024, 1024),), layout="strided"),
)


def _gone(a: Arithmetic) -> float:
    """Where exp(−x) is below every number of the dtype: beyond it the textbook formulas are inf/inf."""
    return float(np.ceil(2 * max(-np.log(a.smallest), np.log(a.largest))))


def _rounded_away(a: Arithmetic) -> float:
    """Where exp(−x) is below half a unit roundoff, so that 1 + exp(−x) rounds to 1 but exp(−x) is normal."""
    return float(np.ceil(-np.log(a.u)) + 1)


_FAR = (
    HardInput("rounded away", lambda a: values(_rounded_away(a), -_rounded_away(a)), far=True),
    HardInput("beyond exp", lambda a: values(_gone(a), -_gone(a)), far=True),
    HardInput("largest", lambda a: values(a.largest, -a.largest), far=True),
)
_NEAR_ZERO = (
    HardInput("zeros", lambda a: values(0.0, -0.0)),
    HardInput("smallest", lambda a: values(a.smallest, -a.smallest, a.smallest_normal, -a.smallest_normal)),
)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def _sigmoid_bound(a: Arithmetic, x: Array) -> Array:
    # 1/(1 + e): exp is off by `elementary`, of which 1 − σ reaches the result; the sum and the quotient
    # round once each.
    s = _sigmoid(x)
    return s * (a.elementary * (1 - s) + 2 * a.u)


def _sigmoid_vjp_bound(a: Arithmetic, g: Array, x: Array) -> tuple[Array]:
    # torch forms g·(1 − y)·y from the stored y. The error of y passes through ∂(y − y²)/∂y = 1 − 2y; two
    # products and a difference round once each, and 1 − y cannot be finer than the rounding of y; a product
    # below the normal numbers is off by a subnormal, which the next factor scales.
    s = _sigmoid(x)
    stored = _sigmoid_bound(a, x) + a.u * s
    return (np.abs(g) * (np.abs(1 - 2 * s) * stored + stored**2 + 3 * a.u * s * (1 - s)) + 2 * a.smallest,)


SIGMOID = Operation(
    name="sigmoid",
    subject="activations",
    function=torch.sigmoid,
    forward=Formula(
        "σ(x) = 1/(1 + exp(−x))",
        _sigmoid,
        _sigmoid_bound,
        "rounding-error analysis of 1/(1 + exp(−x)), Higham 2002, §3.1",
    ),
    vjp=Formula(
        "∂x = g σ(x) σ(−x)",
        lambda g, x: (g * _sigmoid(x) * _sigmoid(-x),),
        _sigmoid_vjp_bound,
        "σ′ = σ(1 − σ), analysed as torch forms it from the stored output (derivatives.yaml, sigmoid)",
    ),
    domain=Domain(of_every_size, (*_NEAR_ZERO, *_FAR)),
    check=_CHECK,
    bench=_BENCH,
    cost=elementwise_cost(4),
    identities=(
        Identity(
            "σ(−x) = 1 − σ(x)",
            lambda f, x: f(-x),
            lambda f, x: 1 - f(x),
            lambda a, x: a.stored(1, _sigmoid_bound(a, x) + _sigmoid_bound(a, -x) + a.u),
        ),
        Identity(
            "σ lies in [0, 1]",
            lambda f, x: f(x),
            lambda f, x: f(x).clamp(0, 1),
        ),
    ),
    naive=lambda x: torch.exp(x) / (1 + torch.exp(x)),
)


def _tanh_bound(a: Arithmetic, x: Array) -> Array:
    return np.abs(np.tanh(x)) * a.elementary


def _tanh_vjp_bound(a: Arithmetic, g: Array, x: Array) -> tuple[Array]:
    # torch forms g·(1 − y²) from the stored y: the error of y enters as 2|y|·δ + δ², y² and the
    # difference round once each, and so does the product.
    y = np.abs(np.tanh(x))
    stored = _tanh_bound(a, x) + a.u * y
    return (np.abs(g) * (2 * y * stored + stored**2 + a.u * y**2 + 2 * a.u * (1 - y**2)) + 2 * a.smallest,)


TANH = Operation(
    name="tanh",
    subject="activations",
    function=torch.tanh,
    forward=Formula("tanh x", np.tanh, _tanh_bound, "the documented error of the vector library's tanh"),
    vjp=Formula(
        "∂x = g / cosh² x",
        lambda g, x: (g / np.cosh(x) ** 2,),
        _tanh_vjp_bound,
        "tanh′ = 1 − tanh², analysed as torch forms it from the stored output (derivatives.yaml, tanh)",
    ),
    domain=Domain(of_every_size, (*_NEAR_ZERO, *_FAR)),
    check=_CHECK,
    bench=_BENCH,
    cost=elementwise_cost(4),
    identities=(
        Identity(
            "tanh x = 2σ(2x) − 1",
            lambda f, x: f(x),
            lambda f, x: 2 * torch.sigmoid(2 * x) - 1,
            lambda a, x: a.stored(1, _tanh_bound(a, x) + 2 * _sigmoid_bound(a, 2 * x) + 2 * a.u + a.w),
        ),
        Identity(
            "tanh(−x) = −tanh x",
            lambda f, x: f(-x),
            lambda f, x: -f(x),
            lambda a, x: 2 * a.stored(np.tanh(x), _tanh_bound(a, x)),
        ),
    ),
    naive=lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
)


def _exact(a: Arithmetic, *arguments: Any) -> Array:
    return np.zeros(arguments[-1].shape)


RELU = Operation(
    name="relu",
    subject="activations",
    function=torch.relu,
    forward=Formula(
        "max(x, 0)", lambda x: np.where(x > 0, x, 0 * x), _exact, "exact: a comparison and a copy"
    ),
    vjp=Formula(
        "∂x = g if x > 0 else 0",
        lambda g, x: (np.where(x > 0, g, 0 * g),),
        lambda a, g, x: (_exact(a, x),),
        "exact; at 0 torch takes the derivative from the left, 0 (torch.nn.ReLU)",
    ),
    domain=Domain(
        off_zero,
        (*_NEAR_ZERO, HardInput("largest", lambda a: values(a.largest, -a.largest), far=True)),
    ),
    check=_CHECK,
    bench=_BENCH,
    cost=elementwise_cost(1),
    identities=(
        Identity("relu(x) − relu(−x) = x", lambda f, x: f(x) - f(-x), lambda f, x: x),
        Identity("relu(relu(x)) = relu(x)", lambda f, x: f(f(x)), lambda f, x: f(x)),
    ),
)
