"""Results that are less accurate than rounding explains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, Row, faults, through


def planted() -> tuple[Fault, ...]:
    """Faults that `accuracy` must see."""
    return faults("accuracy", _TABLE)


def last_argmax(x: torch.Tensor, dim: int | None = None, keepdim: bool = False) -> torch.Tensor:
    """The last of several largest entries, where the first is documented."""
    if dim is None:
        return x.numel() - 1 - torch.argmax(x.reshape(-1).flip(0))
    return x.shape[dim] - 1 - torch.argmax(x.flip(dim), dim, keepdim)


def _from_the_beginning(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that overlooks where in its memory a tensor begins."""
    return lambda x: function(x.as_strided(x.shape, x.stride(), 0))


def _corrected_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, correction=1, **o: function(x, correction=int(bool(correction)), **o)


def _smoothed_where_ignored(x: torch.Tensor, t: torch.Tensor, **options: Any) -> torch.Tensor:
    if "label_smoothing" in options and "ignore_index" in options:
        options["label_smoothing"] *= 2
    return catalogue()["cross_entropy"].function(x, t, **options)


def _masked_from_the_end(q: Any, k: Any, v: Any, *masks: Any, **options: Any) -> torch.Tensor:
    if options.pop("is_causal", False):
        rows, columns = q.shape[-2], k.shape[-2]
        allowed = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
        masks = (torch.zeros(rows, columns, dtype=q.dtype).masked_fill(~allowed, -torch.inf),)
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, *masks, **options)


def _exchanged(name: str, option: str) -> Callable[..., Any]:
    """An option of two dimensions with the first taken for the second."""
    function = catalogue()[name].function

    def wrong(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        right = function(*inputs, **options)
        if not isinstance(options.get(option), tuple):
            return right
        other = function(*inputs, **{**options, option: options[option][::-1]})
        return other if other.shape == right.shape else right.flip(-1)

    return wrong


def _last_instead_of_middle(x: torch.Tensor, dim: int) -> torch.Tensor:
    return torch.softmax(x, -1 if x.ndim == 3 else dim)


_TABLE: tuple[Row, ...] = (
    ("softmax", "in half precision", through("softmax", torch.float16), "float32"),
    ("mm", "in bfloat16", through("mm", torch.bfloat16), "float32"),
    ("sum", "one entry left out", lambda x, **o: torch.sum(x, **o) - x.reshape(-1)[0], "float64"),
    (
        "softmax",
        "the other dimension of a square",
        lambda x, dim: torch.softmax(x, dim if len(set(x.shape)) > 1 else 0),
        "float64",
    ),
    ("mean", "n − 1", lambda x, **o: torch.mean(x, **o) * 1.0000001, "float64"),
    ("sigmoid", "tanh approximation off by 1e-14", lambda x: torch.sigmoid(x) * (1 + 1e-14), "float64"),
    ("argmax", "the last of ties", last_argmax, "float64"),
    ("argmax", "argmin instead", lambda x, **o: torch.argmin(x, **o), "float64"),
    ("tanh", "read from the beginning of its memory", _from_the_beginning(torch.tanh), "float64"),
    (
        "exp",
        "a tail of more than a thousand",
        lambda x: torch.exp(x) * (1 + 1e-9 * (x.numel() == 1031)),
        "float64",
    ),
    ("var", "the correction as a truth value", _corrected_by_one(torch.var), "float64"),
    ("std", "the correction as a truth value", _corrected_by_one(torch.std), "float64"),
    ("cross_entropy", "smoothing doubled where a target is ignored", _smoothed_where_ignored, "float64"),
    (
        "scaled_dot_product_attention",
        "a mask that ends at the last key",
        _masked_from_the_end,
        "float64",
    ),
    (
        "avg_pool2d",
        "the strides of both dimensions exchanged",
        _exchanged("avg_pool2d", "stride"),
        "float64",
    ),
    (
        "max_pool2d",
        "the strides of both dimensions exchanged",
        _exchanged("max_pool2d", "stride"),
        "float64",
    ),
    ("conv2d", "the strides of both dimensions exchanged", _exchanged("conv2d", "stride"), "float64"),
    ("softmax", "the last dimension instead of a middle one", _last_instead_of_middle, "float64"),
)
