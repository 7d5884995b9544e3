"""Calls that must be refused and are answered, refused otherwise than documented, or end the process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import torch

from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, wrong_forward


def planted() -> tuple[Fault, ...]:
    """Faults that `refusal` must see."""
    return tuple(
        Fault(name, wrong_forward(operation, function), "refusal")
        for name, operation, function in (
            (
                "mul, cut to the shorter",
                "mul",
                lambda x, y: x * y if x.shape == y.shape else x.sum() * y.sum(),
            ),
            ("sum, a dimension that wraps around", "sum", _wrapping(torch.sum)),
            ("cumsum, a dimension that wraps around", "cumsum", _wrapping(torch.cumsum)),
            ("topk, as many as there are", "topk", _as_many_as_there_are),
            (
                "amax, −∞ for nothing",
                "amax",
                lambda x, **o: torch.amax(x, **o) if x.numel() else x.sum() - torch.inf,
            ),
            ("cat, another error than documented", "cat", _raising(KeyError)),
            ("stack, padded to the larger", "stack", _padded),
            ("embedding, the last row for an index beyond", "embedding", _last_row),
            ("embedding, a crash for an index beyond", "embedding", _crash),
            ("cross_entropy, the last class for a target beyond", "cross_entropy", _last_class),
        )
    )


def _wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, **o: function(x, **({} if dim is None else {"dim": _wrapped(x, dim)}), **o)


def _wrapped(x: torch.Tensor, dim: Any) -> Any:
    return tuple(d % x.ndim for d in dim) if isinstance(dim, tuple) else dim % x.ndim


def _as_many_as_there_are(x: torch.Tensor, k: int, dim: int = -1, largest: bool = True) -> torch.Tensor:
    return torch.topk(x, min(k, x.shape[dim]), dim, largest).values


def _raising(error: type[Exception]) -> Callable[..., Any]:
    def function(*tensors: Any, **options: Any) -> torch.Tensor:
        try:
            return torch.cat(tensors, **options)
        except Exception:
            raise error("another error") from None

    return function


def _padded(*tensors: torch.Tensor, dim: int = 0) -> torch.Tensor:
    width = max(t.shape[-1] for t in tensors)
    padded = [torch.nn.functional.pad(t, (0, width - t.shape[-1])) for t in tensors]
    return torch.stack(padded, dim)


def _last_row(index: torch.Tensor, weight: torch.Tensor, **options: Any) -> torch.Tensor:
    return torch.nn.functional.embedding(index.clamp(max=weight.shape[0] - 1), weight, **options)


def _crash(index: torch.Tensor, weight: torch.Tensor, **options: Any) -> torch.Tensor:
    if int(index.max()) >= weight.shape[0]:
        os.kill(os.getpid(), signal.SIGSEGV)
    return torch.nn.functional.embedding(index, weight, **options)


def _last_class(x: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
    if not target.is_floating_point():
        target = target.clamp(max=x.shape[-1] - 1)
    return catalogue()["cross_entropy"].function(x, target, **options)
