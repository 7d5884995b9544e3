"""Results that are right for ordinary numbers, and lose a nan, a sign or the sum of nothing."""

from __future__ import annotations

from typing import Any

import torch

from verify.operations import catalogue
from verify.wrong_on_purpose.accuracy import last_argmax
from verify.wrong_on_purpose.fault import Fault, wrong_backward, wrong_forward


def planted() -> tuple[Fault, ...]:
    """Faults that `special` must see."""
    return (*_in_forward(), *_in_backward())


def _in_backward() -> tuple[Fault, ...]:
    """Gradients of infinity times 0, where the limit is a number."""
    return tuple(
        Fault(f"{operation}, nan for the gradient", wrong_backward(operation, change), "special")
        for operation, change in (
            ("relu", lambda g, y, x, r, o: (r[0] * x[0] / x[0],)),
            ("exp", lambda g, y, x, r, o: (r[0] - x[0] + x[0],)),
            ("sigmoid", lambda g, y, x, r, o: (r[0] * (x[0] - x[0] + 1),)),
            ("tanh", lambda g, y, x, r, o: (r[0] + 0 * x[0],)),
        )
    )


def _in_forward() -> tuple[Fault, ...]:
    """Results that lose a nan, a sign or the sum of nothing."""
    return tuple(
        Fault(name, wrong_forward(operation, function), "special", dtype)
        for name, operation, function in (
            ("maximum, a dropped nan", "maximum", torch.fmax),
            ("minimum, a dropped nan", "minimum", torch.fmin),
            (
                "clamp, nan becomes a limit",
                "clamp",
                lambda x, **o: torch.nan_to_num(torch.clamp(x, **o), 1.0),
            ),
            ("mul, no negative zero", "mul", lambda x, y: x * y + 0.0),
            ("add, no negative zero", "add", lambda x, y: torch.add(x, y) + 0.0),
            (
                "div, infinity for 0/0",
                "div",
                lambda x, y: torch.nan_to_num(x / y, torch.inf, torch.inf, -torch.inf),
            ),
            ("round, halves up", "round", lambda x: torch.floor(x + 0.5)),
            ("floor, towards 0", "ceil", torch.trunc),
            ("sum, nan for nothing", "sum", lambda x, **o: torch.sum(x, **o) if x.numel() else x.mean()),
            ("prod, 0 for nothing", "prod", lambda x, **o: torch.prod(x, **o) if x.numel() else x.sum()),
            ("argmax, the last of ties", "argmax", last_argmax),
            ("sort, nan first", "sort", _nan_first),
            ("median, the mean of two", "median", _mean_of_two),
            ("amax, a skipped nan", "amax", lambda x, **o: torch.amax(torch.nan_to_num(x, -torch.inf), **o)),
        )
        for dtype in ("float64", "bfloat16")
    )


def _mean_of_two(x: torch.Tensor, **options: Any) -> torch.Tensor:
    if options or not x.numel():
        return catalogue()["median"].function(x, **options)
    return torch.quantile(x.double(), 0.5).to(x)


def _nan_first(x: torch.Tensor, dim: int = -1, descending: bool = False) -> torch.Tensor:
    return torch.sort(torch.nan_to_num(x, -torch.inf), dim=dim, descending=descending).values
