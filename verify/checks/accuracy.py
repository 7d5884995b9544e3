"""Accuracy: how far is the result, and its gradient, from the exact value?

The exact value is enclosed in ball arithmetic, so the error is proved. It is reported in ulps and as
a fraction of the bound that a rounding-error analysis of the algorithm gives. Far out that bound can be
larger than the result; those inputs are the stability check's, which holds them to their condition too.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.case import Case
from verify.check import Check, Finding, outcome
from verify.comparison import cotangent, forward, gradients, in_ulps, result
from verify.formulas.reference import wrong_entries
from verify.outcome import Outcome


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The forward result and the gradient of every point that is not far out, against the enclosure."""
    for point in case.points(seed):
        if point.far:
            continue
        computed = result(case, point)
        if computed.dtype.kind == "f":
            finding = in_ulps(case, point, forward(case, point, computed))
        else:
            evaluate = case.operation.forward.evaluate
            wrong = wrong_entries(evaluate, point.inputs, point.options, computed)
            finding = Finding("forward", wrong, 0.0, "wrong entries")
        yield outcome(CHECK.name, case, seed, point, finding)
        if case.operation.vjp is not None:
            for _, gradient in gradients(case, point, cotangent(case, seed, point, computed.shape)):
                yield outcome(CHECK.name, case, seed, point, in_ulps(case, point, gradient))


CHECK = Check("accuracy", "How far is the result from the exact value, in ulps and of its bound?", examine)
