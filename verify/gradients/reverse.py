"""Reverse: the gradients that autograd's backward gives, as real rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from verify.finite_differences.line import Vector
from verify.gradients.function import Evaluated, UnusableFunction, first_line
from verify.gradients.rows import Tensors, row, size, tensors_of

# cotangents of the outputs and the inputs to the gradients: what a person hands in to be checked.
Vjp = Callable[..., Any]


def gradient(at: Evaluated, g: Vector, spread: bool = False) -> Vector:
    """The gradient of ⟨g, outputs⟩ in all variables. With `spread`, cotangents are not contiguous.

    Shapes: g (outputs,), gives (variables,), both real rows.
    """
    cotangents = tensors_of(g, at.outputs)
    if spread:
        cotangents = tuple(_spread(c) for c in cotangents)
    return _row(at, [(y, c) for y, c in zip(at.outputs, cotangents, strict=True) if y.requires_grad])


def alone(at: Evaluated, position: int, g: Vector) -> Vector:
    """The gradient where one output has a cotangent and all others are left undefined."""
    return _row(at, [(at.outputs[position], tensors_of(g, at.outputs)[position])])


def part_of(at: Evaluated, position: int) -> slice:
    """Where one output lies in the real row of all."""
    begin = sum(size(y) for y in at.outputs[:position])
    return slice(begin, begin + size(at.outputs[position]))


def _row(at: Evaluated, pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> Vector:
    if not pairs:
        return row([torch.zeros_like(x) for x in at.variables])
    return row(filled(_pulled_back(at, pairs), at.variables))


def _pulled_back(
    at: Evaluated, pairs: Sequence[tuple[torch.Tensor, torch.Tensor]], batched: bool = False
) -> tuple[torch.Tensor | None, ...]:
    """What autograd gives for outputs and their cotangents; `batched`: for several of each, stacked."""
    try:
        return torch.autograd.grad(
            [y for y, _ in pairs],
            at.variables,
            [c for _, c in pairs],
            retain_graph=True,
            allow_unused=True,
            is_grads_batched=batched,
        )
    except Exception as error:  # a checked backward may raise anything; what it raised is told
        raise UnusableFunction(f"the backward raised {type(error).__name__}: {first_line(error)}") from error


def filled(found: Sequence[torch.Tensor | None], variables: Tensors) -> Tensors:
    """Gradients with zeros where torch left one out because the variable is not used."""
    return tuple(
        torch.zeros_like(x) if v is None else _dense(v) for v, x in zip(found, variables, strict=True)
    )


def _dense(v: torch.Tensor) -> torch.Tensor:
    return v if v.layout is torch.strided else v.to_dense()


def undefined(at: Evaluated) -> str:
    """What is wrong where no output has a cotangent: it must give no gradient or zeros. Empty if nothing.

    Source: torch's documentation of `gradcheck`, check_undefined_grad.
    """
    # torch's own way to leave a cotangent undefined; it ships without types.
    undefine: Any = torch._C._functions.UndefinedGrad
    outputs: list[torch.Tensor] = [undefine()(y) for y in at.outputs if y.requires_grad]
    if not outputs:
        return ""
    try:
        # Any cotangent will do: it is dropped.
        found = _pulled_back(at, [(y, y.detach()) for y in outputs])
    except UnusableFunction as error:
        return str(error)
    wrong = [i for i, v in enumerate(found) if v is not None and _dense(v).count_nonzero()]
    return f"the gradients of inputs {wrong} are not 0" if wrong else ""


def batched(at: Evaluated, cotangents: Sequence[Vector]) -> list[Vector]:
    """The gradients of several cotangents in one backward under vmap.

    Raises: UnusableFunction where the backward cannot be batched.
    """
    stacks = [torch.stack(c) for c in zip(*(tensors_of(g, at.outputs) for g in cotangents), strict=True)]
    pairs = [(y, c) for y, c in zip(at.outputs, stacks, strict=True) if y.requires_grad]
    try:
        found = _pulled_back(at, pairs, batched=True)
    except UnusableFunction as error:
        raise UnusableFunction(f"the gradient cannot be batched: {error}") from error
    return [
        row(filled([None if v is None else v[k] for v in found], at.variables))
        for k in range(len(cotangents))
    ]


def given(vjp: Vjp, at: Evaluated, arguments: tuple[Any, ...], g: Vector) -> Vector:
    """The gradient that a person's own vjp gives.

    Raises: UnusableFunction where it does not give one gradient of the right shape for each variable.
    """
    cotangents = tensors_of(g, at.outputs)
    try:
        found = vjp(cotangents[0] if len(cotangents) == 1 else cotangents, *arguments)
    except Exception as error:  # a person's own function may raise anything
        raise UnusableFunction(f"vjp raised {type(error).__name__}: {first_line(error)}") from error
    gradients = list(found) if isinstance(found, list | tuple) else [found]
    if not all(v is None or isinstance(v, torch.Tensor) for v in gradients):
        raise UnusableFunction(f"vjp returned {type(found).__name__}: it must return tensors, or None for 0")
    shapes = [None if v is None else tuple(v.shape) for v in gradients]
    expected = [tuple(x.shape) for x in at.variables]
    if len(shapes) != len(expected) or any(s not in (None, e) for s, e in zip(shapes, expected, strict=True)):
        raise UnusableFunction(
            f"vjp gave gradients of the shapes {shapes}, and the inputs that require one have {expected}"
        )
    return row(filled(gradients, at.variables))


def _spread(c: torch.Tensor) -> torch.Tensor:
    """The same entries, each two places from the next."""
    wide = torch.empty((*c.shape, 2), dtype=c.dtype, device=c.device)
    wide[..., 0] = c
    return wide[..., 0]
