"""Locate: which entry of the Jacobian is wrong, by halving the line and then the cotangent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.differences import Derivatives, derivatives
from verify.gradients.function import Function, Tensors, row, split
from verify.gradients.report import Place
from verify.line import Vector

Gradient = Callable[[Vector], Vector]
Entries = np.ndarray[Any, Any]


# How much smaller than the first the lines are that a single entry is measured along once more.
_SCALES = (2.0**-8, 2.0**-16, 2.0**-24, 2.0**-32)
# A step of the fine grid, 2⁻²⁰ of the scale, is added exactly to a value of 24 bits up to 2²⁹ scales.
_EXACT = 29


def worst_place(
    function: Function, outputs: Tensors, direction: Vector, g: Vector, gradient: Gradient
) -> Place:
    """The entry at which the gradient for g is furthest off, by as many lines as the inputs have bits.

    Where an error is spread, one of its entries is found.
    """
    column, numeric = _halved_inputs(function, direction, g, gradient(g))
    entry = _halved_outputs(column, direction, g, gradient, numeric)
    cotangent = np.zeros_like(g)
    cotangent[entry] = 1.0
    scale = direction[column]
    low, high = sorted((float(numeric.low[entry] / scale), float(numeric.high[entry] / scale)))
    value, interval = (low + high) / 2, float(numeric.error[entry] / abs(scale)) + (high - low) / 2
    output, output_entry = _at(entry, outputs)
    position, input_entry = _at(column, function.point.variables)
    return Place(
        output,
        output_entry,
        position,
        input_entry,
        analytic=float(gradient(cotangent)[column]),
        numeric=value,
        interval=interval,
        disputed=_disputed(function, entry, column, value, interval),
    )


def _disputed(function: Function, entry: int, column: int, value: float, interval: float) -> bool:
    """Whether a difference along a shorter line contradicts the one that was found for an entry.

    It does where the function has a pole or a bend nearer than the fine grid can show, or is rounded
    coarsely inside; then neither proves anything.
    """
    at = abs(float(row(function.point.variables)[column]))
    for scale in _SCALES:
        if scale * 2.0**_EXACT < at:
            break  # the steps would be lost beside the value
        along = np.zeros(sum(_size(x) for x in function.point.variables))
        along[column] = scale
        closer = derivatives(function.along(along))
        low, high = float(closer.low[entry]) / scale, float(closer.high[entry]) / scale
        error = float(closer.error[entry]) / scale + interval
        if low - error > value or high + error < value:
            return True
    return False


def _halved_inputs(
    function: Function, direction: Vector, g: Vector, claimed: Vector
) -> tuple[int, Derivatives]:
    """One input entry that is wrong, and the derivatives along it alone."""
    part = np.flatnonzero(direction)
    while True:
        halves = []
        for chosen in (part[: part.size // 2], part[part.size // 2 :]):
            if not chosen.size:
                continue
            along = np.zeros_like(direction)
            along[chosen] = direction[chosen]
            numeric = derivatives(function.along(along))
            judged = numeric.weighted(np.where(numeric.known, g, 0.0))
            off = judged.distance(float(np.sum(claimed * along)))
            halves.append((_excess(off, judged.error), chosen, numeric))
        _, part, found = max(halves, key=lambda half: half[0])
        if part.size == 1:
            return int(part[0]), found


def _halved_outputs(
    column: int, direction: Vector, g: Vector, gradient: Gradient, numeric: Derivatives
) -> int:
    """One output entry whose derivative in this input entry is wrong."""
    part = np.flatnonzero(np.where(numeric.known, g, 0.0))
    while part.size > 1:
        halves = []
        for chosen in (part[: part.size // 2], part[part.size // 2 :]):
            some = np.zeros_like(g)
            some[chosen] = g[chosen]
            judged = numeric.weighted(some)
            off = judged.distance(float(gradient(some)[column] * direction[column]))
            halves.append((_excess(off, judged.error), chosen))
        part = max(halves, key=lambda half: half[0])[1]
    return int(part[0]) if part.size else 0


def _excess(off: float, error: float) -> float:
    """A distance in units of its error; a nan, where the gradient itself is gone, is the worst of all."""
    if np.isnan(off):
        return np.inf
    return off / error if error else (np.inf if off else 0.0)


def _at(entry: int, tensors: Tensors) -> tuple[int, tuple[int | str, ...]]:
    """Which tensor, and which of its entries, an entry of the real row of several is."""
    for position, (piece, x) in enumerate(
        zip(split(np.arange(sum(_size(t) for t in tensors), dtype=float), tensors), tensors, strict=True)
    ):
        if piece.size and piece[0] <= entry <= piece[-1]:
            inside = entry - int(piece[0])
            if x.is_complex():
                index = np.unravel_index(inside // 2, x.shape)
                return position, (*map(int, index), ("real", "imag")[inside % 2])
            return position, tuple(map(int, np.unravel_index(inside, x.shape)))
    raise IndexError(entry)


def _size(t: torch.Tensor) -> int:
    return t.numel() * (2 if t.is_complex() else 1)
