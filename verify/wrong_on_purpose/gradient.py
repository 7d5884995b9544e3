"""Wrong gradients: a few spoilings of every backward, and what a derivation can get wrong."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.case import Case
from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, faults, wrong_backward


def planted() -> tuple[Fault, ...]:
    """Faults that `gradient` must see."""
    return (*_generated(), *_in_backward())


def _each(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    """Spoil every gradient of torch's in the same way."""
    return lambda g, y, inputs, right, options: tuple(None if r is None else change(r) for r in right)


def _at_one_entry(gradient: torch.Tensor) -> torch.Tensor:
    entries = gradient.flatten().clone()
    entries[entries.abs().argmax()] *= 1.5
    return entries.reshape(gradient.shape)


def _first(change: Callable[..., torch.Tensor]) -> Callable[..., Any]:
    """Spoil the first input's gradient, as a function of (g, y, inputs, right, options)."""

    def backward(
        g: torch.Tensor, y: torch.Tensor, inputs: Any, right: Any, options: Any
    ) -> tuple[torch.Tensor | None, ...]:
        return (change(g, y, inputs, right[0], options), *right[1:])

    return backward


_FACTORS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
_DIFFERENTIABLE = tuple(name for name, operation in catalogue().items() if operation.differentiable)


@functools.cache
def _flat(name: str) -> bool:
    """Whether the gradient is 0 everywhere: a factor, or an exchange of entries, does not spoil it."""
    operation = catalogue()[name]
    assert operation.vjp is not None
    (point,) = Case(operation, "cpu", "float64", operation.check[0]).points(0)
    y = operation.forward.evaluate(*point.inputs, **point.options)
    gradients = operation.vjp.evaluate(np.ones(np.shape(y)), *point.inputs, **point.options)
    return not any(np.any(x) for x in gradients if x is not None)


def _generated() -> tuple[Fault, ...]:
    """The same few spoilings of the backward of every differentiable operation."""
    spoilings: dict[str, Callable[..., Any]] = {
        "sign": _each(lambda r: -r),
        "all zero": _each(torch.zeros_like),
        "wrong at one entry": _each(_at_one_entry),
        "doubled": _each(lambda r: 2 * r),
    }
    spoilings |= {f"factor 1 + {f:g}": _each(functools.partial(torch.mul, 1 + f)) for f in _FACTORS}
    of_flat = {"1 where it is 0": _each(torch.ones_like)}
    return tuple(
        Fault(f"{name}, {spoiling}", wrong_backward(name, backward), "gradient")
        for name in _DIFFERENTIABLE
        for spoiling, backward in (of_flat if _flat(name) else spoilings).items()
    )


def _one_repetition(g: torch.Tensor, y: torch.Tensor, x: Any, right: torch.Tensor, o: Any) -> torch.Tensor:
    """Of a broadcast operand's gradients only the first is kept, where all should be summed."""
    if right.ndim < 3 or x[1].ndim < 3:
        return right
    return (g @ x[1].mT)[:, :1]


def _swap(right: Any) -> Any:
    """The entries of every gradient in the wrong order."""
    return tuple(r.flip(0).flip(1) for r in right)


def _shared(g: torch.Tensor, x: torch.Tensor, right: torch.Tensor, options: Any) -> torch.Tensor:
    if options.get("dim") is None:
        return right
    reached = x == x.amax(options["dim"], keepdim=True)
    spread = g if options.get("keepdim") else g.unsqueeze(options["dim"])
    return spread * reached / reached.sum(options["dim"], keepdim=True)


def _transposed_operand(g: torch.Tensor, y: torch.Tensor, x: Any, right: Any, options: Any) -> Any:
    """G B instead of G Bᵀ, where the shapes let it pass; else entries in the wrong order."""
    return (g @ x[1], right[1]) if x[1].shape[0] == x[1].shape[1] else _swap(right)


def _first_of_tied_columns(g: Any, y: torch.Tensor, x: Any, right: Any, options: Any) -> torch.Tensor:
    if options.get("ord") != 1 or x[0].ndim > 2:
        return right
    sums = x[0].abs().sum(0)
    return g * x[0].sign() * (torch.arange(len(sums)) == sums.argmax())


