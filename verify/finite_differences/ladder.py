"""Ladder: derivatives along a line by finite differences that report their own error interval.

Central differences D(h) = (φ(h) − φ(−h))/2h have the error series c₂h² + c₄h⁴ + c₆h⁶ + …; Richardson's
extrapolation over h, h/2, h/4 removes the first two terms and leaves order 6. Over a ladder of dyadic
steps the truncation error falls and the rounding error rises; the step with the smallest sum of the two
is taken, and that sum is the interval. Nothing is chosen by hand: the truncation error is what the
other rungs disagree by, the rounding error is measured on the function itself. A corner of φ is
recognised; at it the one-sided derivatives are returned instead of their meaningless mean. All of it is
done for every entry of a vector function at once, each with its own step.

What it cannot see: features narrower than the fine grid beside 0, 2⁻²⁰ (`stencil.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from verify.finite_differences import stencil
from verify.finite_differences.corner import after_corner, hidden_corner, jumps
from verify.finite_differences.derivative import Derivatives
from verify.finite_differences.line import UNIT_ROUNDOFF, Flags, Line, Rungs, Vector, from_rung, sample
from verify.finite_differences.rounding import least_movement, noise, term_noise
from verify.finite_differences.stencil import LEFT, RIGHT, RUNGS, Climb
from verify.finite_differences.steps import lone_step, stands_out, steps_up

# A ladder of 8 steps starts at 2⁻³: there a sixth-order error of a function with derivatives of order one
# is 2⁻¹⁸/7!, and at its end, 2⁻¹⁰, a rounding error of u is amplified to 2⁻⁴³. The lower ladders serve
# functions whose domain ends, or whose corner lies, close by.
LADDERS = (2.0**-3, 2.0**-11, 2.0**-19, 2.0**-27, 2.0**-35)
# Extrapolation takes three rungs, and an error two estimates: no corner may lie above this rung.
_LAST_START = RUNGS - 4
# Where, in first steps, a slope is looked for again: where that of a smooth function has become another,
# be its order as high as nine.
_OUT = np.array([1.0, 7 / 8, 3 / 4, -1.0, -7 / 8, -3 / 4])
# Entries that are worked on at a time, so that what is formed of them stays in the cache.
_ENTRIES = 2**13


def derivatives(function: Callable[[Vector], Vector]) -> Derivatives:
    """The derivative at 0 of every entry of a vector function of one variable, with its interval.

    The caller moves its argument by exactly t: a rounded argument is an error that no grid can show. It
    is asked for lower ladders only while some entry's domain ends, or its corner lies, close by.

    Shapes: the function takes (places,) and gives (places, m).
    """
    with np.errstate(all="ignore"):
        lines = [sample(function, LADDERS[0])]
        found = Derivatives.unknown(lines[0].center.size)
        unsettled = np.arange(lines[0].center.size)
        for ladder in (*LADDERS[1:], None):
            settled, bent = _settle_in_parts(lines, unsettled, found)
            if bent.any():
                _give_up_torn(function, lines, unsettled[bent], found)
            unsettled = unsettled[~settled]
            if not unsettled.size:
                return found
            if ladder is not None:
                lines.append(sample(function, ladder))
        unsettled = unsettled[~found.known[unsettled]]
        _settle_at_corners([line.entries(unsettled) for line in lines], unsettled, found)
        return found


def _settle_in_parts(lines: Sequence[Line], chosen: Rungs, found: Derivatives) -> tuple[Flags, Flags]:
    """As `_settle`, for no more entries at a time than fit into the cache."""
    *coarser, line = lines

    def size() -> float:
        return float(np.max(np.abs(line.center), initial=0.0, where=np.isfinite(line.center)))

    if chosen.size == line.center.size <= _ENTRIES:
        return _settle(line, coarser, chosen, found, size)
    parts = np.split(chosen, range(_ENTRIES, chosen.size, _ENTRIES))
    told = [_settle(line.entries(p), [c.entries(p) for c in coarser], p, found, size) for p in parts]
    settled, bent = (np.concatenate(flags) for flags in zip(*told, strict=True))
    return settled, bent


def _settle(
    line: Line, coarser: Sequence[Line], chosen: Rungs, found: Derivatives, size: Callable[[], float]
) -> tuple[Flags, Flags]:
    """Write down the derivatives that this ladder of steps can tell.

    Returns which of its entries are settled, and which of these larger steps do not settle.
    """
    clear = line.finite
    start = after_corner(line)
    if start is not None:
        clear = clear & (start <= _LAST_START)
    for lost in (stands_out(line), lone_step(line)):
        if lost is not None:
            clear = clear & ~lost
    if not clear.any():
        return clear, clear
    if not clear.all():
        line, coarser, chosen = line.entries(clear), [c.entries(clear) for c in coarser], chosen[clear]
        start = None if start is None or not start[clear].any() else start[clear]
    value, error = _central(line, start, coarser)
    bent = clear.copy()
    bent[clear] = _bends(line, value, error) if not coarser else True
    if line.uneven is not None:
        # Noise that hides all may be a pole close by, which a lower ladder sees past.
        vague = line.uneven & (error > np.abs(value))
        better = ~(error >= found.error[chosen])
        clear[clear] = ~vague
        bent &= clear
        line, value, error, chosen = line.entries(better), value[better], error[better], chosen[better]
        coarser = [c.entries(better) for c in coarser]
    found.low[chosen] = found.high[chosen] = value
    found.error[chosen] = error
    found.reach[chosen] = line.largest
    flat = steps_up(line, coarser, size)
    if flat is not None:
        found.flat[chosen] = flat
    return clear, bent


def _settle_at_corners(lines: Sequence[Line], chosen: Rungs, found: Derivatives) -> None:
    """One-sided derivatives, from the coarsest ladder that an entry's domain allows."""
    waiting = ~jumps(lines[-1])
    lost = stands_out(lines[-1])
    if lost is not None:
        waiting &= ~lost
    for line in lines:
        now = waiting & line.finite
        if now.any():
            part = line.entries(now)
            low, high, error = _one_sided(part)
            there = chosen[now]
            found.low[there], found.high[there], found.error[there] = low, high, error
            found.kink[there] = True
            found.reach[there] = part.largest
        waiting &= ~now


