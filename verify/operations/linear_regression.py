"""Linear regression: y = xw + b, trained on the mean squared error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between, twice
from verify.formulas.arithmetic import Arithmetic
from verify.operation import Domain, HardInput, Identity, Operation, Special
from verify.records.derivation import same_gradient
from verify.records.refusals import not_a_tensor
from verify.records.regression import (
    BENCH,
    CHECK,
    OTHER_WIDTH,
    WHOLE_WEIGHTS,
    cost,
    nan_row,
    no_rows,
    points,
    share,
    to_inputs,
    vectors,
)

_STEPS = "matmul and b, then mse_loss; backwards (2/n)(z − y) g and a product of matrices for each operand"


def _linear(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(x @ w + b, y)


def _mean_square(x: Any, y: Any, w: Any, b: Any) -> Any:
    residual = x @ w + b - y
    return (residual * residual).sum() / x.shape[0]


def _gradients(g: Any, x: Any, y: Any, w: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """The chain rule of the mean squared error; runs on arrays, on balls and on tensors.

        E = (1/n) Σᵢ (zᵢ − yᵢ)²    ∂E/∂zᵢ = (2/n) (zᵢ − yᵢ),    ∂E/∂yᵢ = −∂E/∂zᵢ
        z = X w + b                ∂E/∂w  = Xᵀ ∂E/∂z,           ∂E/∂b  = Σᵢ ∂E/∂zᵢ

    and so ∂E/∂w = (2/n) Xᵀ (Xw + b − y): it vanishes where the residual is orthogonal to every column.
    """
    e = (x @ w + b - y) * share(g, 2, x.shape[0])
    of_x, of_w, of_b = to_inputs(e, x, w)
    return of_x, -e, of_w, of_b


_FORWARD = analysed("E = (1/n) Σᵢ (Σⱼ xᵢⱼwⱼ + b − yᵢ)²", _mean_square, _STEPS)
_VJP = analysed(
    "∂w = (2g/n) Xᵀ(Xw + b − y), ∂b = (2g/n) Σ(Xw + b − y), ∂X = (2g/n) (Xw + b − y) wᵀ",
    _gradients,
    _STEPS,
)


def _bias_as_weight(f: Any, join: Any, x: Any, y: Any, w: Any, b: Any) -> Any:
    """The same line, its bias the weight of an input that is always 1."""
    return f(join((x, 0 * x[:, :1] + 1), 1), y, join((w, b.reshape(1)), 0), 0 * b)


_WITHOUT_BIAS = analysed(
    _FORWARD.text,
    _mean_square,
    _STEPS,
    algorithm=lambda *inputs: _bias_as_weight(_mean_square, np.concatenate, *inputs),
)


def _root_of_overflow(a: Arithmetic) -> float:
    return 2.0 ** (math.floor(math.log2(a.largest)) // 2 - 3)


def _root_of_underflow(a: Arithmetic) -> float:
    return 2.0 ** (math.ceil(math.log2(a.smallest_normal)) // 2 + 2)


LINEAR_REGRESSION = Operation(
    name="linear_regression",
    subject="networks",
    function=_linear,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        vectors,
        (
            HardInput("exact fit", lambda a: points([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.5], [0.5, -0.25], 1.0)),
            HardInput("zero weights", lambda a: points([[1.5], [-2.0]], [0.5, 1.0], [0.0])),
            HardInput(
                "cancelling", lambda a: points([[64.0, 1.0], [1.0, 1.0]], [0.5, -1.0], [1.0, 0.5], -64.0)
            ),
            HardInput(
                "near overflow",
                lambda a: points([[_root_of_overflow(a)], [1.0]], [0.0, -_root_of_overflow(a)], [1.0]),
                far=True,
            ),
            HardInput("near underflow", lambda a: points([[_root_of_underflow(a)]], [0.0], [1.0]), far=True),
        ),
    ),
    check=CHECK,
    bench=BENCH,
    cost=cost(4),
    identities=(
        same_gradient(
            _VJP,
            lambda *inputs: _gradients(1, *inputs),
            lambda *inputs: _gradients(np.ones(()), *inputs),
        ),
        Identity(
            "the bias is the weight of an input that is always 1",
            lambda f, *inputs: f(*inputs),
            lambda f, *inputs: _bias_as_weight(f, torch.cat, *inputs),
            between(_FORWARD, _WITHOUT_BIAS),
        ),
        Identity(
            "twice the line and twice the targets have four times the error",
            lambda f, x, y, w, b: f(x, 2 * y, 2 * w, 2 * b),
            lambda f, x, y, w, b: 4 * f(x, y, w, b),
            lambda a, *inputs: 4 * twice(_FORWARD)(a, *inputs),
        ),
    ),
    special=(
        nan_row([0.0, 1.0], [1.0], 0.0),
        Special(
            "infinities",
            points([[1.0], [2.0]], [-np.inf, 1.0], [1.0]),
            np.array(np.inf),
            "IEEE 754-2019, 6.1",
        ),
        Special(
            "everything 0", points([[0.0], [-0.0]], [0.0, 0.0], [-0.0]), np.array(0.0), "IEEE 754-2019, 6.3"
        ),
        no_rows(np.zeros(0), np.ones(2), np.zeros(())),
    ),
    refuses=(OTHER_WIDTH, WHOLE_WEIGHTS, not_a_tensor(4)),
)
