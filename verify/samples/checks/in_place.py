"""In place: does the in-place form leave the same bits in its input, and nothing beside it?"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from verify.call import Results, results
from verify.samples.apart import compared, explained
from verify.samples.buffer import buffer
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import call_of, posed
from verify.samples.sample import Sample
from verify.samples.undefined import LAYOUT
from verify.samples.verdict import Verdict, failed, judged

_LAYOUTS = ("contiguous", "offset", "strided")


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for each place of the input."""
    (sample,) = draws
    own = sample.arguments[0]
    if not isinstance(own, torch.Tensor):
        raise NotAsked("its first input is no tensor")
    if sample.record.name in LAYOUT:
        raise NotAsked(LAYOUT[sample.record.name])
    plain = posed(sample, sample.record.op)
    if plain.draws:
        raise NotAsked("it draws random numbers")
    if sample.broadcasts or len(plain.first.outputs) != 1 or _kind(plain.first.outputs[0]) != _kind(own):
        raise NotAsked("its result has another shape or dtype than its input")
    explain = explained(sample, plain, seed)
    for layout in _LAYOUTS:
        place = buffer(own.detach(), layout)
        inputs = (place.tensor, *plain.call.inputs[1:])
        found = results(call_of(sample, sample.record.inplace_variant, inputs))
        (returned,) = found.outputs
        if returned.data_ptr() != place.tensor.data_ptr():
            yield failed(f"{layout} in place", "what is returned is not the input")
        again = Results((place.tensor,))
        yield judged(compared(f"{layout} in place", plain.first, again, explain))
        if place.margin_changed:
            yield failed(f"{layout} in place", "memory beside the input is written to")


def _kind(x: torch.Tensor) -> tuple[torch.Size, torch.dtype]:
    return x.shape, x.dtype


CHECK = SampleCheck(
    "in-place",
    "Does the in-place form leave the same bits in its input, and nothing beside it?",
    examine,
    lambda record: record.inplace_variant is not None,
    dtypes=("float32",),
    most=16,
)
