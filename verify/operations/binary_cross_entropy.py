"""Binary cross-entropy: of probabilities, and of logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Operation, Refusal, Workload
from verify.operations.log_activations import log_sigmoid, log_sigmoid_steps
from verify.records.activation import rounded_away, sigmoid, sigmoid_steps
from verify.records.elementwise import INF, NAN, far
from verify.records.lengths import of_all
from verify.records.loss import (
    BENCH,
    NONE,
    SUM,
    UNKNOWN_REDUCTION,
    batch,
    cost,
    nothing,
    of_pairs,
    reduced,
    shared,
    unreduced,
    within,
)
from verify.records.refusals import not_a_tensor
from verify.records.sampling import values

# A logarithm in the loss is no less than this (torch.nn.BCELoss).
_FLOOR = -100.0
# Numbers of every type: what is measured is the loss itself.
_WEIGHT, _POS_WEIGHT = (0.5, 1.0, 3.0, 0.25, 1.5, 4.0), (2.0, 0.75, 1.0, 3.0, 0.25, 5.0)

_CHECK = (
    Workload("37", ((37,), (37,))),
    Workload("5x6-sum", ((5, 6), (5, 6)), SUM),
    Workload("4x6-none-weight-transposed", ((4, 6), (4, 6)), {**NONE, "weight": _WEIGHT}, "transposed"),
    Workload("7x6-weight-strided", ((7, 6), (7, 6)), {"weight": _WEIGHT}, "strided"),
)
_MISMATCHED = Refusal("shapes 3 and 1", lambda f, tensor: f(tensor(3), tensor(1)), (ValueError,))


def _weighted(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A torch loss that takes its weights as plain numbers, in the dtype of its input."""

    def function(x: torch.Tensor, target: torch.Tensor, **options: Any) -> Any:
        for name in {"weight", "pos_weight"} & options.keys():
            options[name] = torch.tensor(options[name], dtype=x.dtype, device=x.device)
        return loss(x, target, **options)

    return function


def _weights(weight: Any, loss: Array) -> Array:
    return loss if weight is None else loss * np.array(weight)