def _central(line: Line, start: Rungs | None, coarser: Sequence[Line]) -> tuple[Vector, Vector]:
    sums = stencil.CENTRAL.rows @ (line.odd / line.first_step)

    def scatter() -> Vector:
        # The finest quotient has the weight 64/45 and a step of a quarter: independent noise of σ at its
        # two ends moves an estimate by 64/45 · 4σ/√2h, which is more than 4σ/h. The largest of five
        # differences of estimates is below a third of that once in a thousand times.
        apart = np.abs(sums[stencil.CENTRAL.apart]) * line.steps[1 : stencil.CENTRAL.count, None]
        return from_rung(apart, start) / 4

    off = noise(line, start, coarser, scatter) / line.first_step
    beside = line.grid[stencil.OF_BESIDE][0] / line.first_step
    value, error = _climb(stencil.CENTRAL, sums, off, start, (beside, stencil.BESIDE_NOISE * off))
    return value, error + hidden_corner(line, start) / 2


def _bends(line: Line, value: Vector, error: Vector) -> Flags:
    """Whether the quotient of some step is off, and that of half the step suddenly is not.

    That of a smooth function is off by a quarter then, or by a 16th or 64th where lower terms vanish.
    """
    off = np.abs(line.odd / (2 * line.steps[:, None]) - value)
    return np.asarray(np.any((off[:-1] > 64 * off[1:]) & (off[:-1] > error), axis=0))


def _give_up_torn(
    function: Callable[[Vector], Vector], lines: Sequence[Line], chosen: Rungs, found: Derivatives
) -> None:
    """Take back the derivatives of entries that something rounds so coarsely that short steps do not move it.

    Large steps, to both sides, then agree on another slope than the one that was found close by, and yet
    steps as short find that one again as far out: in between the function jumps, often and evenly. Beyond
    a corner, near a pole and on a bend the slope out there is another; past a single jump that of large
    steps doubles with every half. Which of the two slopes is meant cannot be told.
    """
    first, value = lines[0].entries(chosen), found.low[chosen]
    steps = first.steps[:3, None]
    right, left = (first.plus[:3] - first.center) / steps, (first.center - first.minus[:3]) / steps
    slopes = (right + left) / 2
    gap = np.abs(slopes[-1] - value)
    spread = np.max(np.abs(np.concatenate([slopes, right, left]) - slopes[-1]), axis=0)
    # A large step is rounded much less than a small one: within the error of that the slopes are the same.
    suspects = np.flatnonzero((gap > found.error[chosen]) & (spread < gap / 4))
    if not suspects.size:
        return
    short = lines[-1].steps[-1]
    ends = first.first_step * _OUT
    there, here = (function(places)[:, chosen[suspects]] for places in (ends + short, ends))
    # A quarter of the gap tells the two slopes apart.
    again = np.abs((there - here) / short - value[suspects]) < gap[suspects] / 4
    found.error[chosen[suspects[np.mean(again, axis=0) > 1 / 2]]] = np.nan


