"""Tail: entries that whole vectors cover in one call, and that are left over behind them in another.

Of an entrywise operation the calls of a batch are its entries.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.call import Call
from verify.operation import Batch
from verify.variation import Variation, Varied
from verify.variations.rows import entrywise, first

# Vectors have 2 to 32 lanes. Each size leaves a tail of another length behind some of them, and 16 none
# behind most: an entry that is in a body of the whole batch is in a tail of one of these.
SIZES = (1, 2, 3, 7, 16, 33, 63)


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The first few entries by themselves."""
    if batch is not None and entrywise(call, batch):
        yield from first("body and tail", SIZES, call, batch)


VARIATION = Variation("tail", "The entries of an entrywise operation are independent.", vary, asks=("batch",))
