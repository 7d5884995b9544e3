"""Lengths: how an operation over n terms looks at any n, along every dimension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verify.operation import Workload

# The other dimension, so that a row that is taken for another shows.
_ROWS = 3
# nu/(1 − nu) is below 1, and a bound says anything, up to n = 127 of bfloat16's u = 2⁻⁸.
_IN_BFLOAT16 = 127

Lengths = Callable[[int], tuple[Workload, ...]]


def along_each_dim(most: int | None = None, **options: Any) -> Lengths:
    """A vector of n, and a matrix reduced along either dimension; none beyond `most` terms."""

    def lengths(n: int) -> tuple[Workload, ...]:
        if most is not None and n > most:
            return ()
        return (
            Workload(f"{n}-dim0", ((n,),), {**options, "dim": 0}),
            Workload(f"{n}x{_ROWS}-dim0", ((n, _ROWS),), {**options, "dim": 0}),
            Workload(f"{_ROWS}x{n}-dim1", ((_ROWS, n),), {**options, "dim": 1}),
        )

    return lengths


def of_all(*more: dict[str, Any], inputs: int = 1) -> Lengths:
    """As many vectors of n as there are inputs, reduced to one number, with each set of options."""

    def lengths(n: int) -> tuple[Workload, ...]:
        return tuple(
            Workload(
                f"{n}{''.join(f'-{key}-{value}' for key, value in options.items())}",
                ((n,),) * inputs,
                options,
            )
            for options in ({}, *more)
        )

    return lengths


def of_classes(n: int) -> tuple[Workload, ...]:
    """Rows of n classes, and n rows of classes while a sum of them in bfloat16 has a bound."""
    classes = Workload(f"{_ROWS}x{n}-classes", ((_ROWS, n), (_ROWS,)))
    rows = Workload(f"{n}x{_ROWS}-rows", ((n, _ROWS), (n,)))
    return (classes, rows) if n <= _IN_BFLOAT16 else (classes,)
