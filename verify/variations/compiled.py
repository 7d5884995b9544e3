"""Compiled: the same call by what `torch.compile` makes of the function."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from verify.call import Call, Results, results
from verify.operation import Batch
from verify.variation import Variation, Varied


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The call compiled for its shapes."""
    yield Varied("compiled", call, run=_compiled)


def _compiled(call: Call) -> Results:
    # Left to itself torch gives up after eight shapes and quietly runs the function as it is.
    torch.compiler.reset()
    compiled = torch.compile(call.function, dynamic=False, fullgraph=True)
    return results(Call(compiled, call.inputs, call.options, call.cotangents))


VARIATION = Variation(
    "compiled",
    "torch.compile is there for speed (torch documentation); it may fuse and reorder.",
    vary,
    thorough=True,
)
