"""Law: what torch's documentation promises of every call of a kind, whatever the operation computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from verify.call import Results
from verify.case import to_array
from verify.check import Finding
from verify.comparison import shows_nothing
from verify.example import Example
from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array
from verify.outcome import Worst
from verify.variation import differs, pairs

WRONG = "wrong entries"


@dataclass(frozen=True)
class Asked:
    """One thing that a law asks: what is answered, and what must be.

    `answer()` and `required()` give results of the same shapes. Where `bound` is None they must be the same
    bits, else no further apart than `bound()`, an absolute error for each entry. Where `raises` names errors,
    one of them must be raised instead.
    """

    label: str
    answer: Callable[[], Results]
    required: Callable[[], Results] = lambda: Results(())
    bound: Callable[[], Results] | None = None
    raises: tuple[type[Exception], ...] = ()


@dataclass(frozen=True)
class Law:
    """A promise of torch's that holds for a kind of call, and its source.

    `ask(example)` yields what to ask of a call; nothing where the record says that it is none of the kind.
    A new law is one module in `verify/laws/` with a `LAW` record.
    """

    name: str
    source: str
    ask: Callable[[Example], Iterator[Asked]]


@dataclass(frozen=True)
class Broken:
    """Where an answer is not the required one: how many entries, the worst of them, and what was seen.

    `blind`: the bound would have let anything pass.
    """

    entries: float
    remark: str = ""
    worst: Worst | None = None
    blind: bool = False


def held(law: Law, example: Example) -> Finding | None:
    """How many entries of all answers a law finds wrong; None if it asks nothing of the example."""
    asked = list(law.ask(example))
    if not asked:
        return None
    found = [broken for ask in asked for broken in _broken(ask, example.case.arithmetic)]
    wrong = [b for b in found if b.entries]
    figures = {"asked": float(len(asked))}
    if not wrong:
        return Finding(law.name, 0.0, 0.0, WRONG, figures=figures, blind=any(b.blind for b in found))
    first = wrong[0]
    remark = f"{first.remark} {law.source}"
    return Finding(law.name, sum(b.entries for b in wrong), 0.0, WRONG, first.worst, figures, remark)


def _broken(asked: Asked, arithmetic: Arithmetic) -> Iterator[Broken]:
    try:
        answer = asked.answer()
        required = asked.required()
    except asked.raises:
        return
    except Exception as error:  # the operation under test may raise anything, and that is the finding
        said = str(error).partition("\n")[0]
        yield Broken(1.0, f"{asked.label}: it raised {type(error).__name__} ({said}).")
        return
    if asked.raises:
        names = " or ".join(error.__name__ for error in asked.raises)
        shapes = ", ".join(str(tuple(y.shape)) for y in answer.outputs)
        yield Broken(1.0, f"{asked.label}: it returned a result of shape {shapes} where {names} is due.")
        return
    try:
        both = list(pairs(required, answer))
    except ValueError as error:
        yield Broken(1.0, f"{asked.label}, {error}.")
        return
    for name, a, b in both:
        if bool(differs(a, b).any()):
            yield _compared(asked, name, a, b, arithmetic)


def _compared(
    asked: Asked, name: str, required: torch.Tensor, answer: torch.Tensor, arithmetic: Arithmetic
) -> Broken:
    apart = to_array(differs(required, answer))
    blind = False
    if asked.bound is not None:
        allowed = asked.bound()
        bound = next(to_array(e) for n, e, _ in pairs(allowed, allowed) if n == name)
        bound = np.broadcast_to(bound, apart.shape)
        far, value = _distance(required, answer), to_array(required).astype(float)
        apart = apart & ~(far <= bound)
        counted = np.where(np.isfinite(value), value, 0.0)
        blind = not np.all(np.isfinite(bound)) or shows_nothing(bound, counted, arithmetic)
    if not apart.any():
        return Broken(0.0, blind=blind)
    index = tuple(int(i) for i in np.argwhere(apart)[0])
    got, due = to_array(answer)[index], to_array(required)[index]
    at = f" at entry {index}" if index else ""
    remark = f"{asked.label}, {name}: {got} where {due} is required{at}."
    return Broken(float(apart.sum()), remark, Worst(index, (), _exact(got), _exact(due)))


def _distance(a: torch.Tensor, b: torch.Tensor) -> Array:
    """How far entries are apart: 0 where they are the same or both nan, infinite where one is lost."""
    far = np.abs(to_array(a).astype(float) - to_array(b).astype(float))
    far = np.where(np.isnan(far), np.inf, far)
    return np.where(to_array(differs(a, b)), far, 0.0)


def _exact(value: object) -> str:
    return float(value).hex() if isinstance(value, float) else str(value)
