"""Dims: a dimension counted from the end is the one counted from the front, and several are one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from verify.call import Results, results
from verify.example import Example
from verify.formulas.axes import reduced_shape
from verify.law import Asked, Law


def ask(example: Example) -> Iterator[Asked]:
    """The dimensions of the call spelt otherwise; several of them in another order, and laid out as one."""
    dim = example.options.get("dim")
    if dim is None:
        return
    # A dimension that a function adds is counted in its result, one that it takes away in its input.
    n = max(example.inputs[0].ndim, example.first.outputs[0].ndim)
    several = dim if isinstance(dim, tuple) else (dim,)
    spellings = {"from the other end": tuple(d - n if d >= 0 else d + n for d in several)}
    if len(several) > 1:
        spellings |= {"in another order": several[::-1], "one of each kind": (several[0] - n, *several[1:])}
    for label, other in spellings.items():
        spelt = other if isinstance(dim, tuple) else other[0]
        call = replace(example.call, options={**example.options, "dim": spelt})
        yield Asked(f"dim={spelt}, {label}", partial(results, call), lambda: example.first)
    if len(several) > 1 and example.case.operation.reduction:
        yield from _as_one(example, several)


def _as_one(example: Example, several: tuple[int, ...]) -> Iterator[Asked]:
    """The dimensions moved to the end and joined to one, which is then the one that is reduced."""
    (x,) = example.inputs
    taken = [d % x.ndim for d in several]
    free = [d for d in range(x.ndim) if d not in taken]
    joined = x.permute(*free, *taken).flatten(len(free)).contiguous()
    call = example.of((joined,), {**example.options_without("keepdim"), "dim": -1})
    shape = reduced_shape(tuple(x.shape), several, bool(example.options.get("keepdim")))
    yield Asked(
        f"dim={several}, joined to one",
        lambda: Results((results(call).outputs[0].reshape(shape),)),
        lambda: Results(example.first.outputs, ()),
        lambda: Results(example.explained_twice(example.call).outputs),
    )


LAW = Law(
    "dimensions",
    "torch, dim of any function: −n ≤ dim < n, from the end where negative; several are reduced together.",
    ask,
)