def _targets(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Soft and hard targets with few bits, so that 1 − t is exact in every dtype."""
    return generator.integers(0, 17, size=shape) / 16


def _probabilities(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Probabilities and targets twice as far from 0 and 1 as the longest step of a finite difference."""
    x, t = workload.shapes
    return generator.uniform(0.25, 0.75, x), generator.integers(4, 13, size=t) / 16


def _logs(x: Array) -> tuple[Array, Array]:
    """log x and log(1 − x), each no less than −100. Inputs are exact, so is the choice."""
    low, high = x > math.exp(_FLOOR), x < 1
    log_x = np.where(low, np.log(np.where(low, x, 0 * x + 1)), _FLOOR)
    return log_x, np.where(high, np.log1p(np.where(high, -x, 0 * x)), _FLOOR)


def _bce(x: Array, t: Array, reduction: str = "mean", weight: Any = None) -> Array:
    log_x, log_rest = _logs(x)
    return reduced(_weights(weight, (t - 1) * log_rest - t * log_x), reduction)


def _bce_vjp(
    g: Array, x: Array, t: Array, reduction: str = "mean", weight: Any = None
) -> tuple[Array, Array]:
    w = _weights(weight, shared(g, x, reduction))
    return w * (x - t) / ((1 - x) * x), w * (np.log1p(-x) - np.log(x))


def _bce_vjp_steps(
    g: Array, x: Array, t: Array, reduction: str = "mean", weight: Any = None
) -> tuple[Array, Array]:
    # Weighted, and divided by n, after everything else. The target's share is −logit x.
    of_x, of_t = g * (x - t) / ((1 - x) * x), -np.log(x / (1 - x)) * g
    return shared(_weights(weight, of_x), x, reduction), shared(_weights(weight, of_t), x, reduction)


_OF_PROBABILITIES = analysed(
    "−Σᵢ wᵢ (tᵢ log xᵢ + (1 − tᵢ) log(1 − xᵢ))/n, logarithms no less than −100",
    _bce,
    "ATen, binary_cross_entropy_out_cpu; torch.nn.BCELoss",
)

BINARY_CROSS_ENTROPY = Operation(
    name="binary_cross_entropy",
    subject="losses",
    function=_weighted(F.binary_cross_entropy),
    forward=_OF_PROBABILITIES,
    vjp=analysed(
        "∂x = g w (x − t)/(x (1 − x))/n, ∂t = g w (log(1 − x) − log x)/n",
        _bce_vjp,
        "ATen, binary_cross_entropy_backward_out_cpu, and −logit x",
        _bce_vjp_steps,
    ),
    domain=Domain(
        _probabilities,
        (
            HardInput("even", lambda a: (np.array([0.5, 0.5]), np.array([0.5, 0.25]))),
            # Targets of 0 and 1 are the usual ones, but no step may leave [0, 1].
            far("sure targets", lambda a: (np.array([0.25, 0.875, 0.5]), np.array([1.0, 0.0, 1.0]))),
            far("nearly impossible", lambda a: (_small(a), np.array([1.0, 0.0])), **SUM),
            far("nearly certain", lambda a: (np.array([1 - a.u, 1 - 4 * a.u]), np.array([0.0, 1.0])), **SUM),
        ),
    ),
    check=_CHECK,
    bench=BENCH,
    cost=cost(6),
    identities=(
        Identity(
            "f(x, 0) + f(x, 1) = 2 f(x, 1/2)",
            lambda f, x, t, **options: f(x, 0 * t, **options) + f(x, 0 * t + 1, **options),
            lambda f, x, t, **options: 2 * f(x, 0 * t + 0.5, **options),
            lambda a, x, t, **options: _three(a, x, **options),
        ),
    ),
    special=(
        of_pairs(
            "certain",
            "torch.nn.BCELoss, −100 for log 0",
            (0.0, 1.0, 100.0),
            (1.0, 0.0, 100.0),
            (0.0, 0.0, 0.0),
        ),
        nothing(),
    ),
    refuses=(
        _MISMATCHED,
        not_a_tensor(2),
        UNKNOWN_REDUCTION,
        Refusal("above 1", lambda f, tensor: f(tensor(3) + 1, tensor(3)), crashes=True),
        Refusal("below 0", lambda f, tensor: f(tensor(3) - 1, tensor(3)), crashes=True),
        Refusal("nan", lambda f, tensor: f(tensor(3) * math.nan, tensor(3)), crashes=True),
    ),
    batch=batch,
    lengths=of_all(SUM, inputs=2),
    entrywise=unreduced,
)


def _small(a: Any) -> Array:
    """Probabilities whose reciprocals are numbers of the type, some of them below 10⁻¹²."""
    return np.array([max(2.0**-60, 8 * a.smallest_normal)] * 2)


def _three(a: Any, x: Array, **options: Any) -> Array:
    bound = within(_OF_PROBABILITIES)
    sides = [bound(a, x, np.full(x.shape, t), **options) for t in (0.0, 1.0)]
    half = _bce(x, np.full(x.shape, 0.5), **options)
    return sides[0] + sides[1] + 2 * bound(a, x, np.full(x.shape, 0.5), **options) + 4 * a.u * half


def _with_logits(
    x: Array, t: Array, reduction: str = "mean", weight: Any = None, pos_weight: Any = None
) -> Array:
    p = 1.0 if pos_weight is None else np.array(pos_weight)
    # −log σ(x) = max(−x, 0) + log(1 + exp(−|x|)); x and its multiples are gathered, so that none cancels.
    gathered = np.where(x < 0, -x * t * p, (1 - t) * x)
    loss = gathered + (t * (p - 1) + 1) * np.log1p(np.exp(-np.abs(x)))
    return reduced(_weights(weight, loss), reduction)


def _with_logits_steps(
    x: Array, t: Array, reduction: str = "mean", weight: Any = None, pos_weight: Any = None
) -> Array:
    log_gate = log_sigmoid_steps(x)
    if pos_weight is not None:
        log_gate = log_gate * ((0 * t + np.array(pos_weight) - 1) * t + 1)
    return reduced(_weights(weight, (1 - t) * x - log_gate), reduction)


def _with_logits_vjp(
    g: Array, x: Array, t: Array, reduction: str = "mean", weight: Any = None, pos_weight: Any = None
) -> tuple[Array, Array]:
    w = _weights(weight, shared(g, x, reduction))
    p = 1.0 if pos_weight is None else np.array(pos_weight)
    of_t = -x if pos_weight is None else log_sigmoid(-x) - p * log_sigmoid(x)
    return w * ((1 - t) * sigmoid(x) - t * p * sigmoid(-x)), w * of_t


def _with_logits_vjp_steps(
    g: Array, x: Array, t: Array, reduction: str = "mean", weight: Any = None, pos_weight: Any = None
) -> tuple[Array, Array]:
    if pos_weight is None:
        of_x, of_t = sigmoid_steps(x) - t, -x
    else:
        p = 0 * t + np.array(pos_weight)
        of_x = (p * t + 1 - t) * sigmoid_steps(x) - p * t
        of_t = log_sigmoid_steps(-x) - log_sigmoid_steps(x) * p
    return (
        shared(_weights(weight, of_x * g), x, reduction),
        shared(_weights(weight, of_t * g), x, reduction),
    )


def _logits(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal logits of spread 2, and soft and hard targets."""
    x, t = workload.shapes
    return 2 * generator.standard_normal(x), _targets(generator, t)


def _far_logits(name: str, logit: Callable[[Any], float], right: bool) -> HardInput:
    targets = np.array([1.0, 0.0]) if right else np.array([0.0, 1.0])
    return far(name, lambda a: (values(logit(a), -logit(a))[0], targets), **NONE)


_OF_LOGITS = analysed(
    "Σᵢ wᵢ ((1 − tᵢ) xᵢ − (1 + (p − 1) tᵢ) log σ(xᵢ))/n",
    _with_logits,
    "ATen, binary_cross_entropy_with_logits",
    _with_logits_steps,
)

BINARY_CROSS_ENTROPY_WITH_LOGITS = Operation(
    name="binary_cross_entropy_with_logits",
    subject="losses",
    function=_weighted(F.binary_cross_entropy_with_logits),
    forward=_OF_LOGITS,
    vjp=analysed(
        "∂x = g w ((1 − t) σ(x) − p t σ(−x))/n, ∂t = g w (log σ(−x) − p log σ(x))/n",
        _with_logits_vjp,
        "(p t + 1 − t) σ(x) − p t, FunctionsManual.cpp",
        _with_logits_vjp_steps,
    ),
    domain=Domain(
        _logits,
        (
            HardInput("even", lambda a: (np.array([0.0, -0.0]), np.array([0.5, 1.0]))),
            _far_logits("sure and right", rounded_away, True),
            _far_logits("sure and wrong", rounded_away, False),
            _far_logits("far and wrong", lambda a: a.largest / 8, False),
        ),
    ),
    check=(
        *_CHECK,
        Workload("5x6-pos_weight", ((5, 6), (5, 6)), {"pos_weight": _POS_WEIGHT}),
        Workload("4x6-none-both", ((4, 6), (4, 6)), {**NONE, "weight": _WEIGHT, "pos_weight": _POS_WEIGHT}),
    ),
    bench=BENCH,
    cost=cost(8),
    identities=(
        Identity(
            "f(x, t) = f(−x, 1 − t)",
            lambda f, x, t, **options: f(x, t, **options),
            lambda f, x, t, **options: f(-x, 1 - t, **options),
            lambda a, x, t, **options: (
                within(_OF_LOGITS)(a, x, t, **options) + within(_OF_LOGITS)(a, -x, 1 - t, **options)
            ),
            applies=lambda workload: "pos_weight" not in workload.options,
        ),
        Identity(
            "a certain target takes −log σ",
            lambda f, x, t: f(x, 0 * t + 1, reduction="none"),
            lambda f, x, t: -F.logsigmoid(x),
            lambda a, x, t: 2 * within(_OF_LOGITS)(a, x, np.ones(t.shape), reduction="none"),
            applies=lambda workload: not workload.options,
        ),
    ),
    special=(
        of_pairs("nan", "IEEE 754-2019, 6.2", (NAN, 0.5, NAN), (0.5, NAN, NAN)),
        of_pairs(
            "infinitely wrong",
            "the limits of torch.nn.BCEWithLogitsLoss's formula",
            (INF, 0.0, INF),
            (-INF, 1.0, INF),
        ),
        nothing(),
    ),
    refuses=(_MISMATCHED, not_a_tensor(2), UNKNOWN_REDUCTION),
    naive=lambda x, t, reduction: F.binary_cross_entropy(torch.sigmoid(x), t, reduction=reduction),
    batch=batch,
    lengths=of_all(SUM, inputs=2),
    entrywise=unreduced,
)
