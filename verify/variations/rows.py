"""Rows: some of the calls of a batch, and what belongs to them of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from verify.call import Call, Results
from verify.operation import Batch
from verify.variation import Varied

# Which calls: a range, or their numbers in order.
Which = slice | torch.Tensor


def entrywise(call: Call, batch: Batch) -> bool:
    """Whether each call of the batch is one entry of vectors."""
    return all(d is not None and x.ndim == 1 for x, d in zip(call.inputs, batch.inputs, strict=True))


def first(column: str, sizes: Sequence[int], call: Call, batch: Batch) -> Iterator[Varied]:
    """The first calls of the batch alone, so many of them as each size says."""
    for size in sizes:
        if size < count(call, batch):
            which = slice(0, size)
            part = rows_of_results(batch, which)
            yield Varied(column, f"the first {size} alone", rows(call, batch, which), part)


def count(call: Call, batch: Batch) -> int:
    """How many calls the batch holds."""
    sizes = [x.shape[d] for x, d in zip(call.inputs, batch.inputs, strict=True) if d is not None]
    return int(sizes[0])


def rows(call: Call, batch: Batch, which: Which) -> Call:
    """The batch of these calls alone, without gaps in memory."""
    return replace(
        call,
        inputs=tuple(
            x if d is None else taken(x, d, which) for x, d in zip(call.inputs, batch.inputs, strict=True)
        ),
        cotangents=tuple(taken(g, batch.output, which) for g in call.cotangents),
    )


def rows_of_results(batch: Batch, which: Which) -> Callable[[Results], Results]:
    """What belongs to these calls; the gradient of an input that all share sums over them: left out."""

    def part(whole: Results) -> Results:
        return Results(
            tuple(taken(y, batch.output, which) for y in whole.outputs),
            tuple(
                None if g is None or d is None else taken(g, d, which)
                for g, d in zip(whole.gradients, batch.inputs, strict=bool(whole.gradients))
            ),
        )

    return part


def taken(x: torch.Tensor, dim: int, which: Which) -> torch.Tensor:
    """Entries along a dimension."""
    index = (slice(None),) * (dim % x.ndim) + (which,)
    return x[index].contiguous()
