"""No dimension: an input without dimensions is one entry, and gives what one entry gives."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from verify.call import Results, results
from verify.example import Example
from verify.law import Asked, Law
from verify.operation import Options


def ask(example: Example) -> Iterator[Asked]:
    """The first entry of each input alone, without dimensions and with one.

    A function of entries keeps the shape; a reduction gives one number, with or without a dimension told.
    """
    if not example.options_are_new:
        return
    operation, options = example.case.operation, example.options
    one = tuple(x.reshape(-1)[:1].contiguous() for x in example.inputs)
    if operation.entrywise(options):
        yield _asked(example, one, (1,), options)
    elif operation.reduction and example.inputs[0].numel():
        plain = example.options_without("dim", "keepdim")
        # The k-th of one entry is the first.
        plain |= {"k": 1} if "k" in options else {}
        for named in ({"dim": 0}, {"dim": -1}) if "dim" in options else ({},):
            yield _asked(example, one, (), {**plain, **named})


def _asked(
    example: Example, one: tuple[torch.Tensor, ...], shape: tuple[int, ...], options: Options
) -> Asked:
    flat = tuple(x.reshape(()) for x in one)
    told = f", dim={options['dim']}" if "dim" in options else ""
    return Asked(
        f"an input of shape (){told}",
        lambda: results(example.of(flat, options, ())),
        lambda: _flat(results(example.of(one, options, shape))),
        # No page promises the same bits: a norm of one entry needs no power and no root.
        lambda: _flat(example.explained_twice(example.of(one, options, shape))),
    )


def _flat(answer: Results) -> Results:
    return Results(
        tuple(y.reshape(()) for y in answer.outputs),
        tuple(None if g is None else g.reshape(()) for g in answer.gradients),
    )


LAW = Law("no dimension", "Array API standard 2024.12: a zero-dimensional array has one entry.", ask)
