"""Results that break a law which the right ones keep."""

from __future__ import annotations

from typing import Any

import torch

from verify.wrong_on_purpose.fault import Fault, Row, faults


def planted() -> tuple[Fault, ...]:
    """Faults that `identity` must see."""
    return faults("identity", _TABLE)


def _rooted(x: torch.Tensor, y: torch.Tensor, **options: Any) -> torch.Tensor:
    return torch.sqrt(torch.nn.functional.mse_loss(x, y, **options))


def _max(x: torch.Tensor, **options: Any) -> torch.Tensor:
    result = torch.max(x, **options)
    return result if isinstance(result, torch.Tensor) else result.values


_TABLE: tuple[Row, ...] = (
    ("mse_loss", "with a root", _rooted, "float64"),
    ("mse_loss", "the norm itself", lambda x, y, **o: torch.linalg.vector_norm(x - y), "float64"),
    ("softmax", "not normalised", lambda x, dim: torch.softmax(x, dim) * 1.01, "float64"),
    ("softmax", "shifted by a constant", lambda x, dim: torch.softmax(x * x, dim), "float64"),
    ("matmul", "not the product of @", lambda a, b: torch.matmul(a, b) * (1 + 1e-15), "float64"),
    ("relu", "leaking forward", lambda x: torch.where(x > 0, x, 0.01 * x), "float64"),
    ("max", "of magnitudes", lambda x, **o: _max(x.abs(), **o), "float64"),
)
