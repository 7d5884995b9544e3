"""Allowed: what rounding explains of each entry of a call's results, from a run of the same in float64.

A random relative change of u in the inputs and in the result of every operation on the way, made in
float64, shows how far roundings move a result. A result that is computed with roundings of u may be off by
that and by its own rounding, times the number of roundings that it passes through (`verify/gradients/
allowance.py`).

Source: Parker, Monte Carlo arithmetic, UCLA CSD-970002 (1997), random rounding; Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., §1.5 and §1.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from verify.call import Call, Results, results
from verify.finite_differences.line import Vector
from verify.formulas.arithmetic import Arithmetic
from verify.gradients.allowance import CHANGES, NEARER, ROUNDINGS, allowance, jumping, passed
from verify.gradients.draws import Draws
from verify.gradients.function import first_line
from verify.gradients.rounding import RandomlyRounded
from verify.gradients.rows import like, row, size
from verify.samples.check import NotAsked

_WIDE = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
    torch.complex32: torch.complex128,
}
_NAMES = {
    torch.float64: "float64",
    torch.complex128: "float64",
    torch.float32: "float32",
    torch.complex64: "float32",
    torch.float16: "float16",
    torch.complex32: "float16",
    torch.bfloat16: "bfloat16",
}


class Unjudged(Exception):
    """The float64 run cannot be had or shows nothing: the answer is inconclusive, with the reason."""


@dataclass(frozen=True)
class Allowed:
    """One result's exact entries, and how far each may be off; those that jump say nothing of their value.

    Units: `exact` and `bound` are absolute, as real rows. `largest`: what the result's dtype can hold.
    `blind`: nothing but zeros would be allowed too. `numbers`: which entries are no nan whatever rounding
    does, so that one is lost where they jump, too.
    """

    exact: Vector
    bound: Vector
    jumps: np.ndarray
    numbers: np.ndarray
    largest: float
    blind: bool


def allowed(
    call: Call, first: Results, entrywise: bool, seed: int, changes: int = CHANGES
) -> tuple[Allowed, ...]:
    """What rounding explains of each result. `entrywise`: each entry has a scale of its own.

    Raises: Unjudged with the reason.
    """
    exact = in_float64(call, first)
    a, draws, wide = _coarsest(call, first), Draws(seed), widened(call)
    with np.errstate(all="ignore"), _in_float64():
        far = _moves(wide, exact, first, a.u, draws, changes)
        near = _moves(wide, exact, first, a.u / NEARER, draws, changes)
        # What works entry by entry adds nothing up.
        entries = (sum(size(t) for t in held) for held in (wide.inputs, first.outputs))
        roundings = ROUNDINGS if entrywise else passed(a, *entries)
        return tuple(
            _of_result(a, roundings, y, entrywise, *rows)
            for y, *rows in zip(first.outputs, exact, far, near, strict=True)
        )


def in_float64(call: Call, first: Results) -> list[Vector]:
    """Each result of the same call in float64, as a real row. Raises: Unjudged with the reason."""
    with _in_float64():
        there = results(widened(call)).outputs
    if [y.shape for y in there] != [y.shape for y in first.outputs]:
        raise Unjudged("its results have other shapes in float64")
    return [row([y]) for y in there]


def widened(call: Call) -> Call:
    """The same call in float64, or where it has complex numbers of as many bits."""
    return call.with_tensors(lambda x: x.to(_WIDE.get(x.dtype, x.dtype)))


@contextmanager
def _in_float64() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, IndexError, NotAsked) as error:
        raise Unjudged(f"in float64, {type(error).__name__}: {first_line(error)}") from error


def _moves(
    wide: Call, exact: list[Vector], first: Results, change: float, draws: Draws, changes: int
) -> list[Vector]:
    """How far each entry of each result is moved at most by so many random changes of a size."""
    far = [np.zeros(e.shape) for e in exact]
    for _ in range(changes):
        moved = wide.with_tensors(lambda x: _changed(x, change, draws))
        with RandomlyRounded(change, draws.seed()):
            there = results(moved).outputs
        if [y.shape for y in there] != [y.shape for y in first.outputs]:
            raise Unjudged("the shapes of its results hang on a rounding")
        for f, z, e, y in zip(far, there, exact, first.outputs, strict=True):
            np.maximum(f, distance(row([z]), e, held_by(y)[1]), out=f)
    return far


def _changed(x: torch.Tensor, change: float, draws: Draws) -> torch.Tensor:
    if not (x.is_floating_point() or x.is_complex()):
        return x
    numbers = torch.view_as_real(x.resolve_conj()) if x.is_complex() else x
    signs = torch.from_numpy(draws.signs(size(x))).to(x.device)
    moved = numbers * like(1 + change * signs, numbers)
    return torch.view_as_complex(moved) if x.is_complex() else moved


def distance(a: Vector, b: Vector, largest: float) -> Vector:
    """|a − b|; what cannot be held is the same as the largest number that can, and nan the same as nan."""
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.abs(np.clip(a, -largest, largest) - np.clip(b, -largest, largest)))


def held_by(y: torch.Tensor) -> tuple[float, float]:
    """The unit roundoff and the largest number of a result's dtype; 0 and inf where it is not floating."""
    if y.dtype not in _NAMES:
        return 0.0, np.inf
    own = Arithmetic.of(_NAMES[y.dtype], y.device.type)
    return own.u, own.largest


def _of_result(
    a: Arithmetic,
    roundings: float,
    y: torch.Tensor,
    entrywise: bool,
    exact: Vector,
    far: Vector,
    near: Vector,
) -> Allowed:
    if not (y.is_floating_point() or y.is_complex()):
        zeros = np.zeros(exact.shape)
        return Allowed(exact, zeros, (far + near) > 0, zeros == 0, np.inf, False)
    own = Arithmetic.of(_NAMES[y.dtype], y.device.type)
    held = np.clip(np.nan_to_num(exact, nan=0.0), -own.largest, own.largest)
    if entrywise:
        jumps = jumping(np.abs(held), far, near)
        bound = roundings * (a.u * np.abs(held) + np.where(jumps, 0.0, far) + a.smallest)
    elif exact.size:
        measured = allowance(a, roundings, held, far, near)
        jumps, bound = measured.jumps, np.full(exact.shape, measured.bound)
    else:
        jumps, bound = np.zeros(0, dtype=bool), np.zeros(0)
    # A result below the normal numbers may be lost: torch promises no gradual underflow on the way to it.
    bound = np.where(np.abs(held) < own.smallest_normal, np.maximum(bound, own.smallest_normal), bound)
    # Where every exact entry is 0, or so small, the bound must at least tell it from 1.
    counted = (np.abs(held) >= own.smallest_normal) & ~jumps
    steady = bound[counted] >= np.abs(held[counted]) if counted.any() else bound[~jumps] >= 1
    blind = bool(steady.size and steady.all())
    # A distance from nan, or to it, is nan.
    numbers = ~(np.isnan(exact) | np.isnan(far) | np.isnan(near))
    return Allowed(exact, bound, jumps, numbers, own.largest, blind)


def _coarsest(call: Call, first: Results) -> Arithmetic:
    """The arithmetic of the narrowest dtype among the inputs and the results."""
    tensors = [x for x in (*call.inputs, *first.outputs) if x.dtype in _NAMES]
    if not tensors:
        return Arithmetic.of("float64")
    return max((Arithmetic.of(_NAMES[x.dtype], x.device.type) for x in tensors), key=lambda a: a.u)
