"""A finding of a sample in words: what passes, what fails, and what could not be judged."""

from __future__ import annotations

import math

import pytest

from verify.check import Finding
from verify.outcome import Status
from verify.samples.verdict import failed, judged, kept


@pytest.mark.parametrize(
    ("measured", "bound", "blind", "status", "said"),
    [
        (0.5, 1.0, False, Status.PASS, "0.5 ulp is within the bound 1"),
        (1.0, 1.0, False, Status.PASS, "1 ulp is within the bound 1"),
        (0.5, 1.0, True, Status.INCONCLUSIVE, "so wide a bound shows nothing"),
        (2.0, 1.0, False, Status.FAIL, "2 ulp exceeds the bound 1. It is so."),
        (2.0, 1.0, True, Status.FAIL, "2 ulp exceeds the bound 1. It is so."),
        (math.nan, 1.0, True, Status.FAIL, "nan ulp exceeds the bound 1"),
        (0.5, math.nan, False, Status.INCONCLUSIVE, "could not be judged, It is so."),
        (0.5, math.inf, True, Status.INCONCLUSIVE, "could not be judged, It is so."),
    ],
)
def test_what_no_bound_can_show_is_neither_passed_nor_an_excuse_for_a_failure(
    measured, bound, blind, status, said
):
    verdict = judged(Finding("asked", measured, bound, "ulp", remark="It is so.", blind=blind))
    assert verdict.status is status
    assert said in verdict.message
    assert verdict.message.startswith("asked: ")


def test_a_promise_is_kept_or_broken():
    assert (kept("asked").status, failed("asked", "it is not").status) == (Status.PASS, Status.FAIL)
    assert failed("asked", "it is not").message == "asked: it is not"
    assert failed("asked", "it is not").measured > failed("asked", "it is not").bound
