"""Fault: an operation that is wrong on purpose, and the check that has to see it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import torch

from verify.operation import Operation
from verify.operations import catalogue


@dataclasses.dataclass(frozen=True)
class Fault:
    """A planted fault: what was done to which operation, and the check (and dtype) that must fail."""

    name: str
    operation: Operation
    check: str
    dtype: str = "float64"


def wrong_backward(name: str, backward: Callable[..., Any]) -> Operation:
    """An operation whose forward is torch's and whose backward is `backward(g, y, inputs, options)`.

    `backward` also receives torch's own gradients as `right`, to spoil.
    """
    operation = catalogue()[name]

    def function(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(context: Any, *tensors: torch.Tensor) -> torch.Tensor:
                context.save_for_backward(*tensors)
                return operation.function(*tensors, **options)

            @staticmethod
            def backward(context: Any, g: torch.Tensor) -> Any:
                saved = context.saved_tensors
                with torch.enable_grad():
                    leaves = [t.detach().requires_grad_(t.is_floating_point()) for t in saved]
                    y = operation.function(*leaves, **options)
                    asked = [t for t in leaves if t.requires_grad]
                    right = iter(torch.autograd.grad(y, asked, g))
                full = tuple(next(right) if t.requires_grad else None for t in leaves)
                spoiled = backward(g, y.detach(), [t.detach() for t in leaves], full, options)
                return spoiled if isinstance(spoiled, tuple) else (spoiled,)

        return Wrong.apply(*inputs)  # type: ignore[no-untyped-call]  # torch's own, without types

    return dataclasses.replace(operation, function=function)


def wrong_value(name: str, function: Callable[..., torch.Tensor]) -> Operation:
    """An operation with another forward, which need not be differentiable; the backward is torch's own."""
    right = catalogue()[name].function

    def changed(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(context: Any, y: torch.Tensor) -> torch.Tensor:
                return function(*(x.detach() for x in inputs), **options)

            @staticmethod
            def backward(context: Any, g: torch.Tensor) -> torch.Tensor:
                return g

        y = right(*inputs, **options)
        value: torch.Tensor = Wrong.apply(y)  # type: ignore[no-untyped-call]  # torch's own, without types
        return value

    return dataclasses.replace(catalogue()[name], function=changed)


def wrong_forward(name: str, function: Callable[..., Any]) -> Operation:
    """An operation with another forward; its gradient is that of the wrong forward."""
    return dataclasses.replace(catalogue()[name], function=function)


# Which operation, what is wrong with it, what is put in the place of a part of it, and in which dtype.
Row = tuple[str, str, Callable[..., Any], str]


def faults(
    check: str,
    rows: Iterable[Row],
    wrong: Callable[[str, Callable[..., Any]], Operation] = wrong_forward,
) -> tuple[Fault, ...]:
    """The faults of a table that a check must see; `wrong` tells which part of the operation is replaced."""
    return tuple(
        Fault(f"{operation}, {what}", wrong(operation, function), check, dtype)
        for operation, what, function, dtype in rows
    )


def through(name: str, dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    """An operation that computes in another dtype than that of its inputs."""
    function = catalogue()[name].function
    return lambda *inputs, **options: function(*(x.to(dtype) for x in inputs), **options).to(inputs[0].dtype)
