"""PlantedGradient: a function whose gradient is known to be wrong, or known to be right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

Tensors = tuple[torch.Tensor, ...]
# Where the fault lies: in the backward, in the jvp alone, or in the backward of the backward alone.
Mode = Literal["reverse", "forward", "second order"]


@dataclass(frozen=True)
class PlantedGradient:
    """A function with a gradient of which it is known whether it is wrong, to score a checker with.

    `function(*inputs())` is torch's own value; only its derivative is altered. `inputs` builds the same
    float64 tensors anew each time. `right` is the same function with torch's own derivative.

    Units: `size` is the relative error of the derivative along any direction; None where a fault has
    no one size, because it is in some entries only.
    """

    name: str
    kind: str
    function: Callable[..., torch.Tensor]
    inputs: Callable[[], Tensors]
    wrong: bool
    size: float | None
    mode: Mode
    right: Callable[..., torch.Tensor]
