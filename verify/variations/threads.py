"""Threads: the same call by one thread and by several."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from verify.call import Call, Results, results
from verify.operation import Batch
from verify.variation import Variation, Varied

COUNTS = (1, 2, 3)


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The call by one thread, and by two and three, between which a loop is cut at other places."""
    for threads in COUNTS:
        if threads == torch.get_num_threads():
            continue
        yield Varied("threads", f"by {threads} threads", call, run=_by(threads))


def _by(threads: int) -> Callable[[Call], Results]:
    def run(call: Call) -> Results:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return results(call)
        finally:
            torch.set_num_threads(before)

    return run


VARIATION = Variation(
    "threads",
    "How the work is shared out is no input (torch documentation, CPU threading).",
    vary,
    asks=("large",),
    visible=1 / max(COUNTS),  # what is lost with one of the threads
)
