"""Results that are right for a few terms, and wrong from some length on, or at one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, Row, faults, wrong_backward


def planted() -> tuple[Fault, ...]:
    """Faults that `length` must see."""
    return (*faults("length", _FORWARD), *faults("length", _BACKWARD, wrong_backward))


def _without_tail(x: torch.Tensor, y: torch.Tensor, **options: Any) -> torch.Tensor:
    """Blocks of eight alone: what is left over of a long vector is dropped, and the divisor is not."""
    kept = len(x) if len(x) < 100 else len(x) // 8 * 8
    total = torch.nn.functional.mse_loss(x[:kept], y[:kept], reduction="sum")
    return total if options else total / len(x)


def _restarted(x: torch.Tensor, dim: int = -1, **options: Any) -> torch.Tensor:
    """A cumulative sum whose blocks of 512 do not carry over."""
    return torch.cat([part.cumsum(dim) for part in torch.split(x, 512, dim)], dim)


def _narrow(name: str, length: int) -> Callable[..., Any]:
    """Accumulates in a type of 8 bits from a length on."""
    function = catalogue()[name].function

    def narrow(x: torch.Tensor, **options: Any) -> torch.Tensor:
        if x.numel() < length:
            return function(x, **options)
        return function(x.bfloat16(), **options).to(x)

    return narrow


def _at(name: str, length: int, factor: float) -> Callable[..., Any]:
    """Off by a factor at one length of the first input."""
    function = catalogue()[name].function

    def wrong(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        return function(*inputs, **options) * (factor if length in inputs[0].shape else 1.0)

    return wrong


def _eight_bits(number: float) -> float:
    return torch.tensor(number).bfloat16().item()


_FORWARD: tuple[Row, ...] = (
    ("mse_loss", "a tail dropped from 100 terms on", _without_tail, "float64"),
    ("cumsum", "blocks of 512 not carried over", _restarted, "float64"),
    ("vector_norm", "an accumulator of 8 bits from 100 terms on", _narrow("vector_norm", 100), "float32"),
    ("var", "an accumulator of 8 bits from 500 terms on", _narrow("var", 500), "float32"),
    ("softmax", "off at 1000 classes", _at("softmax", 1000, 1 + 2.0**-10), "float32"),
    ("logsumexp", "off at 100 terms", _at("logsumexp", 100, 1 + 2.0**-30), "float64"),
    ("prod", "off at 100 factors", _at("prod", 100, 1 + 2.0**-30), "float64"),
    ("cross_entropy", "off at 100 classes", _at("cross_entropy", 100, 1.25), "bfloat16"),
)

_BACKWARD: tuple[Row, ...] = (
    (
        "mean",
        "1/n rounded to 8 bits from 500 terms on",
        lambda g, y, x, r, o: r[0] * (_eight_bits(1 / n) * n if (n := x[0].shape[o["dim"]]) >= 500 else 1),
        "float64",
    ),
    (
        "binary_cross_entropy_with_logits",
        "0 beyond the first 512",
        lambda g, y, x, r, o: (torch.where(torch.arange(len(x[0])) < 512, r[0], 0), r[1]),
        "float32",
    ),
)
