"""Results that are right for the usual calls, and break a promise for others of their kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from verify.operation import Operation
from verify.operations import catalogue
from verify.wrong_on_purpose.accuracy import last_argmax
from verify.wrong_on_purpose.fault import Fault, Row, faults, wrong_backward


def planted() -> tuple[Fault, ...]:
    """Faults that `semantics` must see."""
    return (
        *faults("semantics", _FORWARD),
        *faults("semantics", _PLACES, _wrong_places),
        *faults("semantics", _BACKWARD, wrong_backward),
    )


def _wrong_places(name: str, function: Callable[..., Any]) -> Operation:
    """An operation that says of its values that they lie elsewhere."""
    operation = catalogue()[name]
    if operation.places is None:
        raise ValueError(f"{name} names no places")
    return dataclasses.replace(operation, places=dataclasses.replace(operation.places, function=function))


def _of(name: str) -> Callable[..., Any]:
    return catalogue()[name].function


def _one_too_far(name: str) -> Callable[..., Any]:
    """A dimension counted from the end, beginning with 0; the last one is right, being used most."""

    def wrong(x: torch.Tensor, dim: int = -1, **options: Any) -> Any:
        return _of(name)(x, dim=dim + 1 if dim < -1 else dim, **options)

    return wrong


def _kept_where_positive(name: str) -> Callable[..., Any]:
    def wrong(x: torch.Tensor, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
        if dim is None:
            return _of(name)(x, **options)
        negative = isinstance(dim, int) and dim < 0
        return _of(name)(x, dim=dim, keepdim=keepdim and not negative, **options)

    return wrong


def _first_of_descending(x: torch.Tensor, dim: Any = None, **options: Any) -> torch.Tensor:
    """Dimensions that are not in ascending order are taken for the first of them."""
    if isinstance(dim, tuple) and any(d < 0 for d in dim) and not all(d < 0 for d in dim):
        dim = dim[:1]
    return torch.amax(x, **({} if dim is None else {"dim": dim}), **options)


def _needs_dimensions(name: str) -> Callable[..., Any]:
    def wrong(x: torch.Tensor, **options: Any) -> Any:
        if x.ndim == 0:
            raise IndexError("an input without dimensions")
        return _of(name)(x, **options)

    return wrong


def _nan_over_nothing(name: str) -> Callable[..., Any]:
    """A reduction over a dimension of size 0 as a mean, which divides by it."""

    def wrong(x: torch.Tensor, dim: Any = None, keepdim: bool = False) -> torch.Tensor:
        if dim is None:
            return _of(name)(x)
        y: torch.Tensor = _of(name)(x, dim=dim, keepdim=keepdim)
        return y * torch.nan if x.ndim > 1 and not x.numel() else y

    return wrong


def _flat_where_empty(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    product = torch.mul(x, y)
    return product if product.numel() else product.reshape(-1)


def _no_rows_refused(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    if not a.shape[0]:
        raise RuntimeError("a matrix without rows")
    return torch.mm(a, b)


def _leaking_rows(x: torch.Tensor, dim: int) -> torch.Tensor:
    """A maximum over everything is taken for that of the row: a nan in one row is in all."""
    return torch.softmax(x, dim) + 0 * x.max()


def _leaking_lanes(x: torch.Tensor) -> torch.Tensor:
    """A nan reaches the lanes of its vector."""
    y = torch.tanh(x)
    return y + 0 * y.flatten()[: 8 * (y.numel() // 8)].sum() if x.ndim > 1 else y


def _dropped_in_the_body(x: torch.Tensor, **options: Any) -> torch.Tensor:
    """Comparisons in the body of a loop skip a nan; those in its rest do not."""
    if options or x.ndim != 1 or x.numel() < 16:
        return torch.amax(x, **options)
    body, rest = x[:-8], x[-8:]
    return torch.maximum(torch.nan_to_num(body, -torch.inf).amax(), rest.amax())


def _dropped_in_a_batch(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.bmm(torch.nan_to_num(a), b) if a.shape[0] > 2 else torch.bmm(a, b)


def _by_rows(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """A vector beside a matrix is repeated in another way than a matrix of one row."""
    return torch.add(x, y) if x.shape == y.shape else torch.add(x, y) * (1 + 4 * torch.finfo(x.dtype).eps)


def _unstable(x: torch.Tensor, **options: Any) -> Any:
    dim = options.get("dim", -1)
    values, places = torch.sort(x.flip(dim), **options)
    return values, x.shape[dim] - 1 - places


def _last(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrong(x: torch.Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return function(x)
        values, places = function(x.flip(dim), dim=dim, keepdim=keepdim)
        return values, x.shape[dim] - 1 - places

    return wrong


def _beside(function: Callable[..., Any]) -> Callable[..., Any]:
    """The place next to the right one."""

    def wrong(x: torch.Tensor, **options: Any) -> Any:
        answer = function(x, **options)
        if isinstance(answer, torch.Tensor):
            return answer
        return answer[0], (answer[1] + 1) % x.shape[options.get("dim", -1)]

    return wrong


def _named_twice(x: torch.Tensor, k: int, dim: int = -1, largest: bool = True) -> Any:
    """Of equals, the same place over and over."""
    values, places = torch.topk(x, k, dim, largest)
    order = values.movedim(dim, -1)
    same = torch.nn.functional.pad(order[..., 1:] == order[..., :-1], (1, 0))
    rows = places.movedim(dim, -1).clone()
    for i in range(1, rows.shape[-1]):
        rows[..., i] = torch.where(same[..., i], rows[..., i - 1], rows[..., i])
    return values, rows.movedim(-1, dim)


_FORWARD: tuple[Row, ...] = (
    ("softmax", "a negative dim off by one", _one_too_far("softmax"), "float64"),
    ("cumsum", "a negative dim off by one", _one_too_far("cumsum"), "float32"),
    ("var", "keepdim lost for a negative dim", _kept_where_positive("var"), "float64"),
    ("amax", "dims of both kinds are the first of them", _first_of_descending, "float64"),
    ("sigmoid", "an input without dimensions refused", _needs_dimensions("sigmoid"), "float64"),
    ("sum", "an input without dimensions refused", _needs_dimensions("sum"), "float64"),
    ("sum", "nan over a dimension of size 0", _nan_over_nothing("sum"), "float64"),
    ("prod", "nan over a dimension of size 0", _nan_over_nothing("prod"), "bfloat16"),
    ("mul", "a shape lost without entries", _flat_where_empty, "float64"),
    ("mm", "a batch of no rows refused", _no_rows_refused, "float64"),
    ("softmax", "a nan in all rows", _leaking_rows, "float64"),
    ("tanh", "a nan in all lanes", _leaking_lanes, "float32"),
    ("amax", "a nan dropped in the body of the loop", _dropped_in_the_body, "float64"),
    ("bmm", "a nan dropped in a batch", _dropped_in_a_batch, "float64"),
    ("add", "broadcast in other arithmetic", _by_rows, "float64"),
    ("argmax", "the last of ties", last_argmax, "float64"),
)
_PLACES: tuple[Row, ...] = (
    ("max", "the last of ties", _last(torch.max), "float64"),
    ("min", "the last of ties", _last(torch.min), "bfloat16"),
    ("sort", "not stable", _unstable, "float64"),
    ("topk", "a place named twice", _named_twice, "float64"),
    ("kthvalue", "the place beside", _beside(torch.kthvalue), "float64"),
    ("median", "the place beside", _beside(torch.median), "float64"),
)
_BACKWARD: tuple[Row, ...] = (
    (
        "log_softmax",
        "a nan in the gradients of all rows",
        lambda g, y, x, right, options: (right[0] + 0 * right[0].sum(),),
        "float64",
    ),
    (
        "sub",
        "a gradient not summed over one dimension",
        lambda g, y, x, right, options: (
            right[0],
            right[1] / (2 if right[1].shape == (3, 1, 6) else 1),
        ),
        "float64",
    ),
)
