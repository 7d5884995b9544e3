"""Atlas: at which magnitudes each operation is right, and at which it loses what a number could hold."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.ordering import dtype_rank
from verify.formulas.arithmetic import Arithmetic
from verify.outcome import Outcome, Status

CHECK, POINT = "range", "every input scaled"
_BAND = re.compile(r"(right|explained|lost) from 2\^(-?\d+)")
# Heights in a strip of 20: the result above, its gradients below.
_FORWARD, _GRADIENT = 6, 14


@dataclass(frozen=True)
class Band:
    """Neighbouring binades, both ends included, and what was seen there."""

    seen: str
    first: int
    last: int


@dataclass(frozen=True)
class Strip:
    """The bands of one operation in one dtype as paths: in range, right, and lost.

    `lost` counts the binades in which the result, and any gradient, is lost; `told` says where.
    """

    right: str
    explained: str
    lost: str
    counts: tuple[int, int]
    told: str
    status: Status


@dataclass(frozen=True)
class Atlas:
    """The strips by operation and dtype, and where on the strip of a dtype its powers of two lie."""

    operations: tuple[str, ...]
    dtypes: tuple[str, ...]
    strips: Mapping[tuple[str, str], Strip]

    def ticks(self, dtype: str) -> tuple[tuple[float, str], ...]:
        """A few exponents and their positions."""
        least, greatest = Arithmetic.of(dtype).exponents
        chosen = (least, 0, greatest + 1)
        return tuple((round(position(e, dtype), 1), str(e).replace("-", "−")) for e in chosen)


def position(exponent: float, dtype: str) -> float:
    """Where 2^exponent lies on a strip a hundred wide: by its root, which spreads what is near 1."""
    least, greatest = Arithmetic.of(dtype).exponents
    end = max(-least, greatest + 1)
    return 50 + 50 * math.copysign(math.sqrt(abs(exponent) / end), exponent)


def bands(outcome: Outcome) -> tuple[Band, ...]:
    """The bands that an outcome of the range check carries in its figures."""
    found = [(_BAND.fullmatch(name), last) for name, last in outcome.figures.items()]
    return tuple(Band(match[1], int(match[2]), int(last)) for match, last in found if match)


def atlas(outcomes: Iterable[Outcome], operations: Sequence[str]) -> Atlas:
    """The strips of a run's outcomes, on its first device; none where the run did not ask of them."""
    asked: dict[tuple[str, str], list[Outcome]] = {}
    device = ""
    for outcome in outcomes:
        if outcome.check == CHECK and outcome.point == POINT:
            device = device or outcome.device
            if outcome.device == device:
                asked.setdefault((outcome.operation, outcome.dtype), []).append(outcome)
    strips = {key: _strip(those) for key, those in asked.items()}
    names = {operation for operation, _ in strips}
    dtypes = sorted({dtype for _, dtype in strips}, key=dtype_rank)
    return Atlas(tuple(name for name in operations if name in names), tuple(dtypes), strips)


def _strip(outcomes: Sequence[Outcome]) -> Strip:
    paths = {"right": "", "explained": "", "lost": ""}
    counts = [0, 0]
    for outcome in outcomes:
        of_gradient = outcome.question != "forward"
        lost = int(outcome.figures.get("binades lost", 0))
        counts[of_gradient] = max(counts[of_gradient], lost)
        for band in bands(outcome):
            height = _GRADIENT if of_gradient else _FORWARD
            left, right = (position(e, outcome.dtype) for e in (band.first, band.last + 1))
            paths[band.seen] += f"M{left:.4g} {height}H{right:.4g}"
    worst = max(outcomes, key=lambda o: (o.status is Status.FAIL, o.figures.get("binades lost", 0)))
    return Strip(**paths, counts=(counts[0], counts[1]), told=_told(outcomes), status=worst.status)


def _told(outcomes: Sequence[Outcome]) -> str:
    """Every band that is lost, in words."""
    return "; ".join(
        f"{outcome.question} lost from 2^{band.first} to 2^{band.last}"
        for outcome in outcomes
        for band in bands(outcome)
        if band.seen == "lost"
    )