def _one_sided(line: Line) -> tuple[Vector, Vector, Vector]:
    """Every entry's two one-sided derivatives: a convention may choose any number between them."""
    rungs = np.maximum(np.abs(line.plus), np.abs(line.minus))
    off = 2 * (term_noise(line) + UNIT_ROUNDOFF * np.max(rungs, axis=0))
    # The grid lies on the right; an entry may stand still there and move on the left.
    still = least_movement(line, [line.plus])

    sides = (stencil.ONE_SIDED.rows @ (line.moves[side] / line.first_step) for side in (RIGHT, LEFT))
    right, left = next(sides), -next(sides)
    right, right_error = _climb(stencil.ONE_SIDED, right, (off + still) / line.first_step)
    left, left_error = _climb(stencil.ONE_SIDED, left, off / line.first_step)
    # A corner that is not quite at 0 leaves a term in 1/h: rungs then disagree by half of their error.
    error = 2 * np.maximum(left_error, right_error)
    return np.minimum(left, right), np.maximum(left, right), error


def _climb(
    climb: Climb,
    sums: Vector,
    off: Vector,
    start: Rungs | None = None,
    beside: tuple[Vector, Vector] | None = None,
) -> tuple[Vector, Vector]:
    """Of the estimates from every rung the one with the smallest truncation plus rounding error.

    `sums` are what the rows of the climb make of differences over the first step, `off` is the noise of
    these. `beside` is an estimate from closer by, with its rounding error. Returns values and errors.
    Shapes: `sums` (rows, m), the others (m,).
    """
    estimates, apart = sums[climb.estimates], np.abs(sums[climb.apart])
    # The quotients and their weighted sum are rounded themselves, four times each at most.
    arithmetic = 4 * UNIT_ROUNDOFF * climb.size * from_rung(np.abs(sums[climb.quotients]), start)
    rounding = climb.noise * off + arithmetic
    # The rung above disagrees by almost all of its own error, which is larger than this one's by
    # the ratio 2^order: a safety factor of 63 (central) where the series has set in. Two estimates
    # can agree by chance, so the disagreement before that, reduced by the ratio, counts too.
    before = apart[:-1] / 64
    if start is not None:
        # Estimates above an entry's first rung are no evidence.
        before = np.where(np.arange(len(before))[:, None] >= start, before, 0.0)
    np.maximum(apart[1:], before, out=apart[1:])
    # What rounding does not explain of the disagreement with any finer estimate is truncation too: a
    # series that has not set in, or converges slowly, shows there. Half may lie beyond the finest.
    least, most = estimates - rounding, estimates + rounding
    highest, lowest = np.empty_like(apart), np.empty_like(apart)
    highest[-1], lowest[-1] = (-np.inf, np.inf) if beside is None else (beside[0] - beside[1], sum(beside))
    for rung in reversed(range(len(apart) - 1)):
        np.maximum(highest[rung + 1], least[rung + 2], out=highest[rung])
        np.minimum(lowest[rung + 1], most[rung + 2], out=lowest[rung])
    unexplained = np.maximum(highest - most[1:], least[1:] - lowest)
    errors = np.maximum(apart, 2 * unexplained) + rounding[1:]
    if start is not None:
        errors = np.where(np.arange(1, len(estimates))[:, None] > start, errors, np.inf)
    value, error = estimates[-1].copy(), np.full(off.shape, np.inf)
    for rung in reversed(range(len(errors))):
        smaller = errors[rung] <= error
        np.copyto(value, estimates[rung + 1], where=smaller)
        np.copyto(error, errors[rung], where=smaller)
    return value, error
