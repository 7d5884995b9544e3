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
    """A copy, then every layout in which at least one input or cotangent lies otherwise than now."""
    yield Varied("copy", "a copy", call.with_tensors(torch.Tensor.clone))
    for layout in LAYOUTS:
        moved = call.with_tensors(functools.partial(laid_out, layout=layout))
        if any(map(_elsewhere, _tensors(call), _tensors(moved))):
            yield Varied(layout, layout, moved)


def _tensors(call: Call) -> list[torch.Tensor]:
    return [x for x in (*call.inputs, *call.cotangents) if isinstance(x, torch.Tensor)]


def _elsewhere(before: torch.Tensor, after: torch.Tensor) -> bool:
    return before.stride() != after.stride() or before.storage_offset() != after.storage_offset()


VARIATION = Variation("memory", "A view is its numbers (torch documentation, Tensor Views).", vary)
