"""Drawing: does a call draw random numbers?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class _Watched(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships it without types
    """Note whether an operation is one that torch tags as drawing random numbers."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self.drawn = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation."""
        self.drawn |= torch.Tag.nondeterministic_seeded in func.tags
        return func(*args, **(kwargs or {}))


def draws(call: Callable[[], Any]) -> bool:
    """Whether a call moves torch's random numbers on, or takes some and puts them back."""
    state = torch.get_rng_state()
    with _Watched() as watched:
        call()
    moved = not torch.equal(state, torch.get_rng_state())
    torch.set_rng_state(state)
    return watched.drawn or moved
