"""Variation: another way to ask the same question of the same numbers, whose answer must be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from verify.call import Call, Results, results
from verify.operation import Batch


class Unseen(Exception):
    """A variation that was asked for did not take place: its answer would show nothing."""


@dataclass(frozen=True)
class Varied:
    """A call that asks again. `part` is what of the first answer it repeats; `run` makes the call.

    `column` is where the answer goes in the matrix, and `how` the way in which it was asked for.
    """

    column: str
    how: str
    call: Call
    part: Callable[[Results], Results] = lambda whole: whole
    run: Callable[[Call], Results] = results


@dataclass(frozen=True)
class Variation:
    """A kind of change that must not change an answer. `vary(call, batch)` gives the calls that ask again.

    `asks` is the kind of call that shows it: `one` as it comes, a `batch` of many, or a `large` one, on
    which several threads work; what follows is asked where rounding hides everything of the first.
    `bits`: the answer must be the same bit for bit; otherwise it may differ by what rounding explains, since
    torch promises no more (torch documentation, Numerical Accuracy, Batched computations or slice
    computations); that shows something only where less than `visible` of a result is explained, the share
    of it that must not go missing unseen. `thorough` ones take long and are left to full runs.
    `absence()` says why it cannot be done on this machine. `why`: who promises it.
    A new variation is one module in `verify/variations/` with a `VARIATION` record.
    """

    name: str
    why: str
    vary: Callable[[Call, Batch | None], Iterator[Varied]]
    asks: tuple[str, ...] = ("one",)
    bits: bool = False
    visible: float = 1.0
    thorough: bool = False
    absence: Callable[[], str | None] = lambda: None


def differs(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Which entries are not the same bits; a nan is a nan, whatever its payload."""
    same = a == b
    if a.is_floating_point():
        same &= torch.signbit(a) == torch.signbit(b)
        same |= torch.isnan(a) & torch.isnan(b)
    elif a.is_complex():
        # A conjugate that is still a mark on other memory has no real view.
        parts = (torch.view_as_real(x.resolve_conj()) for x in (a, b))
        return differs(*parts).any(-1)
    return ~same


def pairs(first: Results, second: Results) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """What is to be the same: each result, and each gradient that both answers have, with its name.

    Raises: ValueError where two do not even have the same shape.
    """
    for i, (a, b) in enumerate(zip(first.outputs, second.outputs, strict=True)):
        yield _pair("forward" if len(first.outputs) == 1 else f"result {i}", a, b)
    for i, (c, d) in enumerate(zip(first.gradients, second.gradients, strict=True)):
        if c is not None and d is not None:
            yield _pair(f"gradient of input {i}", c, d)


def _pair(name: str, a: torch.Tensor, b: torch.Tensor) -> tuple[str, torch.Tensor, torch.Tensor]:
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"{name}: {a.dtype} of shape {tuple(a.shape)}, then {b.dtype} of {tuple(b.shape)}")
    return name, a, b
