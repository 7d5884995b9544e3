"""Repetition: the same call again, on the same tensors."""

from __future__ import annotations

from collections.abc import Iterator

from verify.call import Call
from verify.operation import Batch
from verify.variation import Variation, Varied


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The same call once more."""
    yield Varied("run to run", "once more", call)


VARIATION = Variation(
    "repetition",
    "torch documentation, Reproducibility: it lists what is not deterministic, none of it on a cpu.",
    vary,
    bits=True,
)
