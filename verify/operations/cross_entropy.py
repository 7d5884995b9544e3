"""Cross-entropy with class indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.operation import (
    Array,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Workload,
)
from verify.operations.log_softmax import log_softmax_bound
from verify.operations.nll_loss import nll
from verify.records.classes import (
    BENCH,
    CHECK,
    REFUSES,
    SPECIAL,
    WEIGHT,
    batch_of_rows,
    cost_an_entry,
    cotangent_of_rows,
    of_log_probabilities,
    reduced_rows,
    with_weight,
)
from verify.records.lengths import of_classes
from verify.records.logits import confident, exponential_error, log_softmax, overflowing, softmax, vanishing
from verify.records.sampling import logits_and_targets


def _cross_entropy(x: Array, target: Array, **options: Any) -> Array:
    return nll(log_softmax(x, 1), target, **options)


def _cross_entropy_bound(a: Arithmetic, x: Array, target: Array, **options: Any) -> Array:
    # torch stores log_softmax and hands it to nll_loss: the first's error enters with nll's coefficients.
    y = log_softmax(x, 1)
    coefficients, share = of_log_probabilities(y, target, options)
    entry = log_softmax_bound(a, x, 1) + a.u * np.abs(y)
    carried = reduced_rows((coefficients * entry).sum(axis=1), share, options.get("reduction", "mean"))
    terms = target.size + (x.shape[1] if options.get("label_smoothing") else 0)
    size = reduced_rows((coefficients * np.abs(y)).sum(axis=1), share, options.get("reduction", "mean"))
    return carried + compounded((terms + 7) * a.u) * (size + carried)


def _cross_entropy_vjp(g: Array, x: Array, target: Array, **options: Any) -> tuple[Array, None]:
    coefficients, share = of_log_probabilities(x, target, options)
    rows = cotangent_of_rows(g, share, options.get("reduction", "mean"))
    return (softmax(x, 1) * coefficients.sum(axis=1, keepdims=True) - coefficients) * rows, None


def _cross_entropy_vjp_bound(
    a: Arithmetic, g: Array, x: Array, target: Array, **options: Any
) -> tuple[Array, None]:
    # d − exp(ŷ)Σd with d the stored gradient of nll_loss and ŷ the stored log_softmax.
    coefficients, share = of_log_probabilities(x, target, options)
    d = np.abs(coefficients * cotangent_of_rows(g, share, options.get("reduction", "mean")))
    total = d.sum(axis=1, keepdims=True)
    y = log_softmax(x, 1)
    p = np.exp(y)
    of_d = compounded((target.size + 7) * a.u)
    of_p = exponential_error(a, y, log_softmax_bound(a, x, 1) + a.u * np.abs(y))
    of_total = compounded(a.gamma(x.shape[1]) + of_d)
    product_error = total * (of_p + of_total * (p + of_p))
    return of_d * d + product_error * (1 + a.u) + a.u * (d + 2 * p * total) + a.smallest, None


def _pair(gap: float, target: int) -> Inputs:
    return np.array([[gap, 0.0]]), np.array([target])


_FAR_LOGITS = (
    HardInput("sure and right", lambda a: _pair(confident(a), 0), far=True),
    HardInput("sure and wrong", lambda a: _pair(confident(a), 1), far=True),
    HardInput("vanishing", lambda a: _pair(vanishing(a), 1), far=True),
    HardInput(
        "large and close",
        lambda a: (np.array([[overflowing(a) + step for step in (0, -1, 1)]]), np.array([0])),
        far=True,
    ),
    HardInput("equal", lambda a: (np.array([[2.0, 2.0, 2.0, 2.0]]), np.array([3]))),
)


def _rows_of_gradient(f: Any, x: torch.Tensor, t: torch.Tensor, **options: Any) -> torch.Tensor:
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x, t, **options).sum(), x)
    return gradient.double().sum(1)


def _one(x: Array, options: dict[str, Any]) -> Array:
    return np.ones(x.shape[0] if options.get("reduction") == "none" else ())


CROSS_ENTROPY = Operation(
    name="cross_entropy",
    subject="losses",
    function=with_weight(F.cross_entropy),
    forward=Formula(
        "−Σᵢ w_tᵢ log softmax(xᵢ)_tᵢ / Σᵢ w_tᵢ",
        _cross_entropy,
        _cross_entropy_bound,
        "log_softmax's bound (Blanchard, Higham & Higham 2021, §3) carried through nll_loss",
    ),
    vjp=Formula(
        "∂xᵢ = g (pᵢ − onehot tᵢ) / n",
        _cross_entropy_vjp,
        _cross_entropy_vjp_bound,
        "d − exp(ŷ)Σd, Higham 2002, §3.1",
    ),
    domain=Domain(logits_and_targets, _FAR_LOGITS),
    check=(
        *CHECK,
        Workload("5x8-smoothing", ((5, 8), (5,)), {"label_smoothing": 0.125, "weight": WEIGHT}),
        Workload("5x8-smoothing-none", ((5, 8), (5,)), {"label_smoothing": 0.25, "reduction": "none"}),
        Workload("7x3-smoothing-ignore", ((7, 3), (7,)), {"label_smoothing": 0.25, "ignore_index": 1}),
    ),
    bench=BENCH,
    cost=cost_an_entry(5),
    identities=(
        Identity(
            "cross_entropy = nll_loss of log_softmax",
            lambda f, x, t, **options: f(x, t, **options),
            lambda f, x, t, **options: with_weight(F.nll_loss)(F.log_softmax(x, 1), t, **options),
            lambda a, x, t, **options: (
                2 * a.stored(_cross_entropy(x, t, **options), _cross_entropy_bound(a, x, t, **options))
            ),
            applies=lambda workload: "label_smoothing" not in workload.options,
        ),
        Identity(
            "class indices = their one-hot probabilities",
            lambda f, x, t: f(x, t),
            lambda f, x, t: F.cross_entropy(x, F.one_hot(t, x.shape[1]).to(x.dtype)),
            lambda a, x, t: 2 * a.stored(_cross_entropy(x, t), _cross_entropy_bound(a, x, t)),
            applies=lambda workload: not workload.options,
        ),
        Identity(
            "rows of the gradient sum to 0",
            _rows_of_gradient,
            lambda f, x, t, **options: torch.zeros(x.shape[0], dtype=torch.float64, device=x.device),
            lambda a, x, t, **options: _cross_entropy_vjp_sum_bound(a, x, t, options),
        ),
    ),
    naive=lambda x, target: -torch.softmax(x, 1).gather(1, target[:, None]).log().mean(),
    special=SPECIAL,
    refuses=REFUSES,
    batch=batch_of_rows,
    lengths=of_classes,
)


def _cross_entropy_vjp_sum_bound(a: Arithmetic, x: Array, target: Array, options: dict[str, Any]) -> Array:
    g = _one(x, options)
    gradient, _ = _cross_entropy_vjp(g, x, target, **options)
    bound, _ = _cross_entropy_vjp_bound(a, g, x, target, **options)
    return np.asarray(a.stored(gradient, bound).sum(axis=1))
