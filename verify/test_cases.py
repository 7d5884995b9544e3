"""The cases as test items: `pytest --pyargs verify` runs what `torchstone verify` runs.

Select with pytest's own `-k`. `TORCHSTONE_SEED` repeats a run, `TORCHSTONE_PROFILE=full` widens it; a
failure prints its seed and the command that shows it alone.
"""

from __future__ import annotations

import os

import pytest
import torch

from verify import devices, known_deviations, run, selection
from verify.case import Case
from verify.check import Check
from verify.checks import checks
from verify.examination import examine
from verify.operations import catalogue
from verify.outcome import Status

_SEED = int(os.environ.get("TORCHSTONE_SEED") or run.fresh_seed())
_SELECTION = selection.Selection(profile=os.environ.get("TORCHSTONE_PROFILE", "quick"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item a case and check."""
    items = [
        pytest.param(case, check, id=f"{check.name}-{case.id}")
        for case in selection.cases(_SELECTION, catalogue(), devices.present())
        for check in checks().values()
        if check.applies(case)
    ]
    metafunc.parametrize(("case", "check"), items)


def test_case(case: Case, check: Check) -> None:
    """Everything the check measures on the case passes; a listed deviation is an expected failure."""
    unsupported = case.undefined or devices.unsupported(case.device, case.dtype)
    if unsupported:
        pytest.skip(unsupported)
    outcomes = known_deviations.mark(examine(case, check, _SEED), known_deviations.read(), torch.__version__)
    assert outcomes, f"{case.id}: {check.name} measured nothing"
    bad = [o for o in outcomes if o.status in (Status.FAIL, Status.INCONCLUSIVE)]
    if bad:
        pytest.fail("\n".join(f"{o.message}\n  reproduce: {o.reproduce}" for o in bad), pytrace=False)
    known = [o for o in outcomes if o.status is Status.KNOWN]
    if known:
        pytest.xfail("; ".join(f"{o.message} {o.issue or ''}" for o in known))
