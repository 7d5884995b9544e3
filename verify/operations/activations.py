"""Elementwise activations: sigmoid, tanh, ReLU."""

from __future__ import annotations

import numpy as np
import torch

from verify.arithmetic import Arithmetic
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


def _sample(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Standard normal inputs, kept off 0 so that a finite difference does not straddle ReLU's kink."""
    (shape,) = workload.shapes
    x = generator.standard_normal(shape)
    return (np.copysign(np.abs(x) + 0.25, x),)


def _values(*numbers: float) -> Inputs:
    return (np.array(numbers),)


_CHECK = (
    Workload("7", ((7,),)),
    Workload("5x33", ((5, 33),)),
    Workload("6x10-transposed", ((6, 10),), layout="transposed"),
)
_BENCH = (
    Workload("4096x1024", ((4096, 1024),)),
    Workload("64", ((64,),)),
    Workload("1000003", ((1_000_003,),)),
    Workload("1024x1024-strided", ((1024, 1024),), layout="strided"),
)


def _cost(flops: float) -> object:
    def cost(workload: Workload) -> Cost:
        n = float(np.prod(workload.shapes[0]))
        return Cost(flops * n, 2 * n)

    return cost


def _relu(x: Array) -> Array:
    return np.where(x > 0, x, 0 * x)


RELU = Operation(
    name="relu",
    subject="activations",
    function=torch.relu,
    forward=Formula("yᵢ = max(xᵢ, 0)", _relu, lambda a, x: np.zeros(x.shape), "exact: a comparison and a copy"),
    vjp=Formula(
        "∂xᵢ = gᵢ if xᵢ > 0 else 0",
        lambda g, x: (np.where(x > 0, g, 0 * g),),
        lambda a, g, x: (np.zeros(x.shape),),
        "exact; at 0 torch takes the left derivative, 0 (torch.nn.ReLU)",
    ),
    domain=Domain(
        _sample,
        (
            HardInput("zeros", lambda a: _values(0.0, -0.0)),
            HardInput("smallest", lambda a: _values(a.smallest, -a.smallest, a.smallest_normal)),
            HardInput("largest", lambda a: _values(a.largest, -a.largest), far=True),
        ),
    ),
    check=_CHECK,
    bench=_BENCH,
    cost=_cost(1),
    identities=(
        Identity(
            "relu(x) − relu(−x) = x", lambda f, x: f(x) - f(-x), lambda f, x: x
        ),
    ),
)
