"""Compiled: is the answer of what `torch.compile` makes of an operator the same, within rounding?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from verify.call import Call, results
from verify.gradients.function import first_line
from verify.gradients.nest import mapped
from verify.samples.apart import compared, explained
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import posed
from verify.samples.sample import Sample
from verify.samples.undefined import STORAGE
from verify.samples.verdict import Verdict, judged
from verify.variation import Unseen
from verify.variations.compiled import VARIATION


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """One verdict."""
    (sample,) = draws
    plain = posed(sample, sample.record.op)
    if plain.draws:
        raise NotAsked("it draws random numbers, of which compiled code draws others")
    if sample.record.name in STORAGE:
        raise NotAsked(STORAGE[sample.record.name])
    absent = VARIATION.absence()
    if absent:
        raise NotAsked(absent)
    arguments = mapped(torch.Tensor.detach, sample.arguments)
    call = Call(_traced(sample.record.op), arguments, mapped(torch.Tensor.detach, dict(sample.options)))
    try:
        results(call)
    except TypeError as error:
        raise NotAsked(f"as it is, {first_line(error)}") from error
    for again in VARIATION.vary(call, None):
        try:
            with _quiet():
                found = again.run(again.call)
        except Unseen as reason:
            raise NotAsked(f"nothing is compiled: {first_line(reason)}") from reason
        found = found.each(lambda y: y.resolve_conj().resolve_neg())
        yield judged(compared(again.how, plain.first, found, explained(sample, plain, seed)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's log of what it did not compile: it is judged by its answer."""
    log = logging.getLogger("torch._dynamo")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _traced(operator: Callable[..., Any]) -> Callable[..., Any]:
    """The operator called from here: torch does not trace what begins in its own files."""

    def function(*arguments: Any, **options: Any) -> Any:
        return operator(*arguments, **options)

    return function


CHECK = SampleCheck(
    "compiled",
    "Is the answer of compiled code the same, within rounding?",
    examine,
    dtypes=("float32",),
    most=1,
    others=False,
)
