"""Point: where a function is differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from verify.gradients.nest import leaves, mapped, tensors
from verify.gradients.rows import Tensors

# What a person passes: tensors, lists of tensors, and anything else, which is handed on as it is.
Arguments = tuple[Any, ...]

_DTYPES = (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.complex128,
    torch.complex64,
)


class UnusableInput(ValueError):
    """The inputs cannot be differentiated; the message says which, and what to do."""


@dataclass(frozen=True)
class Point:
    """Where a function is differentiated: its arguments, and which of their tensors are variables.

    `arguments` hold the tensors at their places; `variables` are those that require a gradient, in the
    order in which they are met.
    """

    arguments: Arguments
    variables: Tensors

    def variables_in(self, arguments: Arguments) -> Tensors:
        """The tensors that stand in other arguments where the variables stand in these."""
        pairs = zip(leaves(self.arguments), leaves(arguments), strict=True)
        return tuple(other for own, other in pairs if isinstance(own, torch.Tensor) and own.requires_grad)

    @cached_property
    def _plain(self) -> bool:
        """Whether nothing but variables was passed, none of them inside a list."""
        return len(self.arguments) == len(self.variables) and all(
            isinstance(a, torch.Tensor) and a.requires_grad for a in self.arguments
        )

    def rebuilt(self, variables: Sequence[torch.Tensor]) -> Arguments:
        """The arguments with other tensors in the place of the variables."""
        if self._plain:
            return tuple(variables)
        following = iter(variables)
        rebuilt: Arguments = mapped(lambda x: next(following) if x.requires_grad else x, self.arguments)
        return rebuilt

    def with_own_constants(self) -> Point:
        """The same with copies of the tensors that are held fixed: what is done to them is no loss."""
        arguments = mapped(lambda x: x if x.requires_grad else x.clone(), self.arguments)
        return Point(arguments, self.variables)

    @property
    def constants(self) -> Tensors:
        """The tensors that are held fixed."""
        return tuple(t for t in tensors(self.arguments) if not t.requires_grad)


def point_of(inputs: Any) -> Point:
    """Collect the variables among the inputs and refuse what has no derivative.

    Raises: UnusableInput where no input requires a gradient, or one is sparse, or its entries overlap in
    memory, or the variables lie on several devices.
    """
    arguments = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    variables = tuple(t for t in tensors(arguments) if t.requires_grad)
    if not variables:
        raise UnusableInput(
            "no input requires a gradient: call requires_grad_() on the floating or complex tensors that "
            f"the gradient is asked for ({_listed(arguments)})"
        )
    devices = {x.device for x in variables}
    if len(devices) > 1:
        raise UnusableInput(
            f"the inputs lie on different devices, {', '.join(sorted(map(str, devices)))}: "
            "move them to one, and move them on inside the function"
        )
    for position, x in enumerate(variables):
        if x.is_nested:
            raise UnusableInput(
                f"input {position} is a nested tensor: pass its parts and nest them inside the function"
            )
        if x.is_meta:
            raise UnusableInput(f"input {position} lies on the device meta and has no values")
        if x.dtype not in _DTYPES:
            raise UnusableInput(
                f"input {position} has the dtype {x.dtype}, in which torch cannot compare values: pass a "
                "wider one and narrow it inside the function"
            )
        if x.layout is not torch.strided:
            raise UnusableInput(
                f"input {position} has the layout {x.layout}: an entry that is not stored cannot be moved; "
                "pass its values and build the sparse tensor inside the function"
            )
        if _overlaps(x):
            raise UnusableInput(
                f"input {position} has entries that share memory (strides {x.stride()} for the shape "
                f"{tuple(x.shape)}): they cannot be moved apart; pass x.clone()"
            )
    return Point(arguments, variables)


def _listed(arguments: Arguments) -> str:
    kinds = [str(t.dtype).removeprefix("torch.") for t in tensors(arguments)]
    return "tensors: " + ", ".join(kinds) if kinds else "there is no tensor among them"


def _overlaps(x: torch.Tensor) -> bool:
    """Whether two entries share memory although neither is an expanded one (stride 0)."""
    steps = sorted((stride, size) for stride, size in zip(x.stride(), x.shape, strict=True) if size > 1)
    reach = 0
    for stride, size in steps:
        if stride == 0:
            continue
        if stride <= reach:
            return True
        reach += stride * (size - 1)
    return False
