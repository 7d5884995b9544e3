"""Length: do result and gradient stay within their bound, however many terms they are made of?

From 1 term to 1,000, and thoroughly 10,000, along every dimension: a tail that is dropped, a block that is
carried over wrongly or an accumulator that is narrower from some length on shows at that length alone.

The exact value is enclosed in balls for float64, and up to 100 terms for all. Beyond, what a narrower type
computes is compared with the formula in float64, enclosed by float64's own rounding bound; that is 2⁻²⁹ of
float32's, and tests hold it to the balls.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from verify.case import HARD, Case
from verify.check import Check, outcome
from verify.comparison import cotangent, forward, gradients, in_ulps, result
from verify.formulas.reference import certified, enclosed_by_float64
from verify.outcome import Outcome

# A thorough case takes the last as well, which is ten times as much work as all others.
LENGTHS = (1, 2, 3, 10, 100, 1000, 10_000)
# Up to so many terms balls are quick enough for every case.
IN_BALLS = 100


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The result and every gradient at every length."""
    for n in LENGTHS if case.thorough else LENGTHS[:-1]:
        asked = case.operation.lengths(n)
        # Balls by the ten thousand are slow: float64 is asked along one dimension there.
        for workload in asked[:1] if n == LENGTHS[-1] and case.dtype == "float64" else asked:
            yield from _at(dataclasses.replace(case, workload=workload), n, case, seed)


def _at(long: Case, n: int, case: Case, seed: int) -> Iterator[Outcome]:
    enclose = certified if n <= IN_BALLS or long.dtype == "float64" else enclosed_by_float64
    (sampled,) = long.points(seed)
    point = dataclasses.replace(sampled, name=long.workload.label)
    computed = result(long, point)
    compared = [forward(long, point, computed, enclose)]
    if long.operation.vjp is not None:
        g = cotangent(long, seed, point, computed.shape)
        compared += (gradient for _, gradient in gradients(long, point, g, enclose))
    for each in compared:
        found = in_ulps(long, point, each)
        figures = {**(found.figures or {}), "length": float(n)}
        yield outcome(CHECK.name, case, seed, point, dataclasses.replace(found, figures=figures))


def _applies(case: Case) -> bool:
    if case.workload == HARD or case.workload != case.operation.check[0]:
        return False
    return any(case.operation.lengths(n) for n in LENGTHS)


CHECK = Check("length", "Do result and gradient stay within their bound at every length?", examine, _applies)
