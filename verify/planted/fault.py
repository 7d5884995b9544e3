"""Fault: one way in which a derivative is wrong, and the hosts in which it is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch

from verify.planted.altered import Alter, Passed
from verify.planted.gradient import Mode, Tensors
from verify.planted.host import Group, Host

Where = Callable[[Host], bool]


@dataclass(frozen=True)
class Fault:
    """A named change to a right derivative. `kind` is its row in the table of the score.

    Units: `size` is the relative error that it makes in the derivative along any direction; None where
    that depends on the direction.
    """

    kind: str
    alter: Alter
    where: Where
    name: str = ""
    size: float | None = None
    mode: Mode = "reverse"


def within(*groups: Group) -> Where:
    """Hosts of any of these groups."""
    return lambda host: host.group in groups


def named(*patterns: str) -> Where:
    """Hosts whose names match any of these shell patterns."""
    return lambda host: any(fnmatchcase(host.name, pattern) for pattern in patterns)


def each(change: Callable[[torch.Tensor], torch.Tensor]) -> Alter:
    """Change every gradient in the same way."""
    return lambda passed: tuple(change(r) for r in passed.right)


def scaled(factor: float) -> Alter:
    """Every gradient times one factor."""
    return each(lambda r: factor * r)


def multiplied(factor: Callable[[Passed], float]) -> Alter:
    """Every gradient times a factor that depends on what is differentiated."""
    return lambda passed: tuple(factor(passed) * r for r in passed.right)


def first(formula: Callable[[Passed], torch.Tensor]) -> Alter:
    """Another formula in place of the first input's gradient."""
    return lambda passed: (formula(passed), *passed.right[1:])


def last(formula: Callable[[Passed], torch.Tensor]) -> Alter:
    """Another formula in place of the last input's gradient."""
    return lambda passed: (*passed.right[:-1], formula(passed))


def when(condition: Callable[[Passed], bool], alter: Alter) -> Alter:
    """A change that is made only where the condition holds."""
    return lambda passed: alter(passed) if condition(passed) else passed.right


def one_entry(factor: float) -> Alter:
    """The largest entry of the first gradient times a factor, all others right."""

    def change(passed: Passed) -> torch.Tensor:
        entries = passed.right[0].flatten().clone()
        entries[entries.abs().argmax()] *= factor
        return entries.reshape(passed.right[0].shape)

    return first(change)


def one_output_entry(passed: Passed) -> Tensors:
    """The gradients with what the last output entry contributes to the first input's counted twice."""
    alone = torch.zeros_like(passed.g)
    alone.view(-1)[-1:] = passed.g.reshape(-1)[-1:]
    return (passed.right[0] + passed.vjp((alone,))[0], *passed.right[1:])


def first_row_alone(passed: Passed) -> Tensors:
    """Gradients of broadcast inputs as the output's first row gives them, where all rows should be summed.

    The inputs that have the output's own first dimension keep their right gradients.
    """
    masked = torch.zeros_like(passed.g)
    masked[0] = passed.g[0]
    floating = [x for x in passed.inputs if x.is_floating_point()]
    return tuple(
        r if x.ndim == passed.g.ndim else alone
        for x, r, alone in zip(floating, passed.right, passed.vjp((masked,)), strict=True)
    )


def reduced(passed: Passed) -> float:
    """How many entries of the first input go into one of the output."""
    return passed.x.numel() / passed.y.numel()
