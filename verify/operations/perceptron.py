"""The perceptron: one sigmoid unit, trained on the squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between, twice
from verify.operation import Domain, HardInput, Identity, Inputs, Operation, Refusal, Special, Workload
from verify.records.activation import gone, rounded_away
from verify.records.derivation import same_gradient
from verify.records.refusals import not_a_tensor, other_dtype
from verify.records.sampling import values
from verify.records.sigmoid_unit import (
    STEPS,
    Unit,
    computed_unit,
    error,
    exact_unit,
    network_cost,
    rows_targets_and_weights,
    textbook_error,
    torch_unit,
)


def _perceptron(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    output = torch.sigmoid(x @ w)
    return 0.5 * F.mse_loss(output, t, reduction="sum")


def _gradients(unit: Unit, g: Any, x: Any, t: Any, w: Any) -> tuple[Any, Any, Any]:
    """The chain rule of one output, factor by factor; runs on arrays, on balls and on tensors.

        E = ½ (O − t)²        ∂E/∂O   = O − t,      ∂E/∂t   = −(O − t)
        O = σ(z)              ∂O/∂z   = O (1 − O)
        z = Σⱼ xⱼ wⱼ          ∂z/∂wⱼ  = xⱼ,         ∂z/∂xⱼ  = wⱼ

    and so, with δ = ∂E/∂z = (O − t) O (1 − O),

        ∂E/∂wⱼ = δ xⱼ,        ∂E/∂xⱼ = δ wⱼ.

    A batch has a δ for each row, and its error is the sum of theirs: ∂E/∂wⱼ = Σᵢ δᵢ xᵢⱼ.
    """
    rows = x.reshape(-1, w.shape[0])
    output, complement = unit(rows @ w)
    from_output = g * (output - t)
    delta = from_output * complement * output
    of_x = delta[:, None] * w
    return of_x.reshape(x.shape), (-from_output).reshape(t.shape), delta @ rows


_FORWARD = analysed(
    "E = ½ (σ(Σⱼ xⱼwⱼ) − t)²",
    lambda x, t, w: error(exact_unit, x, t, w),
    STEPS,
    algorithm=lambda x, t, w: error(computed_unit, x, t, w),
)
_VJP = analysed(
    "∂wⱼ = (O − t) O (1 − O) xⱼ, ∂xⱼ = (O − t) O (1 − O) wⱼ, ∂t = t − O, times g",
    lambda g, x, t, w: _gradients(exact_unit, g, x, t, w),
    STEPS,
    algorithm=lambda g, x, t, w: _gradients(computed_unit, g, x, t, w),
)
_MIRRORED = analysed(
    _FORWARD.text,
    _FORWARD.evaluate,
    STEPS,
    algorithm=lambda x, t, w: error(computed_unit, -x, 1 - t, w),
)


def _single(x: list[float], t: float, w: list[float]) -> Inputs:
    return np.array(x), np.array(t), np.array(w)


PERCEPTRON = Operation(
    name="perceptron",
    subject="networks",
    function=_perceptron,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        rows_targets_and_weights,
        (
            HardInput("exact fit", lambda a: _single([1.0, 2.0], 0.5, [2.0, -1.0])),
            HardInput("zero weights", lambda a: _single([1.5, -2.0], 1.0, [0.0, -0.0])),
            HardInput("smallest", lambda a: _single([a.smallest, a.smallest_normal], 0.25, [1.0, -1.0])),
            HardInput("saturated at 1", lambda a: _single([1.0], 0.0, [rounded_away(a)]), far=True),
            HardInput("saturated at 0", lambda a: _single([1.0], 1.0, [-rounded_away(a)]), far=True),
            HardInput(
                "beyond exp",
                lambda a: (np.array([[1.0], [-1.0]]), np.array([0.25, 0.75]), *values(gone(a))),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("7", ((7,), (), (7,))),
        Workload("5x33", ((5, 33), (5,), (33,))),
        Workload("6x6-transposed", ((6, 6), (6,), (6,)), layout="transposed"),
        Workload("5x9-strided", ((5, 9), (5,), (9,)), layout="strided"),
        Workload("3x401-strided", ((3, 401), (3,), (401,)), layout="strided"),
    ),
    bench=(
        Workload("1024x784", ((1024, 784), (1024,), (784,))),
        Workload("30", ((30,), (), (30,))),
        Workload("1023x785-strided", ((1023, 785), (1023,), (785,)), layout="strided"),
    ),
    cost=network_cost,
    identities=(
        same_gradient(
            _VJP,
            lambda x, t, w: _gradients(torch_unit, 1, x, t, w),
            lambda x, t, w: _gradients(computed_unit, 1, x, t, w),
        ),
        Identity(
            "it is a multi-output perceptron with one output",
            lambda f, x, t, w: f(x, t, w),
            lambda f, x, t, w: _perceptron(x, t[..., None], w[:, None]),
            twice(_FORWARD),
        ),
        Identity(
            "E(−x, 1 − t, w) = E(x, t, w)",
            lambda f, x, t, w: f(x, t, w),
            lambda f, x, t, w: f(-x, 1 - t, w),
            between(_FORWARD, _MIRRORED),
        ),
    ),
    naive=textbook_error,
    special=(
        Special("nan", _single([np.nan, 1.0], 0.5, [0.5, 0.5]), np.array(np.nan), "IEEE 754-2019, 6.2"),
        Special("nothing comes in", _single([0.0, -0.0], 0.0, [1.0, 2.0]), np.array(0.125), "σ(0) = ½"),
        Special(
            "infinities",
            (np.array([[np.inf], [-np.inf], [np.inf]]), np.array([0.0, 1.0, 1.0]), np.array([2.0])),
            np.array(1.0),
            "σ(∞) = 1 and σ(−∞) = 0: exp at ±∞, IEEE 754-2019, table 9.1",
        ),
        Special(
            "no rows",
            (np.zeros((0, 3)), np.zeros(0), np.ones(3)),
            np.array(0.0),
            "the sum of no terms is 0, Python array API standard, sum",
        ),
    ),
    refuses=(
        Refusal("another number of weights", lambda f, tensor: f(tensor(3), tensor(), tensor(4))),
        Refusal("a matrix of weights for one row", lambda f, tensor: f(tensor(3), tensor(), tensor(4, 3))),
        other_dtype((3,), (), (3,)),
        not_a_tensor(3),
    ),
)
