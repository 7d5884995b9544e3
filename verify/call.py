"""Call: a function of tensors with all that it is given, and what it answers: results and gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from verify.operation import Options

Gradients = tuple[torch.Tensor | None, ...]


@dataclass(frozen=True)
class Call:
    """A function, its arguments by position (tensors in any layout, or anything else), and its options.

    `cotangents`: one for each result that depends on the inputs; none if no gradient is asked for.
    """

    function: Callable[..., Any]
    inputs: tuple[Any, ...]
    options: Options
    cotangents: tuple[torch.Tensor, ...] = ()

    def with_tensors(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Call:
        """The same call with every tensor among its inputs and cotangents put through a function."""
        return replace(
            self,
            inputs=tuple(change(x) if isinstance(x, torch.Tensor) else x for x in self.inputs),
            cotangents=tuple(map(change, self.cotangents)),
        )


@dataclass(frozen=True)
class Results:
    """What a call answered: its results, and the gradient of ⟨cotangents, results⟩ in each input.

    A gradient is None where an input is of no type that has one, or where it is not asked about.
    """

    outputs: tuple[torch.Tensor, ...]
    gradients: Gradients = ()

    def each(self, of_output: Callable[[torch.Tensor], torch.Tensor]) -> Results:
        """The results put through a function, without the gradients."""
        return Results(tuple(map(of_output, self.outputs)))


def results(call: Call) -> Results:
    """Make the call, and where there are cotangents its backward.

    Raises: what the function raises; TypeError for a result that is neither a tensor nor several.
    """
    if not call.cotangents:
        with torch.no_grad():
            return Results(tensors(call.function(*call.inputs, **call.options)))
    inputs = tuple(_leaf(x) for x in call.inputs)
    outputs = tensors(call.function(*inputs, **call.options))
    depend = [y for y in outputs if y.requires_grad]
    leaves = [x for x in inputs if isinstance(x, torch.Tensor) and x.requires_grad]
    found = torch.autograd.grad(depend, leaves, call.cotangents, allow_unused=True)
    following = iter(found)
    gradients = tuple(
        _or_zeros(next(following), x) if isinstance(x, torch.Tensor) and x.requires_grad else None
        for x in inputs
    )
    return Results(tuple(y.detach() for y in outputs), gradients)


def _or_zeros(gradient: torch.Tensor | None, x: torch.Tensor) -> torch.Tensor:
    # torch leaves out a gradient that is zero because the input is not used.
    return torch.zeros_like(x) if gradient is None else gradient


def tensors(answer: Any) -> tuple[torch.Tensor, ...]:
    """The tensors that a function returned. Raises: TypeError where it returned something else."""
    if isinstance(answer, torch.Tensor):
        return (answer,)
    if isinstance(answer, tuple | list) and all(isinstance(y, torch.Tensor) for y in answer):
        return tuple(answer)
    raise TypeError(f"a call returned {type(answer).__name__}, neither a tensor nor several")


def _leaf(x: Any) -> Any:
    # `detach` keeps sizes, strides and offset: the layout is what a variation may be about.
    if isinstance(x, torch.Tensor) and (x.is_floating_point() or x.is_complex()):
        return x.detach().requires_grad_()
    return x
