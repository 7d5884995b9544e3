"""Memory: the same numbers elsewhere in memory: transposed, with gaps, unaligned, in a wider tensor."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch

from verify.call import Call
from verify.layout import LAYOUTS, laid_out
from verify.operation import Batch
from verify.variation import Variation, Varied


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """A copy, then every layout in which inputs and cotangents lie neither as now nor as in one before."""
    yield Varied("copy", "a copy", call.with_tensors(torch.Tensor.clone))
    seen = {_places(call)}
    for layout in LAYOUTS:
        moved = call.with_tensors(functools.partial(laid_out, layout=layout))
        if _places(moved) not in seen:
            seen.add(_places(moved))
            yield Varied(layout, layout, moved)


def _places(call: Call) -> tuple[tuple[tuple[int, ...], int], ...]:
    tensors = (x for x in (*call.inputs, *call.cotangents) if isinstance(x, torch.Tensor))
    return tuple((x.stride(), int(x.storage_offset())) for x in tensors)


VARIATION = Variation("memory", "A view is its numbers (torch documentation, Tensor Views).", vary)
