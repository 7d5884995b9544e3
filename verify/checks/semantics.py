"""Semantics: does every call keep what torch's documentation promises of all calls of its kind?

Every law in `verify/laws/` is asked of every call that its record shows to be of the kind: how dimensions are
counted and kept, what an input without dimensions or without entries gives, how far a nan reaches, which of
equal entries is taken, what broadcasting means.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.case import HARD, Case
from verify.check import Check, outcome
from verify.example import Example
from verify.law import held
from verify.laws import laws
from verify.outcome import Outcome


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """One outcome for every law that has something to ask of the case."""
    for point in case.points(seed):
        example = Example(case, point, seed)
        for law in laws().values():
            finding = held(law, example)
            if finding is not None:
                yield outcome(CHECK.name, case, seed, point, finding)


def _applies(case: Case) -> bool:
    """Whether the record shows a call of any of the kinds that laws speak of."""
    if case.workload == HARD:
        return False
    operation, options = case.operation, case.workload.options
    named = "dim" in options or operation.reduction or operation.places is not None
    many = operation.entrywise(options) or operation.batch(case.workload) is not None
    return named or many


CHECK = Check(
    "semantics",
    "Are dimensions, sizes of 0, ties, nan and broadcasting as torch documents them?",
    examine,
    _applies,
)
