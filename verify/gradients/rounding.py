"""Rounding: a run of a function in which the result of every operation is off by a random relative change.

Source: Parker, Monte Carlo arithmetic, UCLA CSD-970002 (1997), random rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class RandomlyRounded(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch ships it without types
    """Multiply what every operation computes, forward and backward, by 1 ± `change`, entry by entry.

    Views, copies of shape and operations in place on data keep their values: nothing is computed there.
    """

    def __init__(self, change: float, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # as above
        self._change = change
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation and change what it returned."""
        result = func(*args, **(kwargs or {}))
        if any(returned.alias_info is not None for returned in func._schema.returns):
            return result
        if isinstance(result, tuple | list):
            return type(result)(self._changed(item) for item in result)
        return self._changed(result)

    def _changed(self, item: Any) -> Any:
        if not isinstance(item, torch.Tensor) or not (item.is_floating_point() or item.is_complex()):
            return item
        if item._is_zerotensor():
            return item  # a tangent of 0 that has no memory: to compute with it here ends the process
        signs = torch.randint(0, 2, item.shape, generator=self._generator, dtype=torch.int8).to(item.device)
        return item * (1 + self._change * (2 * signs - 1).to(item.real.dtype))
