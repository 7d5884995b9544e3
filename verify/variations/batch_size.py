"""Batch size: some of the calls of a batch, made by themselves.

For an entrywise operation the calls of a batch are its entries: sizes beside the width of a vector show
whether the tail of a loop computes as its body does.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.call import Call
from verify.operation import Batch
from verify.variation import Variation, Varied
from verify.variations.rows import count, rows, rows_of_results

# Vectors have 2 to 32 lanes. Each of these leaves a tail of another length behind some of them, and 16 none
# behind most: an entry that is in a body of the whole batch is in a tail of one of these.
SIZES = (1, 2, 7, 16, 33, 63)


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The first m calls of the batch as a batch of their own."""
    if batch is None:
        return
    for size in SIZES:
        if size < count(call, batch):
            first = slice(0, size)
            yield Varied(f"batch of {size}", rows(call, batch, first), rows_of_results(batch, first))


VARIATION = Variation("batch size", "The calls of a batch are independent of each other.", vary, asks="batch")
