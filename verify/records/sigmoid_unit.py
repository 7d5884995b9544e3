"""Sigmoid unit: takes z to O = σ(z) and to 1 − O, whose product is its slope, in each arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.running_error import Computed
from verify.operation import Cost, Inputs, Workload

Unit = Callable[[Any], tuple[Any, Any]]

STEPS = (
    "matmul, sigmoid as 1/(1 + exp(−z)), mse_loss; backwards mse_loss_backward, g (1 − O) O of the stored O "
    "(derivatives.yaml, sigmoid) and a product of matrices for each operand"
)


def exact_unit(z: Any) -> tuple[Any, Any]:
    """σ(z) and 1 − σ(z) = σ(−z), neither of which cancels. Shapes: those of z."""
    return 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))


def computed_unit(z: Computed) -> tuple[Computed, Computed]:
    """The steps that torch takes: the complement is formed from the output. Shapes: those of z.

    An error e of z moves σ(z) by at most e σ′ at the point of [z − e, z + e] nearest to 0, where σ′ is
    largest. In 1/(1 + exp(−z)) the error of exp enters with weight 1 − σ(z); the sum and the quotient round.
    """
    a, (value, complement) = z.arithmetic, exact_unit(z.value)
    steepest, rest = exact_unit(np.maximum(np.abs(z.value) - z.read, 0))
    carried = steepest * rest * z.read
    own = (a.of_function("exp") * complement + 2 * a.w) * (value + carried)
    output = Computed(value, carried + own + a.smallest, a)
    return output, 1 - output


def torch_unit(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same in torch. Shapes: those of z."""
    output = torch.sigmoid(z)
    return output, 1 - output


def error(unit: Unit, x: Any, t: Any, *weights: Any) -> Any:
    """½ Σ (O − t)² over the outputs of layers of units and over rows. Shapes: x one row or many."""
    outputs = x.reshape(-1, weights[0].shape[0])
    for w in weights:
        outputs, _ = unit(outputs @ w)
    difference = outputs - t
    return 0.5 * (difference * difference).sum()


def textbook_error(x: torch.Tensor, t: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
    """The same with exp z/(1 + exp z) for σ(z), which is inf/inf far out."""
    outputs = x
    for w in weights:
        e = torch.exp(outputs @ w)
        outputs = e / (1 + e)
    return 0.5 * (outputs - t).square().sum()


def rows_targets_and_weights(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal rows, targets from 1/10 to 9/10, and weights with which Σ xw has spread 1 for any number."""
    rows, targets, *weights = workload.shapes
    return (
        generator.standard_normal(rows),
        np.asarray(generator.uniform(0.1, 0.9, size=targets)),
        *(generator.standard_normal(shape) / math.sqrt(shape[0]) for shape in weights),
    )


def network_cost(workload: Workload) -> Cost:
    """A multiplication and an addition a weight and row, and a few flops a unit; all inputs are read once."""
    rows, targets, *weights = workload.shapes
    count = math.prod(rows[:-1])
    flops = sum(2.0 * count * math.prod(w) + 4.0 * count * math.prod(w[1:]) for w in weights)
    return Cost(
        flops + 3.0 * math.prod(targets), float(sum(map(math.prod, (rows, targets, *weights)))), written=1.0
    )
