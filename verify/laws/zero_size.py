"""Zero size: a dimension of size 0 is a size like any other; over it a reduction gives that of nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from verify.call import Results, results
from verify.case import to_tensor
from verify.example import Example
from verify.law import Asked, Law
from verify.operation import Array, Options
from verify.variations.rows import count, rows, rows_of_results

# What the records let a reduction of nothing raise.
_REFUSALS = (RuntimeError, IndexError, ValueError)


def ask(example: Example) -> Iterator[Asked]:
    """No calls of a batch; entries of shape (0, 3) and (3, 0); a reduction beside and over a size of 0."""
    operation, options = example.case.operation, example.options
    batch = operation.batch(example.case.workload)
    if batch is not None and count(example.call, batch):
        none = slice(0, 0)
        yield Asked(
            "a batch of no calls",
            lambda: _unsigned(results(rows(example.call, batch, none))),
            lambda: _of_no_calls(example, rows_of_results(batch, none)(example.first)),
        )
    if not example.options_are_new:
        return
    if operation.entrywise(options):
        for shape in ((0, 3), (3, 0)):
            inputs = tuple(x.new_zeros(shape) for x in example.inputs)
            yield _shaped(example, inputs, options, shape)
    elif operation.reduction and isinstance(options.get("dim"), int):
        yield from _reductions(example)


def _of_no_calls(example: Example, part: Results) -> Results:
    """Results of size 0; to the gradient of an input that all calls share, none adds anything: it is 0."""
    if not part.gradients:
        return part
    gradients = tuple(
        torch.zeros_like(x) if g is not None and p is None else p
        for x, g, p in zip(example.inputs, example.first.gradients, part.gradients, strict=True)
    )
    return replace(part, gradients=gradients)


def _unsigned(answer: Results) -> Results:
    """With 0 in place of −0: the sign of an empty sum says nothing."""
    gradients = tuple(None if g is None else torch.where(g == 0, 0, g) for g in answer.gradients)
    return replace(answer, gradients=gradients)


def _shaped(
    example: Example, inputs: tuple[torch.Tensor, ...], options: Options, shape: tuple[int, ...]
) -> Asked:
    """A result of this shape without entries, and gradients like the inputs."""
    dtype = example.first.outputs[0].dtype
    gradients = tuple(torch.zeros_like(x) for x in inputs) if example.case.operation.vjp else ()
    return Asked(
        f"inputs of shape {tuple(inputs[0].shape)}",
        lambda: results(example.of(inputs, options, shape)),
        lambda: Results((torch.zeros(shape, dtype=dtype, device=example.case.device),), gradients),
    )


def _reductions(example: Example) -> Iterator[Asked]:
    """Of no rows there is no result; of rows without entries each is that of nothing, or refused."""
    (x,) = example.inputs
    options = example.options_without("keepdim")
    for shape, dim in (((0, 4), 1), ((4, 0), 0)):
        of = {**options, "dim": dim} | ({"k": 1} if "k" in options else {})
        yield _shaped(example, (x.new_zeros(shape),), of, (0,))
    nothing = _of_nothing(example)
    for shape, dim in (((0, 4), 0), ((4, 0), 1)):
        of, label = {**options, "dim": dim}, f"dim={dim} of shape {shape}"
        call = example.of((x.new_zeros(shape),), of, (4,))
        if nothing is None:
            yield Asked(label, partial(results, call), raises=_REFUSALS)
        else:
            gradients = (x.new_zeros(shape),) if call.cotangents else ()
            yield Asked(
                label, partial(results, call), partial(Results, (nothing.expand(4).clone(),), gradients)
            )


def _of_nothing(example: Example) -> torch.Tensor | None:
    """What the record says that the call's options make of no entries; None: nothing, so it is refused."""
    case, plain = example.case, example.options_without("dim", "keepdim")
    for special in case.operation.special:
        (x,) = special.inputs
        said = {key: value for key, value in special.options.items() if key != "dim"}
        if x.size == 0 and said == plain and math.prod(np.shape(special.expected)) == 1:
            value: Array = np.reshape(np.asarray(special.expected), ())
            return to_tensor(value, case.dtype, case.device)
    return None


LAW = Law(
    "zero size",
    "Array API standard 2024.12: a size may be 0; a sum of nothing is 0, a product 1; else it is an error.",
    ask,
)
