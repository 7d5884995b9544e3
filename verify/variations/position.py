"""Position: a call of a batch at another place in it: another lane of a vector, other neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from verify.call import Call
from verify.operation import Batch
from verify.variation import Variation, Varied
from verify.variations.rows import count, rows, rows_of_results

# By one lane, and by so many that what was in a tail comes into a body.
SHIFTS = (1, 29)


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The batch turned round by some places, and turned back in the result."""
    if batch is None:
        return
    size = count(call, batch)
    for shift in SHIFTS:
        if shift < size:
            order = torch.arange(size).roll(shift)
            yield Varied(
                "position", f"moved by {shift}", rows(call, batch, order), rows_of_results(batch, order)
            )


VARIATION = Variation(
    "position", "The calls of a batch are independent of each other.", vary, asks=("batch",)
)
