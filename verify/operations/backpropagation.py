"""Backpropagation: a network of sigmoid layers of any depth, and its gradient by the recursion of deltas."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between, twice
from verify.operation import Domain, HardInput, Identity, Operation, Refusal, Special, Workload
from verify.operations.multi_output_perceptron import MULTI_OUTPUT_PERCEPTRON
from verify.records.activation import gone, rounded_away
from verify.records.derivation import same_gradient
from verify.records.refusals import not_a_tensor, other_dtype
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


def _network(x: torch.Tensor, t: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
    outputs = x
    for w in weights:
        outputs = torch.sigmoid(outputs @ w)
    return 0.5 * F.mse_loss(outputs, t, reduction="sum")


def _gradients(unit: Unit, g: Any, x: Any, t: Any, weights: Sequence[Any]) -> tuple[Any, ...]:
    """The chain rule from the last layer to the first; runs on arrays, on balls and on tensors.

    Layer l takes the outputs Oᵢ of the layer below it to zⱼ = Σᵢ Oᵢ wᵢⱼ and Oⱼ = σ(zⱼ); below the first
    layer O is x. Write δⱼ = ∂E/∂zⱼ. As zⱼ alone holds wᵢⱼ, and ∂zⱼ/∂wᵢⱼ = Oᵢ,

        ∂E/∂wᵢⱼ = Oᵢ δⱼ            in every layer.

    At the output E = ½ Σₖ (Oₖ − tₖ)², and so

        δₖ = ∂E/∂Oₖ · ∂Oₖ/∂zₖ = (Oₖ − tₖ) Oₖ (1 − Oₖ).

    A hidden Oⱼ reaches E through every zₖ of the layer above it, and ∂zₖ/∂Oⱼ = wⱼₖ:

        δⱼ = ∂Oⱼ/∂zⱼ · Σₖ ∂E/∂zₖ · ∂zₖ/∂Oⱼ = Oⱼ (1 − Oⱼ) Σₖ δₖ wⱼₖ.

    x is below the first layer and has no slope of its own: ∂E/∂xᵢ = Σⱼ δⱼ wᵢⱼ.
    """
    outputs, complements = [x.reshape(-1, weights[0].shape[0])], [None]
    for w in weights:
        output, complement = unit(outputs[-1] @ w)
        outputs.append(output)
        complements.append(complement)
    from_above = g * (outputs[-1] - t)
    of_t = (-from_above).reshape(t.shape)
    of_weights: list[Any] = []
    for layer in range(len(weights), 0, -1):
        delta = from_above * complements[layer] * outputs[layer]
        of_weights.insert(0, outputs[layer - 1].T @ delta)
        from_above = delta @ weights[layer - 1].T
    return (from_above.reshape(x.shape), of_t, *of_weights)


_FORWARD = analysed(
    "E = ½ Σₖ (Oₖ − tₖ)², O = σ(… σ(σ(x W₁) W₂) … W_L)",
    lambda x, t, *weights: error(exact_unit, x, t, *weights),
    STEPS,
    algorithm=lambda x, t, *weights: error(computed_unit, x, t, *weights),
)
_VJP = analysed(
    "∂wᵢⱼ = Oᵢ δⱼ; δₖ = g (Oₖ − tₖ) Oₖ (1 − Oₖ) at the output, δⱼ = Oⱼ (1 − Oⱼ) Σₖ δₖ wⱼₖ below",
    lambda g, x, t, *weights: _gradients(exact_unit, g, x, t, weights),
    STEPS,
    algorithm=lambda g, x, t, *weights: _gradients(computed_unit, g, x, t, weights),
)


def _row_by_row(f: Any, x: Any, t: Any, *weights: Any) -> Any:
    total = f(x[0], t[0], *weights)
    for i in range(1, x.shape[0]):
        total = total + f(x[i], t[i], *weights)
    return total


_ROWS = analysed(
    _FORWARD.text,
    _FORWARD.evaluate,
    STEPS,
    algorithm=lambda *inputs: _row_by_row(lambda *row: error(computed_unit, *row), *inputs),
)


def _exchanged(f: Any, x: Any, t: Any, first: Any, second: Any, *more: Any) -> Any:
    """The network with the units of its first hidden layer in the opposite order."""
    return f(x, t, first.flip(1), second.flip(0), *more)


def _layers(*sizes: int, rows: tuple[int, ...] = ()) -> tuple[tuple[int, ...], ...]:
    """The shapes of x, t and the weights of a network whose layers have these sizes."""
    return ((*rows, sizes[0]), (*rows, sizes[-1]), *itertools.pairwise(sizes))


def _hidden_at(z: float) -> tuple[Any, ...]:
    """One row, two hidden units at z and −z, and one output of which they make σ(½ O₁ + ¼ O₂)."""
    return (
        np.array([[1.0]]),
        np.array([[0.25]]),
        np.array([[z, -z]]),
        np.array([[0.5], [0.25]]),
    )


BACKPROPAGATION = Operation(
    name="backpropagation",
    subject="networks",
    function=_network,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        rows_targets_and_weights,
        (
            # Both hidden units give ½, and their weights cancel: the output is ½, the target.
            HardInput(
                "exact fit",
                lambda a: (
                    np.array([1.0, 2.0]),
                    np.array([0.5]),
                    np.array([[2.0, -4.0], [-1.0, 2.0]]),
                    np.array([[1.5], [-1.5]]),
                ),
            ),
            HardInput(
                "zero weights",
                lambda a: (np.array([1.5]), np.array([0.0, 1.0]), np.zeros((1, 2)), np.zeros((2, 2))),
            ),
            HardInput("saturated hidden units", lambda a: _hidden_at(rounded_away(a)), far=True),
            HardInput("hidden units beyond exp", lambda a: _hidden_at(gone(a)), far=True),
        ),
    ),
    check=(
        Workload("5-rows-7-3", _layers(7, 3, rows=(5,))),
        Workload("6-5-2", _layers(6, 5, 2)),
        Workload("4-rows-6-5-2-strided", _layers(6, 5, 2, rows=(4,)), layout="strided"),
        Workload("6-rows-6-6-6-6-transposed", _layers(6, 6, 6, 6, rows=(6,)), layout="transposed"),
        Workload("3-rows-35-9-2", _layers(35, 9, 2, rows=(3,))),
        # Narrow: in the sums over deep layers of 8 bits much cancels, and a bound as large shows nothing.
        Workload("3-rows-5-4-3-2-3-2", _layers(5, 4, 3, 2, 3, 2, rows=(3,))),
    ),
    bench=(
        Workload("128-rows-784-300-100-10", _layers(784, 300, 100, 10, rows=(128,))),
        Workload("2-2-1", _layers(2, 2, 1)),
        Workload("256-rows-256x6", _layers(256, 256, 256, 256, 256, 256, rows=(256,))),
        Workload("1024-rows-784-10", _layers(784, 10, rows=(1024,))),
    ),
    cost=network_cost,
    identities=(
        same_gradient(
            _VJP,
            lambda x, t, *weights: _gradients(torch_unit, 1, x, t, weights),
            lambda x, t, *weights: _gradients(computed_unit, 1, x, t, weights),
        ),
        Identity(
            "a network of one layer is the multi-output perceptron",
            lambda f, x, t, w: f(x, t, w),
            lambda f, x, t, w: MULTI_OUTPUT_PERCEPTRON.function(x, t, w),
            between(_FORWARD, MULTI_OUTPUT_PERCEPTRON.forward),
            applies=lambda workload: len(workload.shapes) == 3,
        ),
        Identity(
            "the error of a batch is the sum over its rows",
            lambda f, *inputs: f(*inputs),
            _row_by_row,
            between(_FORWARD, _ROWS),
            applies=lambda workload: len(workload.shapes[0]) == 2,
        ),
        Identity(
            "hidden units have no order",
            lambda f, *inputs: f(*inputs),
            _exchanged,
            twice(_FORWARD),
            applies=lambda workload: len(workload.shapes) > 3,
        ),
    ),
    naive=textbook_error,
    special=(
        Special(
            "nan",
            (np.array([1.0]), np.array([0.5]), np.array([[np.nan, 1.0]]), np.ones((2, 1))),
            np.array(np.nan),
            "IEEE 754-2019, 6.2",
        ),
        Special(
            "nothing goes out",
            (np.array([1.5]), np.array([0.0, 1.0]), np.ones((1, 3)), np.zeros((3, 2))),
            np.array(0.25),
            "σ(0) = ½",
        ),
        Special(
            "infinities",
            (
                np.array([np.inf]),
                np.array([0.0]),
                np.array([[1.0, -1.0]]),
                np.array([[np.inf], [1.0]]),
            ),
            np.array(0.5),
            "σ(∞) = 1 and σ(−∞) = 0: exp at ±∞, IEEE 754-2019, table 9.1",
        ),
        Special(
            "no rows",
            (np.zeros((0, 3)), np.zeros((0, 2)), np.ones((3, 4)), np.ones((4, 2))),
            np.array(0.0),
            "the sum of no terms is 0, Python array API standard, sum",
        ),
    ),
    refuses=(
        Refusal(
            "layers that do not fit",
            lambda f, tensor: f(tensor(3), tensor(2), tensor(3, 4), tensor(5, 2)),
        ),
        other_dtype((3,), (2,), (3, 4), (4, 2)),
        not_a_tensor(4),
    ),
)
