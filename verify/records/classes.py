"""Classes: what losses of class indices share, their weights, reductions and refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from verify.operation import (
    Array,
    Batch,
    Cost,
    Refusal,
    Special,
    Workload,
)
from verify.records.sampling import first_of_all

# Powers of two: a weight then scales without rounding, and what is measured is the loss itself.
WEIGHT = (0.5, 1.0, 2.0, 0.25, 1.0, 4.0, 0.5, 1.0)

CHECK = (
    Workload("6x10", ((6, 10), (6,))),
    Workload("5x8-sum", ((5, 8), (5,)), {"reduction": "sum"}),
    Workload("4x37", ((4, 37), (4,))),
    Workload("4x8-none-weight", ((4, 8), (4,)), {"reduction": "none", "weight": WEIGHT}),
    Workload("9x3-ignore", ((9, 3), (9,)), {"ignore_index": 1}),
    Workload(
        "12x8-weight-ignore-strided", ((12, 8), (12,)), {"weight": WEIGHT, "ignore_index": 2}, "strided"
    ),
    Workload("5x4-none-ignore", ((5, 4), (5,)), {"reduction": "none", "ignore_index": 0}),
)
BENCH = (
    Workload("1024x1000", ((1024, 1000), (1024,))),
    Workload("32x10", ((32, 10), (32,))),
    Workload("64x50257", ((64, 50257), (64,))),
    Workload("1023x1025-strided", ((1023, 1025), (1023,)), layout="strided"),
)


def batch_of_rows(workload: Workload) -> Batch | None:
    """Rows are independent as long as they are not reduced."""
    return first_of_all(workload) if workload.options.get("reduction") == "none" else None


def classes(tensor: Any, *indices: int) -> torch.Tensor:
    """Class indices on the device of the tensors that `tensor` makes."""
    return torch.tensor(indices, device=tensor().device)


def _reduces_as_unknown(f: Any, tensor: Any) -> Any:
    return f(tensor(2, 3), classes(tensor, 0, 1), reduction="max")


# A device that does not look at an index reads outside of its row, and may not come back.
REFUSES = (
    Refusal(
        "a class too high",
        lambda f, tensor: f(tensor(2, 3), classes(tensor, 0, 3)),
        (IndexError, RuntimeError),
        crashes=True,
    ),
    Refusal(
        "a class below 0",
        lambda f, tensor: f(tensor(2, 3), classes(tensor, 0, -1)),
        (IndexError, RuntimeError),
        crashes=True,
    ),
    Refusal("one class for two rows", lambda f, tensor: f(tensor(2, 3), classes(tensor, 0)), (ValueError,)),
    Refusal("classes that are no whole numbers", lambda f, tensor: f(tensor(2, 3), tensor(2))),
    Refusal("reduction='max'", _reduces_as_unknown, (ValueError,)),
)


def row_by_row(
    name: str, source: str, *rows: tuple[tuple[float, float], int, float], **options: Any
) -> Special:
    """Losses of single rows of two logits: each the logits, the target and the required loss."""
    x, target, loss = zip(*rows, strict=True)
    return Special(
        name, (np.array(x), np.array(target)), np.array(loss), source, {"reduction": "none", **options}
    )


IGNORED = "torch.nn.CrossEntropyLoss and NLLLoss: an ignored target contributes nothing"
SPECIAL = (
    row_by_row("nan", "IEEE 754-2019, 6.2", ((math.nan, -1.0), 0, math.nan)),
    row_by_row("nan in an ignored row", IGNORED, ((math.nan, -1.0), 1, 0.0), ignore_index=1),
    row_by_row("impossible", "log 0 = −∞ (IEEE 754-2019, 9.2.1)", ((-math.inf, 0.0), 0, math.inf)),
    Special(
        "empty",
        (np.zeros((0, 3)), np.zeros(0, dtype=np.int64)),
        np.zeros(()),
        "an empty sum is 0",
        {"reduction": "sum"},
    ),
)


def with_weight(loss: Any) -> Any:
    """A torch loss that takes its class weights as plain numbers, in the dtype of its input."""

    def function(x: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
        weight = options.pop("weight", None)
        tensor = None if weight is None else torch.tensor(weight, dtype=x.dtype, device=x.device)
        result: torch.Tensor = loss(x, target, weight=tensor, **options)
        return result

    return function


def of_log_probabilities(x: Array, target: Array, options: dict[str, Any]) -> tuple[Array, Array]:
    """The weight with which each log-probability enters its row's loss, and each row's share of a mean.

    Rows whose target is ignored weigh nothing. Shapes: (rows, classes) and (rows,).
    """
    weight = np.array(options.get("weight") or np.ones(x.shape[1]))
    kept = target != options.get("ignore_index", -100)
    chosen = np.where(kept, target, 0)
    share = kept * weight[chosen]
    onehot = np.arange(x.shape[1]) == chosen[:, None]
    smoothing = options.get("label_smoothing", 0.0)
    rows = (1 - smoothing) * onehot * share[:, None]
    if smoothing:
        # ε/C is rounded in float64; ε·w is exact and is divided by C in the arithmetic of x.
        rows = rows + (0 * x + smoothing * kept[:, None] * weight) / x.shape[1]
    return rows, share


def reduced_rows(rows: Array, share: Array, reduction: str) -> Array:
    """Losses of rows as they are, their sum, or their mean by weight."""
    if reduction == "none":
        return rows
    return rows.sum() / share.sum() if reduction == "mean" else rows.sum()


def cotangent_of_rows(g: Array, share: Array, reduction: str) -> Array:
    """The cotangent of each row's loss. Shapes: (rows, 1)."""
    rows = np.broadcast_to(np.asarray(g), share.shape)
    return (rows / share.sum() if reduction == "mean" else rows)[:, None]


def cost_an_entry(flops: float) -> Any:
    """A cost of so many flops an entry of the logits, each of which is read."""

    def cost(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, n)

    return cost
