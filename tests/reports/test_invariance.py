from __future__ import annotations

from reports.invariance import counterexample, invariance
from tests.verify.sample_outcome import changed
from verify.outcome import Status, Worst

SAME = changed(check="invariance", question="memory", figures={"strided: entries that differ": 0.0})
WORST = Worst((3,), (), "0x1.2p+0", "0x1.0p+0")


def differing(status=Status.PASS, relative=1e-7, column="strided", **fields):
    figures = {f"{column}: entries that differ": 2.0, f"{column}: largest relative difference": relative}
    fields = {"check": "invariance", "question": "memory", "worst": WORST} | fields
    return changed(status=status, figures=figures, **fields)


def cell(*outcomes, column="strided"):
    return invariance(outcomes).cells[SAME.operation, column]


def test_a_cell_says_yes_where_every_call_gave_the_same_bits():
    found = cell(SAME, SAME)
    assert found.same
    assert found.asked == 2
    assert found.example is None


def test_a_cell_keeps_the_first_counterexample_and_the_largest_difference():
    first, second = differing(relative=1e-7, point="far"), differing(relative=1e-3)
    found = cell(SAME, first, second)
    assert not found.same
    assert (found.asked, found.differing, found.relative) == (3, 2, 1e-3)
    assert found.example is first


def test_the_gravest_verdict_is_that_of_the_calls_that_differ():
    failed = changed(check="invariance", question="memory", status=Status.FAIL, figures=SAME.figures)
    assert cell(failed, differing()).status is Status.PASS
    assert cell(differing(), differing(Status.KNOWN)).status is Status.KNOWN
    assert cell(differing(Status.FAIL), differing(Status.KNOWN)).status is Status.FAIL


def test_what_does_not_apply_has_no_cell_and_other_checks_none_at_all():
    found = invariance((SAME, changed(check="accuracy", figures={"ulps": 1.0})))
    assert found.columns == ("strided",)
    assert (SAME.operation, "threads") not in found.cells


def test_the_columns_of_a_variation_are_beside_each_other_and_counted():
    tanh = differing(column="offset", operation="tanh")
    threads = differing(column="threads", question="threads")
    found = invariance((SAME, threads, tanh))
    assert found.columns == ("strided", "offset", "threads")
    assert found.unchanging("strided") == (1, 1)
    assert found.unchanging("offset") == (0, 1)


def test_a_counterexample_names_the_case_the_place_and_both_values():
    told = counterexample(differing(point="far"))
    assert told == f"{SAME.case} at 'far', entry (3,): 0x1.2p+0 where it was 0x1.0p+0"
    assert counterexample(differing(point="far", worst=None)) == f"{SAME.case} at 'far'"
