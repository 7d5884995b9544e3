"""What our gradient check costs beside torch's gradcheck, slow and fast: a group for each shape.

Run: `pytest tests/performance/test_gradients.py --benchmark-only`; the ratios stand below the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.autograd import gradcheck

from verify.gradients.check import check_gradient
from verify.outcome import Status

functional = torch.nn.functional
LABELS = torch.arange(128)


@dataclass(frozen=True)
class Shape:
    """A function and the shapes of its inputs, all of which require a gradient."""

    name: str
    small: bool
    function: Callable[..., torch.Tensor]
    shapes: tuple[tuple[int, ...], ...]

    def inputs(self) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(1)
        drawn = (torch.randn(shape, dtype=torch.float64, generator=generator) for shape in self.shapes)
        return tuple(x.requires_grad_() for x in drawn)


def softmax(x):
    return torch.softmax(x, -1)


def logsumexp(x):
    return torch.logsumexp(x, -1)


def cross_entropy(x):
    rows, classes = x.shape
    return functional.cross_entropy(x, LABELS[:rows] % classes)


def mlp(x, w1, b1, w2, b2):
    return functional.linear(torch.tanh(functional.linear(x, w1, b1)), w2, b2)


SHAPES = (
    Shape("softmax 64", True, softmax, ((64,),)),
    Shape("mm 16x16", True, torch.mm, ((16, 16), (16, 16))),
    Shape("cross_entropy 8x10", True, cross_entropy, ((8, 10),)),
    Shape("logsumexp 64", True, logsumexp, ((64,),)),
    Shape("MLP 8-16-4", True, mlp, ((8,), (16, 8), (16,), (4, 16), (4,))),
    Shape("softmax 1024", False, softmax, ((1024,),)),
    Shape("mm 48x48", False, torch.mm, ((48, 48), (48, 48))),
    Shape("cross_entropy 128x100", False, cross_entropy, ((128, 100),)),
)


# Each raises where the verdict is another than "right": a check that gives up early is no faster one.
def ours(function, inputs):
    assert check_gradient(function, inputs).status is Status.PASS


def slow(function, inputs):
    assert gradcheck(function, inputs)


def fast(function, inputs):
    assert gradcheck(function, inputs, fast_mode=True)


def effort(check: Callable[..., None], shape: Shape) -> dict[str, Any]:
    """How often to call. gradcheck's slow mode takes seconds on the real shapes, and varies little there."""
    if check is slow:
        return {"rounds": 15, "warmup_rounds": 1} if shape.small else {"rounds": 3}
    return {"rounds": 60 if shape.small else 30, "warmup_rounds": 3}


# The shapes stand nearest to the function: the three checks of one shape run one after the other.
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("check", [ours, slow, fast], ids=lambda check: check.__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_gradient_check(benchmark, keep_median, check, shape):
    benchmark.group = f"gradient of {shape.name}"
    benchmark.pedantic(check, args=(shape.function, shape.inputs()), **effort(check, shape))
    keep_median(shape.name, check.__name__, shape.small)