# What is changed in the first input's gradient, or in all, as a function of (g, y, inputs, right, options).
_BACKWARD: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("softmax", "−yΣ(yg) dropped", _first(lambda g, y, x, r, o: y * g)),
    (
        "softmax",
        "the sum over the other dimension",
        _first(lambda g, y, x, r, o: y * (g - (g * y).sum(0, keepdim=True))),
    ),
    ("log_softmax", "exp(y)Σg dropped", _first(lambda g, y, x, r, o: g.clone())),
    (
        "logsumexp",
        "not normalised",
        _first(lambda g, y, x, r, o: g.unsqueeze(o["dim"]) * (x[0] - x[0].amax()).exp()),
    ),
    ("cross_entropy", "onehot dropped", _first(lambda g, y, x, r, o: torch.softmax(x[0], 1) / x[0].shape[0])),
    ("cross_entropy", "not divided by the rows", _first(lambda g, y, x, r, o: r * x[0].shape[0])),
    ("mm", "transposed operand", _transposed_operand),
    ("matmul", "the broadcast sum is missing", _first(_one_repetition)),
    ("mse_loss", "n forgotten", lambda g, y, x, r, o: (2 * (x[0] - x[1]) * g, 2 * (x[1] - x[0]) * g)),
    ("mse_loss", "only one input's gradient", lambda g, y, x, r, o: (r[0], torch.zeros_like(r[1]))),
    ("sigmoid", "y instead of y(1 − y)", _first(lambda g, y, x, r, o: g * y)),
    ("tanh", "1 − y", _first(lambda g, y, x, r, o: g * (1 - y))),
    (
        "sigmoid",
        "a float32 constant in a float64 formula",
        _first(lambda g, y, x, r, o: r * (torch.tensor(1 / 6).double() * 6)),
    ),
    ("relu", "1 at 0", _first(lambda g, y, x, r, o: g * (x[0] >= 0))),
    ("relu", "leaking", _first(lambda g, y, x, r, o: torch.where(x[0] > 0, g, 0.01 * g))),
    ("vector_norm", "not divided by the norm", _first(lambda g, y, x, r, o: r * y.sum())),
    ("mean", "n off by one", _first(lambda g, y, x, r, o: r * x[0].numel() / (x[0].numel() - 1))),
    ("max", "shared among ties along a dimension", _first(lambda g, y, x, r, o: _shared(g, x[0], r, o))),
    (
        "relu",
        "a backward wrong only for a strided cotangent",
        _first(lambda g, y, x, r, o: r if g.is_contiguous() else 2 * r),
    ),
    (
        "tanh",
        "a backward wrong only for more than a thousand entries",
        _first(lambda g, y, x, r, o: r if r.numel() < 1000 else 1.5 * r),
    ),
    ("sum", "a backward that goes through float32", _first(lambda g, y, x, r, o: r.float().double())),
    (
        "mm",
        "a gradient of nan where an input is 0",
        _first(lambda g, y, x, r, o: torch.where(x[0] == 0, torch.nan, r)),
    ),
    ("elu", "1 at 0, whatever alpha is", _first(lambda g, y, x, r, o: torch.where(x[0] == 0, g, r))),
    (
        "std",
        "nan where all entries are equal",
        _first(lambda g, y, x, r, o: torch.where(x[0] == x[0].amax(), r / (y != 0), r) if y.ndim == 0 else r),
    ),
    ("prod", "the product divided by the entry", _first(lambda g, y, x, r, o: torch.where(x[0] == 0, 0, r))),
    ("matrix_norm", "the first of tied columns alone", _first(_first_of_tied_columns)),
    (
        "sum",
        "a gradient wrong only for a strided input",
        _first(lambda g, y, x, r, o: r if x[0].is_contiguous() else 2 * r),
    ),
)


def _in_backward() -> tuple[Fault, ...]:
    """Faults that a derivation can make: a term dropped, indices swapped, a scale forgotten."""
    return faults("gradient", ((*row, "float64") for row in _BACKWARD), wrong_backward)
