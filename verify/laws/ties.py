"""Ties: of equal entries any may be taken, but a value must lie in the place where it is said to lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from verify.call import Results, results, tensors
from verify.case import to_tensor
from verify.example import Example
from verify.law import Asked, Law
from verify.operation import Array


def ask(example: Example) -> Iterator[Asked]:
    """Many ties, equals alone, both zeros, and nan: the values, their places, and the order of equal ones."""
    operation = example.case.operation
    if operation.places is None:
        return
    for name, array in _tied(example):
        x = to_tensor(array, example.case.dtype, example.case.device, example.case.workload.layout)
        if not np.isnan(array).any():
            yield _values(example, f"{name}, the values", x, array)
        if _taken(example, x) is not None:
            yield from _places(example, name, x)


def _values(example: Example, label: str, x: torch.Tensor, array: Array) -> Asked:
    return Asked(
        label,
        lambda: _unsigned_zeros(results(example.of((x,), example.options))),
        lambda: _unsigned_zeros(_reference(example, array)),
    )


def _places(example: Example, name: str, x: torch.Tensor) -> Iterator[Asked]:
    how, found = example.case.operation.places, _found(example, x)
    yield Asked(
        f"{name}, the values beside the entries at their places",
        lambda: Results((found.values,)),
        lambda: Results((found.at_places,)),
    )
    yield Asked(
        f"{name}, the times that a place is taken",
        lambda: Results((found.times,)),
        lambda: Results((torch.ones_like(found.times),)),
    )
    if how is not None and how.in_order(example.options):
        yield Asked(
            f"{name}, the equals taken before one",
            lambda: Results((found.equals_taken_before,)),
            lambda: Results((found.equals_before,)),
        )


def _tied(example: Example) -> Iterator[tuple[str, Array]]:
    generator = example.case.generator(example.seed, "ties")
    shape = tuple(example.inputs[0].shape)
    few = generator.integers(-1, 2, size=shape).astype(float)
    yield "three values", few
    yield "all equal", np.full(shape, 1.5)
    yield "zeros of both signs", np.copysign(0.0, generator.standard_normal(shape))
    if few.size > 1:
        yield "nan among equals", np.where(generator.random(shape) < 0.25, np.nan, few)


def _reference(example: Example, array: Array) -> Results:
    """What the formula gives: no entry is rounded, and there is no nan that would have to be placed."""
    value = np.asarray(example.case.operation.forward.evaluate(array, **example.options))
    return Results((to_tensor(value, example.case.dtype, example.case.device),))


def _unsigned_zeros(answer: Results) -> Results:
    # 0 = −0: either is the maximum of the two.
    return answer.each(lambda y: torch.where(y == 0, torch.zeros_like(y), y))


@dataclass(frozen=True)
class Found:
    """Rows of entries, and of each row the places that were taken and the values that were returned.

    Shapes: (rows, entries), (rows, taken), (rows, taken).
    """

    entries: torch.Tensor
    places: torch.Tensor
    values: torch.Tensor

    @property
    def at_places(self) -> torch.Tensor:
        """The entries that lie there. Raises: RuntimeError for a place beyond the input."""
        return self.entries.gather(1, self.places)

    @property
    def times(self) -> torch.Tensor:
        """How often each place is named."""
        return (self.places[:, :, None] == self.places[:, None, :]).sum(2)

    @property
    def equals_before(self) -> torch.Tensor:
        """How many entries equal to one that was taken lie before it in the input."""
        numbers = torch.arange(self.entries.shape[1], device=self.entries.device)
        before = numbers < self.places[:, :, None]
        return (before & _equal(self.entries[:, None, :], self.at_places[:, :, None])).sum(2)

    @property
    def equals_taken_before(self) -> torch.Tensor:
        """How many of those were taken before it, and so returned before it."""
        there, m = self.at_places, self.places.shape[1]
        numbers = torch.arange(m, device=there.device)
        before = (numbers < numbers[:, None]) & (self.places[:, None, :] < self.places[:, :, None])
        return (before & _equal(there[:, None, :], there[:, :, None])).sum(2)


def _equal(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a == b) | (a.isnan() & b.isnan())


def _taken(example: Example, x: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor] | None:
    """The values and their places, or places alone; None where the function names none."""
    how = example.case.operation.places
    assert how is not None  # the caller asks only where there are places
    answer = tensors((how.function or example.case.function)(x, **example.options))
    if len(answer) == 2:
        return answer[0], answer[1]
    return (None, answer[0]) if answer[0].dtype == torch.int64 else None


def _found(example: Example, x: torch.Tensor) -> Found:
    """The places in rows. Raises: ValueError where the function names none."""
    taken, how = _taken(example, x), example.case.operation.places
    if taken is None or how is None:
        raise ValueError(f"{example.case.operation.name} names no places")
    values, places = taken
    dim = example.options.get("dim", how.dim)
    entries = x.reshape(1, -1) if dim is None else _rows(x, x, dim)
    in_rows = places.reshape(1, -1) if dim is None else _rows(places, x, dim)
    if values is None:
        return Found(entries, in_rows, entries.gather(1, in_rows))
    return Found(entries, in_rows, values.reshape(1, -1) if dim is None else _rows(values, x, dim))


def _rows(y: torch.Tensor, x: torch.Tensor, dim: int) -> torch.Tensor:
    """What lies along a dimension of x, in rows; a dimension that has vanished is put back."""
    whole = y if y.ndim == x.ndim else y.unsqueeze(dim)
    return whole.movedim(dim, -1).reshape(-1, whole.shape[dim])


LAW = Law(
    "ties",
    "torch.max, min, argmax, argmin: the first of equals; torch.sort(stable=True): equals in their order.",
    ask,
)
