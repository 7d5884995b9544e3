"""An operation of one's own: a softmax whose backward misses the term −y Σ(y g).

torch.autograd.gradcheck with its defaults accepts this one from n = 512 on. See it fail:

    torchstone verify --operations examples/softmax_with_a_term_missing.py --select my_softmax
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from verify.operations.softmax import SOFTMAX


class _TermMissing(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: torch.Tensor, dim: int) -> torch.Tensor:
        y = torch.softmax(x, dim)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context: Any, g: torch.Tensor) -> tuple[torch.Tensor, None]:
        (y,) = context.saved_tensors
        return y * g, None


MY_SOFTMAX = dataclasses.replace(
    SOFTMAX, name="my_softmax", subject="examples", function=lambda x, dim: _TermMissing.apply(x, dim)
)
