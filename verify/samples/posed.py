"""Posed: a sample as a call of all its tensors by position, made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from verify.call import Call, Results, results
from verify.gradients.function import first_line
from verify.gradients.nest import leaves, mapped, tensors
from verify.samples.check import NotAsked
from verify.samples.drawing import draws
from verify.samples.sample import Sample
from verify.samples.undefined import undefined
from verify.variation import differs

_NUMBERS = (bool, int, float, complex)
# What torch raises where it has no kernel for a dtype, a layout or a device.
_NOT_DEFINED = (
    "not implemented for",
    "Could not run",
    "not supported",
    "only supported",
    "is unsupported",
    "doesn't support",
)


@dataclass(frozen=True)
class Posed:
    """A call, what it answered, and whether it draws random numbers (the same ones each time)."""

    call: Call
    first: Results
    draws: bool


def posed(sample: Sample, form: Callable[..., Any] | None = None) -> Posed:
    """A sample's call, made once.

    `form(input, *arguments, **options)` is called in the operator's place; without one, what is unique of
    its result is asked for. Raises: NotAsked with the reason; else what the operator raises.
    """
    reason = undefined(sample.record.name)
    if reason:
        raise NotAsked(reason)
    call = call_of(sample, form)
    for x in call.inputs:
        if x.layout is not torch.strided or x.is_nested:
            raise NotAsked(f"an input has the layout {x.layout}")
    before, state = [x.clone() for x in call.inputs], torch.get_rng_state()
    with told_apart():
        random = draws(lambda: results(call))
    changed = any(bool(differs(x, b).any()) for x, b in zip(call.inputs, before, strict=True))
    if changed:
        for x, b in zip(call.inputs, before, strict=True):
            x.copy_(b)
    if changed or random:
        call = Call(_same_again(call.function, state if random else None, changed), call.inputs, {})
    with told_apart():
        return Posed(call, results(call), random)


def call_of(
    sample: Sample, form: Callable[..., Any] | None = None, inputs: tuple[torch.Tensor, ...] | None = None
) -> Call:
    """All tensors of a sample by position, in lists and among its options too, as they lie in memory.

    `form`: as of `posed`; `inputs`: other tensors in the place of the sample's own.
    """
    tree = (sample.arguments, dict(sample.options))
    own = tuple(x.detach() for x in tensors(tree))

    def function(*given: torch.Tensor) -> Any:
        following = iter(given)
        arguments, options = mapped(lambda _: next(following), tree)
        if form is not None:
            return answer(form(*arguments, **options))
        found = sample.record.gradcheck_wrapper(sample.record.op, *arguments, **options)
        return answer(sample.process(found))

    return Call(function, own if inputs is None else inputs, {})


@contextmanager
def told_apart() -> Iterator[None]:
    """Tell what torch does not define from what it defines and fails at."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        if isinstance(error, NotImplementedError) or any(words in str(error) for words in _NOT_DEFINED):
            raise NotAsked(f"torch does not define it: {first_line(error)}") from error
        raise


def answer(result: Any) -> tuple[torch.Tensor, ...]:
    """The tensors and numbers that an operator returned, as dense tensors. Raises: NotAsked for others."""
    found = []
    for leaf in leaves(result):
        if isinstance(leaf, torch.Tensor):
            if leaf.layout is not torch.strided or leaf.is_nested:
                raise NotAsked(f"a result has the layout {leaf.layout}")
            found.append(leaf.detach().resolve_conj().resolve_neg())
        elif isinstance(leaf, _NUMBERS):
            found.append(torch.tensor(leaf, dtype=torch.float64 if isinstance(leaf, float) else None))
    if not found:
        raise NotAsked("it returns neither a tensor nor a number")
    return tuple(found)


def _same_again(
    function: Callable[..., Any], state: torch.Tensor | None, changed: bool
) -> Callable[..., Any]:
    """The function with the same random numbers each time, its inputs left as they were."""

    def again(*given: torch.Tensor) -> Any:
        if state is not None:
            torch.set_rng_state(state)
        if not changed:
            return function(*given)
        before = [x.clone() for x in given]
        found = tuple(y.clone() for y in function(*given))
        # Copied back: a copy of the inputs would lie otherwise in memory, which is what may be asked about.
        for x, b in zip(given, before, strict=True):
            x.copy_(b)
        return found

    return again
