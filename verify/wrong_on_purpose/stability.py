"""Formulas that are right where numbers are moderate, and lost far out."""

from __future__ import annotations

import torch

from verify.operation import Operation
from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, Row, faults, wrong_forward


def planted() -> tuple[Fault, ...]:
    """Faults that `stability` must see."""
    return (*_textbook_formulas(), *_others())


def _textbook_formulas() -> tuple[Fault, ...]:
    """The textbook formulas: right where numbers are moderate, inf or nan far out."""
    # torch's own vector_norm is the textbook formula, and a known deviation: there is no fault to plant.
    names = [n for n, operation in catalogue().items() if operation.naive is not None and n != "vector_norm"]
    return tuple(
        Fault(f"{name}, the textbook formula", _naive(name), "stability", dtype)
        for name in names
        for dtype in ("float64", "float32", "bfloat16")
    )


def _naive(name: str) -> Operation:
    naive = catalogue()[name].naive
    assert naive is not None
    return wrong_forward(name, naive)


def _others() -> tuple[Fault, ...]:
    return faults("stability", _TABLE)


_TABLE: tuple[Row, ...] = (
    (
        "softmax",
        "shifted by the maximum of all rows",
        lambda x, dim: (x - x.max()).exp() / (x - x.max()).exp().sum(dim, True),
        "float64",
    ),
    (
        "sigmoid",
        "lost from 10,000 on",
        lambda x: torch.where(x.abs() > 10000.0, torch.inf, torch.sigmoid(x)),
        "float64",
    ),
)
