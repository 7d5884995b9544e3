"""Results that are right at ordinary magnitudes, and lost far inside the range."""

from __future__ import annotations

from typing import Any

import torch

from verify.wrong_on_purpose.fault import Fault, Row, faults, wrong_backward


def planted() -> tuple[Fault, ...]:
    """Faults that `range` must see."""
    return (*faults("range", _FORWARD), *faults("range", _BACKWARD, wrong_backward))


def _below(threshold: float, y: torch.Tensor) -> torch.Tensor:
    return torch.where(y.abs() < threshold, 0 * y, y)


def _from(threshold: float, x: torch.Tensor, y: torch.Tensor, other: Any) -> torch.Tensor:
    return torch.where(x.abs() >= threshold, other, y)


def _between(low: float, high: float, x: torch.Tensor, y: torch.Tensor, other: Any) -> torch.Tensor:
    """A branch for large numbers that sets in too late: what is lost is lost between two magnitudes."""
    return torch.where((x.abs() >= low) & (x.abs() < high), other, y)


_FORWARD: tuple[Row, ...] = (
    ("logsumexp", "not shifted", lambda x, dim: x.exp().sum(dim).log(), "float64"),
    ("softmax", "not shifted", lambda x, dim: x.exp() / x.exp().sum(dim, True), "float32"),
    ("sigmoid", "exp x over 1 + exp x", lambda x: x.exp() / (1 + x.exp()), "float64"),
    ("softplus", "not shifted", lambda x, **o: torch.log(1 + x.exp()), "float64"),
    # A root is rounded correctly, so that only its square leaves the range.
    ("abs", "the root of the square", lambda x: torch.sqrt(x * x), "float64"),
    ("l1_loss", "the root of the square", lambda x, y, **o: torch.sqrt((x - y) ** 2).mean(), "float64"),
    ("relu", "infinite from 2^100 on", lambda x: _from(2.0**100, x, torch.relu(x), torch.inf), "float64"),
    (
        "leaky_relu",
        "0 from 2^300 to 2^350",
        lambda x, **o: _between(2.0**300, 2.0**350, x, torch.nn.functional.leaky_relu(x, **o), 0.0),
        "float64",
    ),
    (
        "frac",
        "0 from 2^-700 to 2^-600",
        lambda x: _between(2.0**-700, 2.0**-600, x, x.frac(), 0.0),
        "float64",
    ),
    (
        "add",
        "infinite from 2^60 to 2^100",
        lambda x, y: _between(2.0**60, 2.0**100, x, x + y, torch.inf),
        "bfloat16",
    ),
    ("neg", "through float16 from 1000 on", lambda x: _from(1e3, x, -x, -x.half().float()), "float32"),
    ("add", "flushed below 2^-900", lambda x, y: _below(2.0**-900, x + y), "float64"),
    (
        "exp",
        "through float16 from 8 on",
        lambda x: _from(8.0, x, torch.exp(x), torch.exp(x.half()).to(x)),
        "float32",
    ),
    ("mul", "flushed below 2^-100", lambda x, y: _below(2.0**-100, x) * y, "float32"),
    ("mm", "an input flushed below 2^-60", lambda x, y: _below(2.0**-60, x) @ y, "bfloat16"),
)

_BACKWARD: tuple[Row, ...] = (
    ("sqrt", "0 below 2^-600", lambda g, y, x, r, o: torch.where(x[0] < 2.0**-600, 0, r[0]), "float64"),
    ("logsigmoid", "1 − σ(x)", lambda g, y, x, r, o: g * (1 - torch.sigmoid(x[0])), "float64"),
    ("silu", "σ(x) − 1 for large x", lambda g, y, x, r, o: _from(30.0, x[0], r[0], 0.0), "float64"),
    (
        "sin",
        "nan below 2^-100",
        lambda g, y, x, r, o: torch.where(x[0].abs() < 2.0**-100, torch.nan, r[0]),
        "float32",
    ),
    ("mean", "0 from 2^600 on", lambda g, y, x, r, o: _from(2.0**600, x[0], r[0], 0.0), "float64"),
    (
        "log",
        "g x over x², unless x is beyond 2^900",
        lambda g, y, x, r, o: _between(2.0**512, 2.0**900, x[0], r[0], 0.0),
        "float64",
    ),
    (
        "sqrt",
        "nan from 2^-90 to 2^-60",
        lambda g, y, x, r, o: _between(2.0**-90, 2.0**-60, x[0], r[0], torch.nan),
        "float32",
    ),
    (
        "atan",
        "0 from 2^40 to 2^60",
        lambda g, y, x, r, o: _between(2.0**40, 2.0**60, x[0], r[0], 0.0),
        "bfloat16",
    ),
)
