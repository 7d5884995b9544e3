"""Our gradient checker fails every planted gradient above the error it calls visible, and no right one."""

from __future__ import annotations

import pytest

from verify.outcome import Status
from verify.planted import planted
from verify.selftest.checkers import ours
from verify.selftest.score import OURS, Judgement, Result, Verdict

# torch's forward mode compiles its own formulas at first use, by a way that torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

_SEED = 20240229
_WRONG = tuple(p for p in planted() if p.wrong)
_RIGHT = tuple(p for p in planted() if not p.wrong)


@pytest.mark.parametrize("p", _WRONG, ids=lambda p: p.name)
def test_a_wrong_gradient_is_failed(p):
    said = ours(p, _SEED)
    if not Result(p.name, p.kind, p.wrong, p.size, {OURS: said}).promised:
        # It may be missed, because the checker says so; a gross fault must not be waved through that way.
        assert p.size is not None
        assert p.size < 1e-9, f"only a relative error above {said.visible:g} is visible"
        return
    assert said.verdict is Verdict.WRONG, f"an error of {said.visible:g} is stated as visible"


@pytest.mark.parametrize("p", _RIGHT, ids=lambda p: p.name)
def test_a_right_gradient_is_passed(p):
    assert ours(p, _SEED).verdict is Verdict.RIGHT


def test_the_statuses_are_told_apart(monkeypatch):
    class Report:
        def __init__(self, status):
            self.status = status
            self.smallest_visible_error = 0.5
            self.smallest_visible_entry = 0.25

    for status, verdict in (
        (Status.PASS, Verdict.RIGHT),
        (Status.FAIL, Verdict.WRONG),
        (Status.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ):
        monkeypatch.setattr("verify.selftest.checkers.check_gradient", lambda *a, s=status, **k: Report(s))
        assert ours(_RIGHT[0], _SEED) == Judgement(verdict, visible=0.5, visible_entry=0.25)
