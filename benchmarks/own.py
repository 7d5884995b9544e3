"""Whatever no other class claims: an operation from a file of your own is timed with no edit here."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks
from benchmarks._operations import _Operations
from verify.operations import catalogue


def _unclaimed() -> list[str]:
    # asv may import this module alone, and a class claims its subjects only once it is imported.
    for info in pkgutil.iter_modules(benchmarks.__path__, f"{benchmarks.__name__}."):
        if info.name != __name__:
            importlib.import_module(info.name)
    claimed = {subject for claimant in _Operations.__subclasses__() for subject in claimant.subjects}
    return sorted({operation.subject for operation in catalogue().values()} - claimed)


class Own(_Operations, subjects=_unclaimed()):
    """Every operation whose subject has no class of its own; no benchmark when there is none."""
