"""Normalisation of groups of channels: group_norm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import Store, analysed_in_working_type, between, twice
from verify.operation import (
    Array,
    Batch,
    Domain,
    Formula,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.batch_norm import BATCH_NORM
from verify.operations.normalisation import (
    EPS,
    STORED_MOMENTS,
    hard_rows,
    one_entry,
    row_cost,
    spread_around_one,
)
from verify.records.moments import Axes, in_linear_form, moments, standardised, standardised_vjp
from verify.records.refusals import not_a_tensor
from verify.records.summed import of_gradient, ones_for_each

_NAN = np.nan


def _grouped(x: Any, w: Any, groups: int) -> tuple[Any, Any, Axes]:
    """Images (batch, groups, channels of a group, places) and weights (groups, channels of a group, 1)."""
    n, channels = x.shape[:2]
    by_group = np.reshape(x, (n, groups, channels // groups, -1))
    return by_group, np.reshape(w, (groups, channels // groups, 1)), (2, 3)


def _group_norm(x: Any, w: Any, b: Any, num_groups: int, eps: float = EPS) -> Any:
    images, weights, axes = _grouped(x, w, num_groups)
    return np.reshape(standardised(images, weights, np.reshape(b, weights.shape), axes, eps), x.shape)


def _group_norm_in_steps(store: Store, x: Any, w: Any, b: Any, num_groups: int, eps: float = EPS) -> Any:
    images, weights, axes = _grouped(x, w, num_groups)
    centre, scale = moments(images, axes, eps)
    factor = scale * weights
    return np.reshape(images * factor + (np.reshape(b, weights.shape) - centre * factor), x.shape)


def _group_norm_vjp(
    g: Any, x: Any, w: Any, b: Any, num_groups: int, eps: float = EPS
) -> tuple[Any, Any, Any]:
    images, weights, axes = _grouped(x, w, num_groups)
    cotangents = np.reshape(g, images.shape)
    of_x, of_w = standardised_vjp(cotangents, images, weights, axes, eps)
    return (
        np.reshape(of_x, x.shape),
        np.reshape(of_w.sum(axis=(0, 3)), w.shape),
        np.reshape(cotangents.sum(axis=(0, 3)), w.shape),
    )


def _group_norm_vjp_in_steps(
    store: Store, g: Any, x: Any, w: Any, b: Any, num_groups: int, eps: float = EPS
) -> tuple[Any, Any, Any]:
    images, weights, axes = _grouped(x, w, num_groups)
    cotangents = np.reshape(g, images.shape)
    centre, scale = (store(moment) for moment in moments(images, axes, eps))
    products, total = (cotangents * images).sum(axis=3), cotangents.sum(axis=3)
    of_w = ((products - total * centre[..., 0]) * scale[..., 0]).sum(axis=0)
    of_x = in_linear_form(cotangents * weights, images, centre, scale, axes)
    return np.reshape(of_x, x.shape), np.reshape(of_w, w.shape), np.reshape(total.sum(axis=0), w.shape)


def _each_its_own_group(row: Array) -> Inputs:
    return np.stack([row, -row]), np.array([1.0]), np.array([0.5])


def _two_channels(row: Array) -> Inputs:
    return row.reshape(1, 2, 2), np.array([1.0, -0.5]), np.array([0.5, 1.0])


_GROUP_NORM = analysed_in_working_type(
    "(x − mean x)/√(var x + ε) w + b over the channels of a group and all places",
    _group_norm,
    "torch.nn.GroupNorm; as x α + (b − mean α) with α = w/√(var x + ε) (ATen GroupNormKernelImpl)",
    _group_norm_in_steps,
)
_OF_CHANNELS = Formula(
    _GROUP_NORM.text,
    lambda x, w, b, eps: _group_norm(x, w, b, x.shape[1], eps),
    lambda a, x, w, b, eps: _GROUP_NORM.bound(a, x, w, b, x.shape[1], eps),
    _GROUP_NORM.source,
)

GROUP_NORM = Operation(
    name="group_norm",
    subject="normalisation",
    function=lambda x, w, b, num_groups, eps=EPS: F.group_norm(x, num_groups, w, b, eps),
    forward=_GROUP_NORM,
    vjp=analysed_in_working_type(
        "∂x = (g w − mean(g w) − z mean(g w z))/√(var x + ε), ∂w = Σ g z, ∂b = Σ g over images and places",
        _group_norm_vjp,
        STORED_MOMENTS,
        _group_norm_vjp_in_steps,
    ),
    domain=Domain(
        spread_around_one,
        (*hard_rows(_two_channels, num_groups=1), one_entry(_each_its_own_group, num_groups=1)),
    ),
    check=(
        Workload("2x6x5-groups2", ((2, 6, 5), (6,), (6,)), {"num_groups": 2}),
        Workload("3x4x3x3-each-channel", ((3, 4, 3, 3), (4,), (4,)), {"num_groups": 4}),
        Workload("5x12-groups3", ((5, 12), (12,), (12,)), {"num_groups": 3}),
        Workload("2x4x41-one-group-strided", ((2, 4, 41), (4,), (4,)), {"num_groups": 1}, "strided"),
        Workload(
            "1x6x3x2-eps-transposed", ((1, 6, 3, 2), (6,), (6,)), {"num_groups": 3, "eps": 0.01}, "transposed"
        ),
    ),
    bench=(
        Workload("8x64x32x32-groups32", ((8, 64, 32, 32), (64,), (64,)), {"num_groups": 32}),
        Workload("1x8x8x8-groups2", ((1, 8, 8, 8), (8,), (8,)), {"num_groups": 2}),
        Workload("8x64x32x32-each-channel", ((8, 64, 32, 32), (64,), (64,)), {"num_groups": 64}),
    ),
    cost=row_cost(8),
    identities=(
        Identity(
            "a group a channel and one image = batch_norm in training",
            lambda f, x, w, b, num_groups, **options: f(x[:1], w, b, num_groups=x.shape[1], **options),
            lambda f, x, w, b, num_groups, eps=EPS: F.batch_norm(x[:1], None, None, w, b, True, 0.1, eps),
            lambda a, x, w, b, num_groups, eps=EPS: between(_OF_CHANNELS, BATCH_NORM.forward)(
                a, x[:1], w, b, eps=eps
            ),
            applies=lambda workload: math.prod(workload.shapes[0][2:]) > 1,
        ),
        Identity(
            "group_norm(4x) with 16 ε = group_norm(x)",
            lambda f, x, w, b, num_groups, eps=EPS: f(4 * x, w, b, num_groups=num_groups, eps=16 * eps),
            lambda f, x, w, b, **o: f(x, w, b, **o),
            twice(_GROUP_NORM),
        ),
    ),
    special=(
        Special(
            "nan in one group",
            (np.array([[[_NAN, 1.0], [2.0, 2.0]]]), np.array([1.0, 2.0]), np.array([0.5, -1.0])),
            np.array([[[_NAN, _NAN], [-1.0, -1.0]]]),
            "IEEE 754-2019, 6.2; equal entries are their own mean",
            {"num_groups": 2},
        ),
    ),
    refuses=(
        Refusal(
            "3 channels in 2 groups", lambda f, tensor: f(tensor(1, 3, 2), tensor(3), tensor(3), num_groups=2)
        ),
        Refusal(
            "a weight for 3 of 4 channels",
            lambda f, tensor: f(tensor(1, 4, 2), tensor(3), tensor(4), num_groups=2),
        ),
        Refusal(
            "no groups",
            lambda f, tensor: f(tensor(1, 4, 2), tensor(4), tensor(4), num_groups=0),
            (RuntimeError, ValueError, ZeroDivisionError),
        ),
        Refusal("a vector", lambda f, tensor: f(tensor(4), tensor(4), tensor(4), num_groups=2)),
        not_a_tensor(3, num_groups=1),
    ),
    batch=lambda workload: Batch((0, None, None)),
    summations=(
        of_gradient(2, lambda x: (ones_for_each(x, 4), x.new_ones(4), x.new_zeros(4)), num_groups=2),
    ),
)
