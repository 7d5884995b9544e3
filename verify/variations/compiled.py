"""Compiled: the same call by what `torch.compile` makes of the function."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from verify.call import Call, Results, results
from verify.operation import Batch
from verify.variation import Unseen, Variation, Varied


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The call compiled for its shapes."""
    yield Varied("compiled", "compiled", call, run=_compiled)


def _compiled(call: Call) -> Results:
    """Raises: Unseen where torch makes nothing of the function and would quietly run it as it is."""
    # The way that torch documents (Custom Backends). It takes a second to import, and an old torch lacks it.
    from torch._dynamo import lookup_backend

    graphs = []

    def backend(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return lookup_backend("inductor")(graph, inputs)

    # Left to itself torch gives up after eight shapes, and runs the function as it is.
    torch.compiler.reset()
    found = results(replace(call, function=torch.compile(call.function, dynamic=False, backend=backend)))
    if not graphs:
        raise Unseen("torch compiled no part of the function")
    return found


@functools.cache
def _absence() -> str | None:
    """Why nothing can be compiled here, or None."""
    try:
        _compiled(Call(lambda x: 2 * x, (torch.ones(1),), {}))
    except Exception as error:  # whatever the compiler that is missing makes of it
        return f"torch.compile does not work here: {type(error).__name__} {error}".splitlines()[0]
    return None


VARIATION = Variation(
    "compiled",
    "torch.compile is there for speed (torch documentation); it may fuse and reorder.",
    vary,
    asks=("large", "one"),
    thorough=True,
    absence=_absence,
)
