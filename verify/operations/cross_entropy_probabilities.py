"""Cross-entropy with a probability for every class."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.operation import (
    Array,
    Cost,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.log_softmax import log_softmax_bound
from verify.records.logits import exponential_error, log_softmax, overflowing, softmax, vanishing
from verify.records.loss import UNKNOWN_REDUCTION
from verify.records.refusals import not_a_tensor


def _soft(x: Array, q: Array) -> Array:
    return -(q * log_softmax(x, 1)).sum() / x.shape[0]


def _soft_bound(a: Arithmetic, x: Array, q: Array) -> Array:
    y = log_softmax(x, 1)
    carried = (np.abs(q) * (log_softmax_bound(a, x, 1) + a.u * np.abs(y))).sum() / x.shape[0]
    size = (np.abs(q) * np.abs(y)).sum() / x.shape[0]
    return carried + compounded((x.size + 5) * a.u) * (size + carried)


def _soft_vjp(g: Array, x: Array, q: Array) -> tuple[Array, Array]:
    n = x.shape[0]
    return g * (softmax(x, 1) * q.sum(axis=1, keepdims=True) - q) / n, -g * log_softmax(x, 1) / n


def _soft_vjp_bound(a: Arithmetic, g: Array, x: Array, q: Array) -> tuple[Array, Array]:
    n, y = x.shape[0], log_softmax(x, 1)
    d = np.abs(g * q) / n
    total, p, of_d = d.sum(axis=1, keepdims=True), np.exp(y), compounded(4 * a.u)
    of_p = exponential_error(a, y, log_softmax_bound(a, x, 1) + a.u * np.abs(y))
    of_total = compounded(a.gamma(x.shape[1]) + of_d)
    of_x = of_d * d + total * (of_p + of_total * (p + of_p)) * (1 + a.u) + a.u * (d + 2 * p * total)
    of_q = np.abs(g) / n * (log_softmax_bound(a, x, 1) + compounded(4 * a.u) * np.abs(y))
    return of_x + a.smallest, of_q + a.smallest


def _logits_and_probabilities(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal logits of spread 2, and the probabilities of a softmax."""
    logits, weights = (generator.standard_normal(shape) for shape in workload.shapes)
    return 2 * logits, softmax(weights, 1)


CROSS_ENTROPY_PROBABILITIES = Operation(
    name="cross_entropy_probabilities",
    subject="losses",
    function=F.cross_entropy,
    forward=Formula(
        "−Σᵢ Σ_c qᵢ,c log softmax(xᵢ)_c / n",
        _soft,
        _soft_bound,
        "log_softmax's bound (Blanchard, Higham & Higham 2021, §3) in an inner product, Higham 2002, §3.1",
    ),
    vjp=Formula(
        "∂x = g (p Σq − q)/n, ∂q = −g log p / n",
        _soft_vjp,
        _soft_vjp_bound,
        "d − exp(ŷ)Σd, Higham 2002, §3.1",
    ),
    domain=Domain(
        _logits_and_probabilities,
        (
            HardInput(
                "vanishing", lambda a: (np.array([[vanishing(a), 0.0]]), np.array([[0.5, 0.5]])), far=True
            ),
            HardInput(
                "large and close",
                lambda a: (np.array([[overflowing(a), overflowing(a) - 1]]), np.array([[0.25, 0.75]])),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("4x6", ((4, 6), (4, 6))),
        Workload("7x3-strided", ((7, 3), (7, 3)), layout="strided"),
        Workload("2x37", ((2, 37), (2, 37))),
    ),
    bench=(Workload("1024x1000", ((1024, 1000), (1024, 1000))), Workload("32x10", ((32, 10), (32, 10)))),
    cost=lambda workload: Cost(7.0 * math.prod(workload.shapes[0]), 2.0 * math.prod(workload.shapes[0])),
    identities=(
        Identity(
            "the loss is linear in the target",
            lambda f, x, q: f(x, 2 * q),
            lambda f, x, q: 2 * f(x, q),
            lambda a, x, q: 4 * a.stored(_soft(x, q), _soft_bound(a, x, q)),
        ),
    ),
    naive=lambda x, q: -(q * torch.softmax(x, 1).log()).sum() / x.shape[0],
    special=(
        Special(
            "nan",
            (np.array([[0.0, math.nan], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.5, math.nan]])),
            np.array([math.nan, math.nan]),
            "IEEE 754-2019, 6.2",
            {"reduction": "none"},
        ),
    ),
    refuses=(
        Refusal("3 classes and 4", lambda f, tensor: f(tensor(2, 3), tensor(2, 4))),
        Refusal("ignored", lambda f, tensor: f(tensor(2, 3), tensor(2, 3), ignore_index=1)),
        not_a_tensor(2),
        UNKNOWN_REDUCTION,
    ),
)
