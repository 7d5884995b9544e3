"""The negative log-likelihood of class indices."""

from __future__ import annotations

from typing import Any

import numpy as np
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
    Workload,
)
from verify.records.classes import (
    BENCH,
    CHECK,
    REFUSES,
    SPECIAL,
    batch_of_rows,
    cotangent_of_rows,
    of_log_probabilities,
    reduced_rows,
    with_weight,
)
from verify.records.logits import log_softmax
from verify.records.sampling import logits_and_targets
from verify.summation import Summation


def nll(y: Array, target: Array, **options: Any) -> Array:
    """−Σ w y over the targets, reduced. Shapes: y (rows, classes), target (rows,)."""
    coefficients, share = of_log_probabilities(y, target, options)
    return reduced_rows(-(coefficients * y).sum(axis=1), share, options.get("reduction", "mean"))


def _nll_bound(a: Arithmetic, y: Array, target: Array, **options: Any) -> Array:
    # Each term rounds once, the rows are summed in any order and in the stored type, the mean divides.
    coefficients, share = of_log_probabilities(y, target, options)
    size = reduced_rows((coefficients * np.abs(y)).sum(axis=1), share, options.get("reduction", "mean"))
    return compounded((target.size + 3) * a.u) * size


def _nll_vjp(g: Array, y: Array, target: Array, **options: Any) -> tuple[Array, None]:
    coefficients, share = of_log_probabilities(y, target, options)
    return -coefficients * cotangent_of_rows(g, share, options.get("reduction", "mean")), None


def _nll_vjp_bound(a: Arithmetic, g: Array, y: Array, target: Array, **options: Any) -> tuple[Array, None]:
    # The share of a mean is a rounded sum and a quotient; then one product.
    gradient, _ = _nll_vjp(g, y, target, **options)
    return compounded((target.size + 3) * a.u) * np.abs(gradient), None


def _log_probabilities(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Logarithms of probabilities, and one class index a row."""
    logits, target = logits_and_targets(generator, workload)
    return log_softmax(logits, 1), target


NLL_LOSS = Operation(
    name="nll_loss",
    subject="losses",
    function=with_weight(F.nll_loss),
    forward=Formula("−Σᵢ w_tᵢ yᵢ,tᵢ / Σᵢ w_tᵢ", nll, _nll_bound, "γₙ of a weighted sum, Higham 2002, §4.2"),
    vjp=Formula(
        "∂yᵢ,c = −g w_c [c = tᵢ] / Σ w", _nll_vjp, _nll_vjp_bound, "two roundings and the sum of weights"
    ),
    domain=Domain(
        _log_probabilities,
        (
            HardInput("certain", lambda a: (np.array([[0.0, -100.0], [-100.0, 0.0]]), np.array([0, 1]))),
            HardInput("far", lambda a: (np.array([[-1.0, -3e4], [-2.0, -5e4]]), np.array([1, 1])), far=True),
        ),
    ),
    check=CHECK,
    bench=BENCH,
    # Only the chosen entries are read.
    cost=lambda workload: Cost(2.0 * workload.shapes[0][0], 2.0 * workload.shapes[0][0]),
    identities=(
        Identity(
            "nll_loss(4y) = 4 nll_loss(y)",
            lambda f, y, t, **options: f(4 * y, t, **options),
            lambda f, y, t, **options: 4 * f(y, t, **options),
        ),
        Identity(
            "nll_loss = −mean of the picked entries",
            lambda f, y, t: f(y, t),
            lambda f, y, t: -y.gather(1, t[:, None]).mean(),
            lambda a, y, t: 2 * a.stored(nll(y, t), _nll_bound(a, y, t)),
            applies=lambda workload: not workload.options,
        ),
    ),
    special=SPECIAL,
    refuses=REFUSES,
    batch=batch_of_rows,
    summations=(Summation(lambda f, x: f(-x[:, None], x.new_zeros(len(x)).long(), reduction="sum")),),
)
