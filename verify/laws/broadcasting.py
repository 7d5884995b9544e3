"""Broadcasting: a repeated input counts as often as it is repeated, and its gradient is the sum over all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from verify.call import Results, results
from verify.example import Example
from verify.formulas.axes import summed_dims
from verify.law import Asked, Law


def ask(example: Example) -> Iterator[Asked]:
    """Inputs of one shape that hold what broadcasting repeats: the same results, and gradients to sum."""
    shapes = {tuple(x.shape) for x in example.inputs}
    if not example.case.operation.entrywise(example.options) or len(shapes) == 1:
        return
    shape = np.broadcast_shapes(*shapes)
    written_out = tuple(x.expand(shape).contiguous() for x in example.inputs)
    call = example.of(written_out, example.options, shape)
    yield Asked(
        "inputs written out",
        lambda: Results(results(example.of(written_out, example.options)).outputs),
        lambda: Results(example.first.outputs),
    )
    if example.case.operation.vjp is not None:
        yield Asked(
            "gradients of inputs written out, summed",
            lambda: example.first,
            lambda: _summed(example, results(call)),
            lambda: example.explained_twice(example.call),
        )


def _summed(example: Example, answer: Results) -> Results:
    """In float64, in which no dtype's gradients lose more than the bound, and then as the input's dtype."""
    gradients = tuple(
        None if g is None else _to_shape(g.double(), tuple(x.shape)).to(g.dtype)
        for g, x in zip(answer.gradients, example.inputs, strict=True)
    )
    return Results(answer.outputs, gradients)


def _to_shape(g: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    dims = summed_dims(tuple(g.shape), shape)
    return (g.sum(dims) if dims else g).reshape(shape)


LAW = Law(
    "broadcasting",
    "torch, Broadcasting semantics: as if repeated, without a copy; a repeated input's gradient is a sum.",
    ask,
)
