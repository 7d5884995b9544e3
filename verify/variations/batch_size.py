"""Batch size: some of the calls of a batch, made by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from verify.call import Call
from verify.operation import Batch
from verify.variation import Variation, Varied
from verify.variations.rows import entrywise, first

SIZES = (1, 2, 7, 16, 33)


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The first few calls of the batch as a batch of their own. Where a call is one entry see `tail`."""
    if batch is not None and not entrywise(call, batch):
        yield from first("batch size", SIZES, call, batch)


VARIATION = Variation(
    "batch size", "The calls of a batch are independent of each other.", vary, asks=("batch",)
)
