"""Locate: which entry of the Jacobian is wrong, by halving the line and then the cotangent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verify.finite_differences.derivative import Derivative, Derivatives
from verify.finite_differences.ladder import derivatives
from verify.finite_differences.line import Vector
from verify.gradients.function import Function
from verify.gradients.report import Place
from verify.gradients.rows import Tensors, row, size, split

Gradient = Callable[[Vector], Vector]


# How much shorter than the first the lines are that a failure is confirmed along, and how much longer.
SCALES = (2.0**-8, 2.0**-16, 2.0**-24)
_LONGER = (2.0**8, 2.0**4)
# Long steps, and one that is shorter than the steps of a rounding to float32.
_OUT = np.array([1 / 8, 7 / 64, 3 / 32, 5 / 64, 1 / 16])
_SHORT = 2.0**-30
# A step of the fine grid, 2⁻²⁰ of the scale, is added exactly to a value of 24 bits up to 2²⁹ scales.
EXACT = 29


def worst_place(
    function: Function,
    outputs: Tensors,
    direction: Vector,
    scale: float,
    numeric: Derivatives,
    g: Vector,
    gradient: Gradient,
) -> Place:
    """The entry at which the gradient for g is furthest off, by as many lines as the inputs have bits.

    The outputs are halved first, on the line that is known, `scale` directions long; then the line, for one
    output entry. Where an error is spread, one of its entries is found.
    """
    entry = _halved_outputs(direction, g, gradient, numeric)
    cotangent = np.zeros_like(g)
    cotangent[entry] = 1.0
    claimed = gradient(cotangent)
    column, found = _halved_inputs(function, scale * direction, entry, claimed)
    step = scale * float(direction[column])
    low, high = sorted((found.low / step, found.high / step))
    value, interval = (low + high) / 2, found.error / abs(step) + (high - low) / 2
    output, output_entry = _at(entry, outputs)
    position, input_entry = _at(column, function.point.variables)
    return Place(
        output,
        output_entry,
        position,
        input_entry,
        analytic=float(claimed[column]),
        numeric=value,
        interval=interval,
        disputed=_disputed(function, entry, column, float(claimed[column]), value),
    )


def _disputed(function: Function, entry: int, column: int, claim: float, value: float) -> bool:
    """Whether the difference along a line of another length agrees with what autograd says of an entry.

    A longer one does where something inside is rounded so coarsely that short steps do not move it.
    """
    at = abs(float(row(function.point.variables)[column]))
    for scale in (*_LONGER, 1.0, *SCALES):
        if scale * 2.0**EXACT < at:
            break  # the steps would be lost beside the value
        along = np.zeros(sum(size(x) for x in function.point.variables))
        along[column] = scale
        other = _of_entry(function, along, entry)
        wide = (other.error + other.high - other.low) / scale
        # An interval that holds both would agree with anything; one of a quarter of the gap holds one alone.
        if other.distance(claim * scale) <= other.error and wide < abs(claim - value) / 4:
            return True
    return _rounds_inside(function, entry, column, claim, value)


def _rounds_inside(function: Function, entry: int, column: int, claim: float, value: float) -> bool:
    """Whether long steps find the slope that autograd says, and short ones the other wherever they are made.

    In between the function jumps, often and evenly: something inside is rounded.
    """
    along = np.zeros(sum(size(x) for x in function.point.variables))
    along[column] = 1.0
    values = function.along(along)
    # A quarter of the gap tells the two slopes apart.
    within = abs(claim - value) / 4
    right, left, again = (values(places)[:, entry] for places in (_OUT, -_OUT, _OUT + _SHORT))
    far, near = (right - left) / (2 * _OUT), (again - right) / _SHORT
    found_far, found_near = np.abs(far - claim) < within, np.abs(near - value) < within
    return bool(np.all(found_far) and np.mean(found_near) > 1 / 2)


def _of_entry(function: Function, along: Vector, entry: int) -> Derivative:
    """The derivative of one output entry along a line."""
    values = function.along(along)
    return derivatives(lambda places: values(places)[:, entry : entry + 1]).weighted(np.ones(1))


def _halved_inputs(
    function: Function, direction: Vector, entry: int, claimed: Vector
) -> tuple[int, Derivative]:
    """One input entry in which an output entry's derivative is wrong, and the derivative along it alone."""
    part = np.flatnonzero(direction)
    while True:
        halves = []
        for chosen in (part[: part.size // 2], part[part.size // 2 :]):
            if not chosen.size:
                continue
            along = np.zeros_like(direction)
            along[chosen] = direction[chosen]
            found = _of_entry(function, along, entry)
            off = found.distance(float(np.sum(claimed[chosen] * along[chosen])))
            halves.append((_excess(off, found.error), chosen, found))
        _, part, found = max(halves, key=lambda half: half[0])
        if part.size == 1:
            return int(part[0]), found


def _halved_outputs(direction: Vector, g: Vector, gradient: Gradient, numeric: Derivatives) -> int:
    """One output entry whose derivative along the line is wrong."""
    part = np.flatnonzero(np.where(numeric.known, g, 0.0))
    while part.size > 1:
        halves = []
        for chosen in (part[: part.size // 2], part[part.size // 2 :]):
            some = np.zeros_like(g)
            some[chosen] = g[chosen]
            judged = numeric.weighted(some)
            off = judged.distance(float(np.sum(gradient(some) * direction)))
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
        zip(split(np.arange(sum(size(t) for t in tensors), dtype=float), tensors), tensors, strict=True)
    ):
        if piece.size and piece[0] <= entry <= piece[-1]:
            inside = entry - int(piece[0])
            if x.is_complex():
                index = np.unravel_index(inside // 2, x.shape)
                return position, (*map(int, index), ("real", "imag")[inside % 2])
            return position, tuple(map(int, np.unravel_index(inside, x.shape)))
    raise IndexError(entry)
