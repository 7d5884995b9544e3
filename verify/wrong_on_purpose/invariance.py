"""Results that hang on what is no input: memory, the batch, the place in it, threads, or what came before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from verify.operation import Operation
from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, Row, faults, wrong_forward


def planted() -> tuple[Fault, ...]:
    """Faults that `invariance` must see."""
    return faults("invariance", _TABLE, _remade)


Function = Callable[..., torch.Tensor]


def _remade(name: str, make: Callable[[Function], Function]) -> Operation:
    """An operation whose function is `make` of the right one."""
    return wrong_forward(name, make(catalogue()[name].function))


def _where(condition: Callable[[torch.Tensor], bool], change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A function whose result is changed where something holds of its first input."""

    def make(function: Function) -> Function:
        def wrong(x: torch.Tensor, *others: Any, **options: Any) -> torch.Tensor:
            y = function(x, *others, **options)
            return change(y) if condition(x) else y

        return wrong

    return make


def _off(factor: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda y: y * (1 + factor)


def _in_bfloat16(y: torch.Tensor) -> torch.Tensor:
    return y.bfloat16().to(y.dtype)


def _tail(width: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The entries that are left over after whole vectors are computed otherwise."""

    def make(function: Function) -> Function:
        def wrong(x: torch.Tensor, *others: Any, **options: Any) -> torch.Tensor:
            y = function(x, *others, **options)
            flat = y.reshape(-1)
            body = flat.numel() // width * width
            return torch.cat([flat[:body], change(flat[body:])]).reshape(y.shape)

        return wrong

    return make


def _unshifted_tail(function: Function) -> Function:
    """A softmax whose last rows, those after a multiple of four, are not shifted."""

    def wrong(x: torch.Tensor, dim: int) -> torch.Tensor:
        y = function(x, dim)
        if x.ndim != 2 or dim % 2 == 0:
            return y
        body = x.shape[0] // 4 * 4
        rest = x[body:].half().exp()
        return torch.cat([y[:body], (rest / rest.sum(dim, True)).to(y.dtype)])

    return wrong


def _tail_of_the_backward(function: Function) -> Function:
    """s(1 − s) from an s that is rounded to half precision, in the tail of the backward alone."""

    class Tail(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
            y = function(x)
            context.save_for_backward(y)
            return y

        @staticmethod
        def backward(context: Any, g: torch.Tensor) -> torch.Tensor:
            (y,) = context.saved_tensors
            right = (g * y * (1 - y)).reshape(-1)
            body = right.numel() // 8 * 8
            s = y.reshape(-1)[body:].half().to(y.dtype)
            tail = g.reshape(-1)[body:] * s * (1 - s)
            return torch.cat([right[:body], tail]).reshape(y.shape)

    return lambda x: Tail.apply(x)  # type: ignore[no-untyped-call]  # torch's own, without types


def _narrow_batch(function: Function) -> Function:
    """A product that takes bfloat16 for many rows."""

    def wrong(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        many = a.shape[0] > 16
        return function(a.bfloat16(), b.bfloat16()).to(a.dtype) if many else function(a, b)

    return wrong


def _held_apart(function: Function) -> Function:
    """A product whose second input has no gradient where its memory has gaps."""

    def wrong(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return function(x, y if y.is_contiguous() else y.detach())

    return wrong


class _Counted:
    """A function whose every third answer is another."""

    def __init__(self, function: Function) -> None:
        self.function, self.calls = function, 0

    def __call__(self, *inputs: Any, **options: Any) -> torch.Tensor:
        self.calls += 1
        y = self.function(*inputs, **options)
        return torch.nextafter(y, y + 1) if self.calls % 3 == 0 else y


def _summed_over_a_view(function: Function) -> Function:
    """The gradient of an input that is held once is that of all its entries, as if it were its memory.

    As torch 1.3 had it on another device (https://github.com/pytorch/pytorch/issues/30303).
    """

    def wrong(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        return function(*(_with_summed_gradient(x) if 0 in x.stride() else x for x in inputs), **options)

    return wrong


def _with_summed_gradient(x: torch.Tensor) -> torch.Tensor:
    dims = [d for d, stride in enumerate(x.stride()) if stride == 0]

    class Summed(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
            return x.view_as(x)

        @staticmethod
        def backward(context: Any, g: torch.Tensor) -> torch.Tensor:
            return g.sum(dims, keepdim=True).expand_as(g)

    view: torch.Tensor = Summed.apply(x)  # type: ignore[no-untyped-call]  # torch's own, without types
    return view


def _neighbour(function: Function) -> Function:
    """The last entry of each row reads the first of the next one."""

    def wrong(x: torch.Tensor, **options: Any) -> torch.Tensor:
        moved = x.clone()
        if x.ndim == 2 and x.shape[0] > 1:
            moved[:-1, -1] = x[:-1, -1] + 1e-3 * x[1:, 0]
        return function(moved, **options)

    return wrong


def _threads(function: Function) -> Function:
    """Less accurate where several threads share the work."""

    def wrong(x: torch.Tensor, **options: Any) -> torch.Tensor:
        y = function(x, **options)
        return y * (1 + 2.0**-10) if torch.get_num_threads() > 1 else y

    return wrong


def _missed_part(function: Function) -> Function:
    """The part of a third thread is left out of the result, and of no gradient."""

    def wrong(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        y = function(*inputs, **options)
        if torch.get_num_threads() < 3:
            return y
        done = [x.detach().clone() for x in inputs]
        for x in done:
            x[len(x) // 3 * 2 :] = 0
        return y + (function(*done, **options) - y).detach()

    return wrong


_TABLE: tuple[Row, ...] = (
    (
        "exp",
        "otherwise where memory has gaps",
        _where(lambda x: not x.is_contiguous(), _off(1e-13)),
        "float64",
    ),
    (
        "log1p",
        "otherwise where memory is not aligned",
        _where(lambda x: x.storage_offset() == 1, _off(1e-5)),
        "float32",
    ),
    (
        "abs",
        "one ulp more for many entries",
        _where(lambda x: x.numel() > 64, lambda y: torch.nextafter(y, y + 1)),
        "float64",
    ),
    (
        "tanh",
        "otherwise from a thousand entries on",
        _where(lambda x: x.numel() > 1000, _off(1e-13)),
        "float64",
    ),
    ("sin", "a tail in bfloat16", _tail(8, _in_bfloat16), "float32"),
    ("relu", "a tail that is not rectified alike", _tail(4, lambda y: y * 1.25), "float64"),
    ("softmax", "a tail of rows in half precision", _unshifted_tail, "float32"),
    ("sigmoid", "s(1 − s) in half precision in the tail", _tail_of_the_backward, "float64"),
    ("mm", "bfloat16 for more than 16 rows", _narrow_batch, "float32"),
    ("add", "another answer every third time", _Counted, "float64"),
    ("layer_norm", "another answer every third time", _Counted, "float32"),
    ("mul", "no gradient of an input whose memory has gaps", _held_apart, "float64"),
    ("logsumexp", "the neighbouring row is read", _neighbour, "float64"),
    ("sum", "otherwise by two threads", _threads, "float32"),
    ("sum", "the part of a third thread is missed", _missed_part, "float32"),
    ("dot", "the part of a third thread is missed", _missed_part, "float32"),
    ("cos", "two threads use another kernel", _threads, "float32"),
    ("mul", "a batch of one in bfloat16", _where(lambda x: x.shape[:1] == (1,), _in_bfloat16), "float32"),
    (
        "softmax",
        "the first entry of memory for all of a row that is held once",
        _where(lambda x: 0 in x.stride() and x.numel() > x.shape[-1], lambda y: y.flip(-1)),
        "float64",
    ),
    ("einsum", "a gradient summed over a view", _summed_over_a_view, "float64"),
    (
        "conv2d",
        "otherwise for channels last",
        _where(lambda x: x.ndim == 4 and x.stride(1) == 1, _off(1e-3)),
        "float32",
    ),
)
