"""Method: do the method, the operator sign and the other names of a function give the same bits?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from verify.call import results
from verify.samples.apart import compared, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import call_of, posed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, judged


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for each other form of the operator."""
    (sample,) = draws
    if not isinstance(sample.arguments[0], torch.Tensor):
        raise NotAsked("its first input is no tensor")
    plain = posed(sample, sample.record.op)
    if plain.draws:
        raise NotAsked("it draws random numbers")
    explain = explained(sample, plain, seed)
    for name, form in _forms(sample.record):
        if name == "operator" and (sample.options or len(sample.arguments) > 2):
            continue  # a sign takes no options
        again = results(call_of(sample, form, plain.call.inputs))
        yield judged(compared(name, plain.first, again, explain))


def _forms(record: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    if record.method_variant is not None:
        yield "method", record.method_variant
    if record.operator_variant is not None:
        yield "operator", record.operator_variant
    for alias in record.aliases:
        if alias.op is not None:
            yield f"alias {alias.name}", alias.op
        if alias.method_variant is not None:
            yield f"method {alias.name}", alias.method_variant


CHECK = SampleCheck(
    "method",
    "Do the method, the operator sign and the other names of a function give the same bits?",
    examine,
    lambda record: any(True for _ in _forms(record)),
    dtypes=("float32",),
    most=16,
)
