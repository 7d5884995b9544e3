"""Altered: a function of tensors with its own value and a derivative that went through other hands.

Each maker takes a function and an `Alter`, and returns the function with one derivative altered and all
others left to torch: the backward, the jvp, or the backward of the backward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from verify.planted.gradient import Mode, Tensors

TensorFunction = Callable[..., Any]


@dataclass(frozen=True)
class Passed:
    """What a derivative has at hand, and what it should return.

    `right` are torch's own results: in reverse mode a gradient for each floating input, in their order;
    in forward mode the tangent of each output. `vjp` gives the gradients for another cotangent.
    `cotangents` are the outputs' cotangents, or in forward mode the inputs' tangents.
    """

    cotangents: Tensors
    inputs: Tensors
    outputs: Tensors
    right: Tensors
    vjp: Callable[[Tensors], Tensors]

    @property
    def g(self) -> torch.Tensor:
        """The cotangent of the only output."""
        (only,) = self.cotangents
        return only

    @property
    def x(self) -> torch.Tensor:
        """The first input."""
        return self.inputs[0]

    @property
    def y(self) -> torch.Tensor:
        """The only output."""
        (only,) = self.outputs
        return only


Alter = Callable[[Passed], Tensors]


def unaltered(passed: Passed) -> Tensors:
    """Return what is right: the function with this is as wrapped as a wrong one, and right."""
    return passed.right


def altered(function: TensorFunction, alter: Alter, mode: Mode) -> TensorFunction:
    """The function with one of its derivatives altered."""
    makers = {"reverse": _in_reverse, "forward": _in_forward, "second order": _in_second_order}
    return makers[mode](function, alter)


def gradients(function: TensorFunction, g: torch.Tensor, inputs: Tensors) -> Tensors:
    """torch's own gradients in the floating inputs, with a graph that leads back to whatever these do."""
    with torch.enable_grad():
        made = tuple(x if x.requires_grad else _leaf(x) for x in inputs)
        return _pulled((function(*made),), _floating(made), (g,), create_graph=True)


def _in_reverse(function: TensorFunction, alter: Alter) -> TensorFunction:
    class Altered(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, *inputs: torch.Tensor) -> Any:
            context.save_for_backward(*inputs)
            return _detached(function(*inputs))

        @staticmethod
        def backward(context: Any, *cotangents: torch.Tensor) -> Any:
            inputs = context.saved_tensors
            with torch.no_grad():
                return _spread(alter(_in_backward(function, inputs, cotangents)), inputs)

    return Altered.apply


def _in_forward(function: TensorFunction, alter: Alter) -> TensorFunction:
    class Altered(torch.autograd.Function):
        @staticmethod
        def forward(*inputs: torch.Tensor) -> Any:
            return _detached(function(*inputs))

        @staticmethod
        def setup_context(context: Any, inputs: Any, output: Any) -> None:
            context.save_for_backward(*inputs)
            context.save_for_forward(*inputs)

        @staticmethod
        def backward(context: Any, *cotangents: torch.Tensor) -> Any:
            inputs = context.saved_tensors
            with torch.no_grad():
                return _spread(_in_backward(function, inputs, cotangents).right, inputs)

        @staticmethod
        def jvp(context: Any, *tangents: torch.Tensor | None) -> Any:
            with torch.no_grad():
                (tangent,) = alter(_in_jvp(function, context.saved_tensors, tangents))
            return tangent

    return Altered.apply


def _in_second_order(function: TensorFunction, alter: Alter) -> TensorFunction:
    def gradient(g: torch.Tensor, *inputs: torch.Tensor) -> Tensors:
        return gradients(function, g, inputs)

    altered_gradient = _in_reverse(gradient, alter)

    class Altered(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, *inputs: torch.Tensor) -> Any:
            context.save_for_backward(*inputs)
            return _detached(function(*inputs))

        @staticmethod
        def backward(context: Any, g: torch.Tensor) -> Any:
            inputs = context.saved_tensors
            return _spread(altered_gradient(g, *inputs), inputs)

    return Altered.apply


def _detached(outputs: Any) -> Any:
    """Outputs without the graph that a function which differentiates inside brings along."""
    if isinstance(outputs, torch.Tensor):
        return outputs.detach()
    return tuple(y.detach() for y in outputs)


def _spread(found: Tensors, inputs: Tensors) -> tuple[torch.Tensor | None, ...]:
    """The gradients in the inputs' places; None for index inputs."""
    following = iter(found)
    return tuple(next(following) if x.is_floating_point() else None for x in inputs)


def _leaf(x: torch.Tensor) -> torch.Tensor:
    return x.detach().requires_grad_(x.is_floating_point())


def _floating(inputs: Tensors) -> Tensors:
    return tuple(x for x in inputs if x.is_floating_point())


def _pulled(outputs: Tensors, inputs: Tensors, cotangents: Tensors, create_graph: bool = False) -> Tensors:
    """The gradients of ⟨cotangents, outputs⟩; zeros in an input that no output depends on."""
    found = torch.autograd.grad(
        outputs, inputs, cotangents, create_graph=create_graph, retain_graph=True, allow_unused=True
    )
    return tuple(torch.zeros_like(x) if v is None else v for v, x in zip(found, inputs, strict=True))


def _in_backward(function: TensorFunction, inputs: Tensors, cotangents: Tensors) -> Passed:
    """What a backward has at hand."""
    outputs, leaves = _graph(function, inputs)

    def vjp(others: Tensors) -> Tensors:
        return _pulled(outputs, _floating(leaves), others)

    return Passed(cotangents, leaves, outputs, vjp(cotangents), vjp)


def _in_jvp(function: TensorFunction, inputs: Tensors, tangents: Sequence[torch.Tensor | None]) -> Passed:
    """What a jvp has at hand. The tangent is the derivative of uᵀJ·tangents in u: two backwards.

    Forward mode cannot be asked inside forward mode.
    """
    outputs, leaves = _graph(function, inputs)
    with torch.enable_grad():
        u = tuple(torch.zeros_like(y, requires_grad=True) for y in outputs)
        pulled = _pulled(outputs, _floating(leaves), u, create_graph=True)
    along = tuple(t for t, x in zip(tangents, inputs, strict=True) if t is not None and x.is_floating_point())

    def vjp(others: Tensors) -> Tensors:
        return _pulled(outputs, _floating(leaves), others)

    return Passed(along, leaves, outputs, _pulled(pulled, u, along), vjp)


def _graph(function: TensorFunction, inputs: Tensors) -> tuple[Tensors, Tensors]:
    """The outputs with a graph, and the leaves that it leads to."""
    with torch.enable_grad():
        leaves = tuple(_leaf(x) for x in inputs)
        found = function(*leaves)
    return (found,) if isinstance(found, torch.Tensor) else tuple(found), leaves
