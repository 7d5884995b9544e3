"""Expanded: one call many times over, held in memory once (stride 0), as broadcasting holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from verify.call import Call
from verify.operation import Batch
from verify.variation import Variation, Varied
from verify.variations.rows import count, rows_of_results, taken


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The last call of the batch in the place of all others, by a view of it."""
    if batch is None:
        return
    size = count(call, batch)
    repeated = replace(
        call,
        inputs=tuple(
            x if d is None else _expanded(x, d, size) for x, d in zip(call.inputs, batch.inputs, strict=True)
        ),
        cotangents=tuple(_expanded(g, batch.output, size) for g in call.cotangents),
    )
    last = torch.full((size,), size - 1)
    yield Varied("expanded", "the last call repeated by a view", repeated, rows_of_results(batch, last))


def _expanded(x: torch.Tensor, dim: int, size: int) -> torch.Tensor:
    return taken(x, dim, slice(size - 1, size)).expand(x.shape)


VARIATION = Variation(
    "expanded", "A view is its numbers (torch documentation, Tensor Views).", vary, asks=("batch",)
)
