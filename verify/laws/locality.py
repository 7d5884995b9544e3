"""Locality: a nan reaches the results of its own call and no other, wherever in it the nan lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from verify.call import Call, Results, results
from verify.example import Example
from verify.law import Asked, Law
from verify.operation import Batch
from verify.variations.rows import count, rows, rows_of_results

_ALL = slice(None)


def ask(example: Example) -> Iterator[Asked]:
    """A nan in one call of a batch, in every second entry, and in each place of what is reduced."""
    operation = example.case.operation
    batch = operation.batch(example.case.workload)
    if batch is not None and count(example.call, batch) > 1:
        for i, (x, dim) in enumerate(zip(example.inputs, batch.inputs, strict=True)):
            if dim is not None and x.is_floating_point():
                yield from _one_call(example, batch, i, dim)
    if operation.entrywise(example.options) and example.inputs[0].numel() > 1:
        for i, x in enumerate(example.inputs):
            if x.shape == example.first.outputs[0].shape and x.is_floating_point():
                yield from _every_second(example, i)
    if operation.reduction:
        yield from _any_place(example)


def _one_call(example: Example, batch: Batch, i: int, dim: int) -> Iterator[Asked]:
    """The middle one of several calls holds a nan: the others stay, and it is what it is alone."""
    n = count(example.call, batch)
    middle = slice(n // 2, n // 2 + 1)
    numbers = torch.arange(n, device=example.inputs[i].device)
    others = rows_of_results(batch, numbers[numbers != n // 2])
    spoilt = _own(example, i)
    row = spoilt.select(dim, n // 2)
    row[(0,) * row.ndim] = torch.nan
    call = _with(example, i, spoilt)
    label = f"nan in call {n // 2} of {n}, input {i}"
    try:
        alone = results(rows(call, batch, middle))
    except Exception as error:  # what is refused alone must be refused among others
        yield Asked(label, lambda: results(call), raises=(type(error),))
        return
    yield Asked(f"{label}, the others", lambda: others(results(call)), lambda: others(example.first))
    yield Asked(
        f"{label}, nan as it is alone",
        lambda: _where_nan(rows_of_results(batch, middle)(results(call))),
        lambda: _where_nan(rows_of_results(batch, _ALL)(alone)),
    )


def _every_second(example: Example, i: int) -> Iterator[Asked]:
    """Every second entry is nan: those between stay the same bits, and each is what it is alone."""
    y = example.first.outputs[0]
    spoilt = torch.arange(y.numel(), device=y.device).reshape(y.shape) % 2 == 0
    x = _own(example, i)
    x[spoilt] = torch.nan
    call = _with(example, i, x)
    label = f"nan in every second entry of input {i}"
    single = tuple(z.expand(y.shape).reshape(-1)[0].clone() for z in call.inputs)
    try:
        alone = results(example.of(single, example.options)).outputs[0]
    except Exception as error:  # what is refused alone must be refused among others
        yield Asked(label, lambda: results(call), raises=(type(error),))
        return
    yield Asked(
        f"{label}, those between",
        lambda: _but(spoilt, results(call)),
        lambda: _but(spoilt, example.first),
    )
    yield Asked(
        f"{label}, nan as it is alone",
        lambda: _where_nan(results(replace(call, cotangents=()))),
        lambda: Results((spoilt & alone.isnan(),)),
    )


def _own(example: Example, i: int) -> torch.Tensor:
    """A copy of an input that lies in memory as it does: another layout may be another kernel."""
    return example.case.tensors(example.point)[i]


def _with(example: Example, i: int, x: torch.Tensor) -> Call:
    return replace(example.call, inputs=(*example.inputs[:i], x, *example.inputs[i + 1 :]))


def _but(spoilt: torch.Tensor, answer: Results) -> Results:
    """0 in the spoilt entries; the gradient of an input of another shape sums over them and is left out."""

    def between(y: torch.Tensor) -> torch.Tensor:
        return torch.where(spoilt, torch.zeros_like(y), y)

    return Results(
        tuple(map(between, answer.outputs)),
        tuple(None if g is None or g.shape != spoilt.shape else between(g) for g in answer.gradients),
    )


def _any_place(example: Example) -> Iterator[Asked]:
    """A reduction takes its entries in any order: a nan counts in each place as it does in the first."""
    flat = example.inputs[0].reshape(-1)
    options = example.options_without("dim", "keepdim")
    options |= {"dim": 0} if "dim" in example.options else {}
    # The k-th of other numbers of entries would be another question.
    short = flat[: flat.numel() if "k" in options else 3]
    first = example.of((_spoilt(short, 0),), options)
    for place in sorted({flat.numel() // 2, flat.numel() - 1}):
        call = example.of((_spoilt(flat, place),), options)
        label = f"nan in place {place} of {flat.numel()}"
        yield Asked(label, partial(_nan_of, call), partial(_nan_of, first))


def _spoilt(x: torch.Tensor, place: int) -> torch.Tensor:
    return x.index_fill(0, torch.tensor([place], device=x.device), torch.nan)


def _nan_of(call: Call) -> Results:
    return _where_nan(results(call))


def _where_nan(answer: Results) -> Results:
    return Results(
        tuple(y.isnan() for y in answer.outputs),
        tuple(None if g is None else g.isnan() for g in answer.gradients),
    )


LAW = Law(
    "locality",
    "The calls of a batch, and the entries of a function of entries, are independent of each other.",
    ask,
)
