"""Nan: does a nan in one entry of an elementwise operator reach the entries that see it, and no others?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from verify.call import Results, results
from verify.check import Finding
from verify.outcome import Worst
from verify.samples.allowed import widened
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.operators import elementwise
from verify.samples.posed import Posed, posed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, judged

UNIT = "entries"


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for a nan in the first and in the last entry of each floating input."""
    asked = posed(draws[0])
    if asked.draws:
        raise NotAsked("it draws random numbers")
    floating = [i for i, x in enumerate(asked.call.inputs) if x.is_floating_point() and x.numel()]
    for i in floating:
        for where, place in {0: "first", asked.call.inputs[i].numel() - 1: "last"}.items():
            yield from _at(asked, i, where, f"nan in the {place} entry of input {i}")


def _at(asked: Posed, i: int, where: int, question: str) -> Iterator[Verdict]:
    x = asked.call.inputs[i].clone(memory_format=torch.contiguous_format)
    x.view(-1)[where] = torch.nan
    seen = torch.zeros(x.shape, dtype=torch.bool)
    seen.view(-1)[where] = True
    call = replace(asked.call, inputs=(*asked.call.inputs[:i], x, *asked.call.inputs[i + 1 :]))
    found, exact = results(call), results(widened(call))
    yield judged(_pattern(f"{question}, against float64", found, exact))
    if all(_fits(seen, y) for y in found.outputs):
        yield judged(_spread(f"{question}, elsewhere", asked.first, found, seen))


def _pattern(question: str, found: Results, exact: Results) -> Finding:
    """Where the result is nan against where the same in float64 is; flags must be the same."""
    for y, e in zip(found.outputs, exact.outputs, strict=True):
        apart = torch.isnan(y) != torch.isnan(e) if _floating(y) else y != e
        if bool(apart.any()):
            return _finding(question, apart, y, e)
    return Finding(question, 0.0, 0.0, UNIT)


def _fits(seen: torch.Tensor, y: torch.Tensor) -> bool:
    """Whether an input is broadcast to the result as sizes are; a weight of each channel is not."""
    sizes = zip(reversed(seen.shape), reversed(y.shape), strict=False)
    return seen.ndim <= y.ndim and all(own in (1, size) for own, size in sizes)


def _spread(question: str, before: Results, found: Results, seen: torch.Tensor) -> Finding:
    """Where an entry that does not see the nan has become one."""
    for y, b in zip(found.outputs, before.outputs, strict=True):
        if _floating(y):
            apart = torch.isnan(y) & ~torch.isnan(b) & ~seen.broadcast_to(y.shape)
            if bool(apart.any()):
                return _finding(question, apart, y, b)
    return Finding(question, 0.0, 0.0, UNIT)


def _floating(y: torch.Tensor) -> bool:
    return y.is_floating_point() or y.is_complex()


def _finding(question: str, apart: torch.Tensor, y: torch.Tensor, e: torch.Tensor) -> Finding:
    place = tuple(int(i) for i in torch.nonzero(apart)[0])
    worst = Worst(place, (), str(y[place].item()), str(e[place].item()))
    remark = f"It is {worst.computed} where it must be {worst.expected}."
    return Finding(question, float(apart.sum()), 0.0, UNIT, worst, remark=remark)


CHECK = SampleCheck(
    "nan",
    "Does a nan reach the entries that see it, and no others?",
    examine,
    elementwise,
    dtypes=("float64", "float32", "float16", "bfloat16"),
    most=16,
    others=False,
)
