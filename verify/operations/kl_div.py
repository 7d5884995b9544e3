"""The Kullback-Leibler divergence, of a target given as probabilities or as their logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Operation, Workload
from verify.records.elementwise import INF, NAN, far
from verify.records.loss import (
    BENCH,
    NONE,
    SUM,
    UNKNOWN_REDUCTION,
    batch,
    cost,
    mismatched,
    nothing,
    of_pairs,
    quietly,
    unreduced,
    within,
)
from verify.records.refusals import not_a_tensor

_LOGS = {"log_target": True}
_BATCHMEAN = {"reduction": "batchmean"}


def _count(x: Array, reduction: str) -> int:
    """What the sum over entries is divided by: their number, or that of the rows."""
    return {"mean": x.size, "batchmean": x.shape[0] if x.ndim else 1}.get(reduction, 1)


def _reduced(loss: Array, reduction: str) -> Array:
    return loss if reduction == "none" else loss.sum() / _count(loss, reduction)


def _kl(x: Array, t: Array, reduction: str = "mean", log_target: bool = False) -> Array:
    return _reduced(np.exp(t) * (t - x) if log_target else t * np.log(t) - t * x, reduction)


def _kl_vjp(
    g: Array, x: Array, t: Array, reduction: str = "mean", log_target: bool = False
) -> tuple[Array, Array]:
    share = g / _count(x, reduction)
    if log_target:
        return -share * np.exp(t), share * np.exp(t) * (t - x + 1)
    return -share * t, share * (np.log(t) + 1 - x)


def _kl_vjp_steps(
    g: Array, x: Array, t: Array, reduction: str = "mean", log_target: bool = False
) -> tuple[Array, Array]:
    # One term for each place where t stands, added as autograd meets them.
    share = 0 * x + g / _count(x, reduction)
    if log_target:
        p = np.exp(t)
        return -(share * p), share * p + share * (t - x) * p
    return -share * t, -share * x + (share * np.log(t) + share * t / t)


def _distributions(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Logarithms of probabilities, and probabilities (or their logarithms) of at least 3/8.

    The steps of a finite difference stay clear of 0, where the logarithm ends. No entry depends on
    another, so that rows need not sum to 1.
    """
    x, t = (generator.uniform(0.375, 1.0, shape) for shape in workload.shapes)
    return np.log(x), np.log(t) if workload.options.get("log_target") else t


def _agree(a: Arithmetic, x: Array, t: Array, **options: Any) -> Any:
    """The bounds of both ways, and what the rounding of the given logarithm may do to exp(t)(t − x)."""
    logs = np.log(t)
    error = (a.elementary + a.u) * np.abs(logs)
    moved = within(KL_DIV.forward)(a, x, logs, **options, **_LOGS)
    direct = within(KL_DIV.forward)(a, x, t, **options)
    # d/ds exp(s)(s − x) = exp(s)(s − x + 1) is monotone over so short a step, up to its curvature.
    slope = np.exp(logs + error) * (np.abs(logs - x + 1) + error)
    return direct + moved + _reduced(slope * error, options.get("reduction", "mean"))


KL_DIV = Operation(
    name="kl_div",
    subject="losses",
    function=quietly(F.kl_div),
    forward=analysed(
        "Σᵢ tᵢ (log tᵢ − xᵢ)/n; log_target: Σᵢ exp tᵢ (tᵢ − xᵢ)/n",
        _kl,
        "xlogy(t, t) − t x, exp(t)(t − x), ATen, kl_div",
    ),
    vjp=analysed(
        "∂x = −g t/n, ∂t = g (log t + 1 − x)/n; log_target: ∂x = −g exp t/n, ∂t = g exp t (t − x + 1)/n",
        _kl_vjp,
        "the derivatives of xlogy, exp and products (derivatives.yaml)",
        _kl_vjp_steps,
    ),
    domain=Domain(
        _distributions,
        (
            HardInput("equal", lambda a: (np.array([-1.0, 0.0]), np.array([-1.0, 0.0])), {**SUM, **_LOGS}),
            far("rare", lambda a: _rare(a), **NONE),
            far("rare, logarithms", lambda a: _rare_logs(a), **NONE, **_LOGS),
            far("not expected", lambda a: (np.array([-3e4, -2.5e4]), np.array([0.5, 0.25])), **SUM),
        ),
    ),
    check=(
        Workload("37", ((37,), (37,))),
        Workload("5x6-batchmean", ((5, 6), (5, 6)), _BATCHMEAN),
        Workload("4x6-sum-log", ((4, 6), (4, 6)), {**SUM, **_LOGS}),
        Workload("3x5-none-transposed", ((3, 5), (3, 5)), NONE, "transposed"),
        Workload("7x9-none-log-strided", ((7, 9), (7, 9)), {**NONE, **_LOGS}, "strided"),
        Workload("2x3x4-batchmean-log", ((2, 3, 4), (2, 3, 4)), {**_BATCHMEAN, **_LOGS}),
    ),
    bench=BENCH,
    cost=cost(4),
    identities=(
        Identity(
            "a target = its logarithms",
            lambda f, x, t, **options: f(x, t, **options),
            lambda f, x, t, **options: f(x, torch.log(t), log_target=True, **options),
            _agree,
            applies=lambda workload: "log_target" not in workload.options,
        ),
        Identity(
            "the divergence of equals is 0",
            lambda f, x, t, **options: f(x, x, **options),
            lambda f, x, t, **options: 0 * f(x, x, **options),
            applies=lambda workload: "log_target" in workload.options,
        ),
    ),
    special=(
        of_pairs("nan", "IEEE 754-2019, 6.2", (NAN, 0.5, NAN), (-0.5, NAN, NAN)),
        of_pairs("impossible target", "torch.special.xlogy: 0 log 0 is 0", (-1.5, 0.0, 0.0)),
        of_pairs("impossible input", "the formula of torch.nn.KLDivLoss", (-INF, 0.5, INF)),
        nothing(),
    ),
    refuses=(mismatched(), not_a_tensor(2), UNKNOWN_REDUCTION),
    batch=batch,
    entrywise=unreduced,
)


def _rare(a: Arithmetic) -> Inputs:
    t = 64 * a.smallest_normal
    return np.array([math.log(t) + 2, -1.0]), np.array([t, t])


def _rare_logs(a: Arithmetic) -> Inputs:
    return np.array([math.log(a.smallest_normal), -1.0]), np.full(2, math.log(64 * a.smallest_normal))
