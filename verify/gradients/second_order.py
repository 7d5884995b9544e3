"""Second order: a function's gradient as a function of its own, to be checked like any other."""

from __future__ import annotations

from typing import Any

import torch

from verify.gradients.draws import Draws
from verify.gradients.function import Function
from verify.gradients.point import Point, UnusableInput
from verify.gradients.rows import Tensors, size, tensors_of


def second_order(function: Function, draws: Draws, given: Tensors | None = None) -> Function:
    """(inputs, cotangents) ↦ the gradients in all variables, at random cotangents or the given ones.

    Gradients that torch leaves out, because a variable is not used, take no part.
    """
    at = function.evaluated()
    outputs = [i for i, y in enumerate(at.outputs) if y.requires_grad]
    if given is not None:
        _refuse_mismatch(given, [at.outputs[i] for i in outputs])
    cotangents = given or _cotangents([at.outputs[i] for i in outputs], draws)
    count = len(function.point.arguments)

    def gradients(*arguments: Any) -> tuple[torch.Tensor, ...]:
        inner, cotangents = arguments[:count], arguments[count:]
        # Forward mode hands over tensors that carry a tangent, and not yet a graph.
        variables = [x.requires_grad_() for x in function.point.variables_in(inner)]
        results = function.outputs_of(inner)
        carrying = [(results[i], c) for i, c in zip(outputs, cotangents, strict=True)]
        found = torch.autograd.grad(
            [y for y, _ in carrying],
            variables,
            [c for _, c in carrying],
            create_graph=True,
            allow_unused=True,
        )
        return tuple(v for v in found if v is not None)

    leaves = tuple(c.detach().clone().requires_grad_(given is None or c.requires_grad) for c in cotangents)
    gradients.__name__ = f"gradient of {getattr(function.callable, '__name__', 'function')}"
    point = Point(
        (*function.point.arguments, *leaves),
        (*function.point.variables, *(c for c in leaves if c.requires_grad)),
    )
    return Function(gradients, point, needs_graph=True)


def _refuse_mismatch(given: Tensors, outputs: list[torch.Tensor]) -> None:
    shapes, expected = ([tuple(t.shape) for t in tensors] for tensors in (given, outputs))
    if shapes != expected:
        raise UnusableInput(
            f"grad_outputs have the shapes {shapes}, and the outputs that carry a gradient {expected}"
        )


def _cotangents(outputs: list[torch.Tensor], draws: Draws) -> Tensors:
    # Few bits, so that a step is added to them without rounding.
    return tensors_of(draws.few_bits(sum(size(y) for y in outputs)), outputs)
