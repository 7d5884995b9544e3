"""The multi-output perceptron: sigmoid units side by side, trained on the squared error."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed, between
from verify.operation import Domain, HardInput, Identity, Operation, Refusal, Special, Workload
from verify.operations.perceptron import PERCEPTRON
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


def _multi_output(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    outputs = torch.sigmoid(x @ w)
    return 0.5 * ((outputs - t) ** 2).sum()


def _gradients(unit: Unit, g: Any, x: Any, t: Any, w: Any) -> tuple[Any, Any, Any]:
    """The chain rule of several outputs; runs on arrays, on balls and on tensors.

        E = ½ Σₖ (Oₖ − tₖ)²    ∂E/∂Oₖ   = Oₖ − tₖ
        Oₖ = σ(zₖ)             ∂Oₖ/∂zₖ  = Oₖ (1 − Oₖ)
        zₖ = Σⱼ xⱼ wⱼₖ         ∂zₖ/∂wⱼₖ = xⱼ,          ∂zₖ/∂xⱼ = wⱼₖ

    wⱼₖ reaches E through its own output k alone, xⱼ through every output. With
    δₖ = (Oₖ − tₖ) Oₖ (1 − Oₖ),

        ∂E/∂wⱼₖ = δₖ xⱼ,       ∂E/∂xⱼ = Σₖ δₖ wⱼₖ:

    for a batch, ∂W = Xᵀ δ and ∂X = δ Wᵀ.
    """
    rows = x.reshape(-1, w.shape[0])
    outputs, complements = unit(rows @ w)
    from_outputs = g * (outputs - t)
    delta = from_outputs * complements * outputs
    return (delta @ w.T).reshape(x.shape), (-from_outputs).reshape(t.shape), rows.T @ delta


_FORWARD = analysed(
    "E = ½ Σₖ (σ(Σⱼ xⱼwⱼₖ) − tₖ)²",
    lambda x, t, w: error(exact_unit, x, t, w),
    STEPS,
    algorithm=lambda x, t, w: error(computed_unit, x, t, w),
)
_VJP = analysed(
    "∂wⱼₖ = (Oₖ − tₖ) Oₖ (1 − Oₖ) xⱼ, ∂xⱼ = Σₖ (Oₖ − tₖ) Oₖ (1 − Oₖ) wⱼₖ, ∂t = t − O, times g",
    lambda g, x, t, w: _gradients(exact_unit, g, x, t, w),
    STEPS,
    algorithm=lambda g, x, t, w: _gradients(computed_unit, g, x, t, w),
)


def _one_by_one(f: Any, x: Any, t: Any, w: Any) -> Any:
    """The errors of the outputs, each a perceptron of its own, added up."""
    total = f(x, t[..., 0], w[:, 0])
    for k in range(1, w.shape[1]):
        total = total + f(x, t[..., k], w[:, k])
    return total


_SEPARATE = analysed(
    _FORWARD.text,
    _FORWARD.evaluate,
    STEPS,
    algorithm=lambda *inputs: _one_by_one(lambda *one: error(computed_unit, *one), *inputs),
)

MULTI_OUTPUT_PERCEPTRON = Operation(
    name="multi_output_perceptron",
    subject="networks",
    function=_multi_output,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        rows_targets_and_weights,
        (
            HardInput(
                "exact fit",
                lambda a: (np.array([1.0, 2.0]), np.array([0.5, 0.5]), np.array([[2.0, -4.0], [-1.0, 2.0]])),
            ),
            HardInput("zero weights", lambda a: (*values(1.5, -2.0), *values(0.0, 1.0), np.zeros((2, 2)))),
            HardInput(
                "saturated",
                lambda a: (
                    *values(1.0),
                    *values(0.0, 1.0),
                    np.array([[rounded_away(a), -rounded_away(a)]]),
                ),
                far=True,
            ),
            HardInput(
                "beyond exp",
                lambda a: (
                    *values(1.0),
                    *values(0.25, 0.75),
                    np.array([[gone(a), -gone(a)]]),
                ),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("7x3", ((7,), (3,), (7, 3))),
        Workload("5x33x4", ((5, 33), (5, 4), (33, 4))),
        Workload("6x6x6-transposed", ((6, 6), (6, 6), (6, 6)), layout="transposed"),
        Workload("4x5x1", ((4, 5), (4, 1), (5, 1))),
        Workload("3x129x2-strided", ((3, 129), (3, 2), (129, 2)), layout="strided"),
    ),
    bench=(
        Workload("1024x784x10", ((1024, 784), (1024, 10), (784, 10))),
        Workload("30x3", ((30,), (3,), (30, 3))),
        Workload("1023x785x11-strided", ((1023, 785), (1023, 11), (785, 11)), layout="strided"),
    ),
    cost=network_cost,
    identities=(
        same_gradient(
            _VJP,
            lambda x, t, w: _gradients(torch_unit, 1, x, t, w),
            lambda x, t, w: _gradients(computed_unit, 1, x, t, w),
        ),
        Identity(
            "outputs are perceptrons that do not know each other",
            lambda f, x, t, w: f(x, t, w),
            lambda f, *inputs: _one_by_one(PERCEPTRON.function, *inputs),
            between(_FORWARD, _SEPARATE),
        ),
    ),
    naive=textbook_error,
    special=(
        Special(
            "nan",
            (np.array([1.0]), np.array([0.5, 0.5]), np.array([[np.nan, 1.0]])),
            np.array(np.nan),
            "IEEE 754-2019, 6.2",
        ),
        Special(
            "nothing comes in",
            (np.array([0.0, -0.0]), np.array([0.0, 1.0]), np.ones((2, 2))),
            np.array(0.25),
            "σ(0) = ½",
        ),
        Special(
            "infinities",
            (np.array([np.inf]), np.array([0.0, 1.0]), np.array([[1.0, -1.0]])),
            np.array(1.0),
            "σ(∞) = 1 and σ(−∞) = 0: exp at ±∞, IEEE 754-2019, table 9.1",
        ),
        Special(
            "no rows",
            (np.zeros((0, 3)), np.zeros((0, 2)), np.ones((3, 2))),
            np.array(0.0),
            "the sum of no terms is 0, Python array API standard, sum",
        ),
    ),
    refuses=(
        Refusal("another number of weights", lambda f, tensor: f(tensor(3), tensor(2), tensor(4, 2))),
        other_dtype((3,), (2,), (3, 2)),
        not_a_tensor(3),
    ),
)
