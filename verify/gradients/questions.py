"""Questions: what is asked of a gradient."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Questions:
    """What is asked of a gradient."""

    reverse: bool = True
    forward: bool = False
    second_order: bool = False
    batched: bool = False
    batched_forward: bool = False
    undefined: bool = True
    # How far two backward passes of one graph may differ; infinite where it is not asked.
    nondeterminism: float = 0.0
