"""Logistic regression: the probability σ(xw + b), trained on the cross-entropy of two classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between
from verify.operation import Domain, HardInput, Identity, Inputs, Operation, Refusal, Special, Workload
from verify.records.activation import gone
from verify.records.derivation import same_gradient
from verify.records.logits import confident
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
from verify.records.sigmoid_unit import Unit, computed_unit, exact_unit, torch_unit

_STEPS = (
    "matmul and b, then binary_cross_entropy_with_logits, (1 − t) z − log_sigmoid z; "
    "backwards (σ(z) − t) g/n and a product of matrices for each operand"
)


def _two_classes(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal rows, targets of 0 and 1, and weights with which Σ xw has spread 1 for any number."""
    x, t, w, b = vectors(generator, workload)
    return x, np.where(t > 0, 1.0, 0.0), w, b


def _logistic(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(x @ w + b, t)


def _softplus(z: Any) -> Any:
    """log(1 + exp z) = max(z, 0) + log(1 + exp(−|z|)): never overflows. Shapes: that of z."""
    return (z + np.abs(z)) / 2 + np.log1p(np.exp(-np.abs(z)))


def _mean_cross_entropy(x: Any, t: Any, w: Any, b: Any) -> Any:
    """−(1/n) Σ t log p + (1 − t) log(1 − p), with log p = −softplus(−z) and log(1 − p) = −softplus(z)."""
    z = x @ w + b
    return (t * _softplus(-z) + (1 - t) * _softplus(z)).sum() / x.shape[0]


def mean_cross_entropy_steps(x: Any, t: Any, w: Any, b: Any) -> Any:
    """(1/n) Σ (1 − t) z − log σ(z), as torch forms it."""
    z = x @ w + b
    log_sigmoid = np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))
    return ((1 - t) * z - log_sigmoid).sum() / x.shape[0]


def _gradients(unit: Unit, g: Any, x: Any, t: Any, w: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """The chain rule of the cross-entropy of p = σ(z); runs on arrays, on balls and on tensors.

        Eᵢ = −t log p − (1 − t) log(1 − p)    ∂Eᵢ/∂p = −t/p + (1 − t)/(1 − p) = (p − t)/(p (1 − p))
        p = σ(z)                              ∂p/∂z  = p (1 − p)

    The slope of σ cancels: ∂Eᵢ/∂z = p − t, however far out z is. With E = (1/n) Σᵢ Eᵢ and z = Xw + b,

        ∂E/∂w = (1/n) Xᵀ (p − t),             ∂E/∂b  = (1/n) Σᵢ (pᵢ − tᵢ).

    and, as log p − log(1 − p) = z, ∂Eᵢ/∂t = −z.
    """
    z, each = x @ w + b, share(g, 1, x.shape[0])
    p, _ = unit(z)
    of_x, of_w, of_b = to_inputs((p - t) * each, x, w)
    return of_x, -z * each, of_w, of_b


_FORWARD = analysed(
    "E = −(1/n) Σᵢ tᵢ log pᵢ + (1 − tᵢ) log(1 − pᵢ), pᵢ = σ(Σⱼ xᵢⱼwⱼ + b)",
    _mean_cross_entropy,
    _STEPS,
    algorithm=mean_cross_entropy_steps,
)
_VJP = analysed(
    "∂w = (g/n) Xᵀ(p − t), ∂b = (g/n) Σ(p − t), ∂X = (g/n) (p − t) wᵀ, ∂t = −(g/n) (Xw + b)",
    lambda g, *inputs: _gradients(exact_unit, g, *inputs),
    _STEPS,
    algorithm=lambda g, *inputs: _gradients(computed_unit, g, *inputs),
)


def _textbook_logistic(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(x @ w + b)
    return -(t * p.log() + (1 - t) * (1 - p).log()).mean()


LOGISTIC_REGRESSION = Operation(
    name="logistic_regression",
    subject="networks",
    function=_logistic,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        _two_classes,
        (
            # One row of either class, alike: p = ½ is the best there is, and the gradient is 0.
            HardInput("balanced", lambda a: points([[1.0], [1.0]], [0.0, 1.0], [0.0])),
            HardInput("zeros", lambda a: points([[0.0, -0.0]], [1.0], [1.5, -2.0])),
            HardInput("sure and right", lambda a: points([[1.0]], [0.0], [-confident(a)]), far=True),
            HardInput("sure and wrong", lambda a: points([[1.0]], [0.0], [confident(a)]), far=True),
            HardInput("beyond exp", lambda a: points([[1.0], [-1.0]], [0.0, 1.0], [gone(a)]), far=True),
        ),
    ),
    check=CHECK,
    bench=BENCH,
    cost=cost(8),
    identities=(
        same_gradient(
            _VJP,
            lambda *inputs: _gradients(torch_unit, 1, *inputs),
            lambda *inputs: _gradients(computed_unit, np.ones(()), *inputs),
        ),
        Identity(
            "the classes can be named the other way round",
            lambda f, x, t, w, b: f(x, t, w, b),
            lambda f, x, t, w, b: f(x, 1 - t, -w, -b),
            between(
                _FORWARD,
                analysed(
                    _FORWARD.text,
                    _mean_cross_entropy,
                    _STEPS,
                    algorithm=lambda x, t, w, b: mean_cross_entropy_steps(x, 1 - t, -w, -b),
                ),
            ),
        ),
        Identity(
            "knowing nothing costs log 2",
            lambda f, x, t, w, b: f(0 * x, t, w, 0 * b),
            lambda f, x, t, w, b: torch.full((), math.log(2), dtype=x.dtype, device=x.device),
            lambda a, x, t, w, b: (
                a.stored(math.log(2), _FORWARD.bound(a, 0 * x, t, w, 0 * b))
                + a.stored(math.log(2), a.w * math.log(2))
            ),
        ),
    ),
    naive=_textbook_logistic,
    special=(
        nan_row([0.0, 1.0], [1.0], 0.0),
        Special(
            "infinitely wrong",
            points([[1.0]], [0.0], [np.inf]),
            np.array(np.inf),
            "log(1 + exp ∞) = ∞: IEEE 754-2019, table 9.1",
        ),
        no_rows(np.zeros(0), np.ones(2), np.zeros(())),
    ),
    refuses=(
        OTHER_WIDTH,
        WHOLE_WEIGHTS,
        Refusal(
            "fewer targets than rows",
            lambda f, tensor: f(tensor(3, 2), tensor(2), tensor(2), tensor()),
            (ValueError,),
        ),
        not_a_tensor(4),
    ),
)
