"""Magnitude: a sample's inputs scaled by a power of two, and its result held against float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from verify.call import results
from verify.formulas.arithmetic import Arithmetic
from verify.samples.apart import against_exact, explained
from verify.samples.check import NotAsked
from verify.samples.posed import Posed, posed
from verify.samples.sample import Sample
from verify.samples.undefined import DTYPE
from verify.samples.verdict import Verdict, judged


def at_magnitude(
    word: str, sample: Sample, seed: int, target: Callable[[Arithmetic], float]
) -> Iterator[Verdict]:
    """A verdict for all floating inputs scaled up to a target, and for each alone where there are several."""
    if sample.record.name in DTYPE:
        raise NotAsked(DTYPE[sample.record.name])
    asked = posed(sample)
    if asked.draws:
        raise NotAsked("it draws random numbers, which are others in float64")
    floating = [i for i, x in enumerate(asked.call.inputs) if x.is_floating_point() and x.numel()]
    if not floating:
        raise NotAsked("it has no floating input to scale")
    ways = {f"{word} inputs": floating}
    if len(floating) > 1:
        ways |= {f"{word} input {i}": [i] for i in floating}
    for question, which in ways.items():
        inputs = tuple(_scaled(x, target) if i in which else x for i, x in enumerate(asked.call.inputs))
        call = replace(asked.call, inputs=inputs)
        there = Posed(call, results(call), False)
        yield judged(against_exact(question, there, explained(sample, there, seed)))


def _scaled(x: torch.Tensor, target: Callable[[Arithmetic], float]) -> torch.Tensor:
    """x times the power of two that brings its largest entry between half the target and the target."""
    a = Arithmetic.of(str(x.dtype).removeprefix("torch."), x.device.type)
    wide = x.double()
    largest = float(wide.abs().nan_to_num(0.0, 0.0).max())
    if not largest:
        return x
    return (wide * 2.0 ** math.floor(math.log2(target(a) / largest))).to(x.dtype)
