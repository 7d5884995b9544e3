from __future__ import annotations

import dataclasses
import shlex
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.case import Case, Point
from verify.check import Check, Finding, outcome, raised, reproduce, skipped, worst_of
from verify.operation import Workload
from verify.operations import catalogue
from verify.outcome import Status, Worst, judge

# A busy machine is slow; that is no fault of what is tested.

CASE = Case(catalogue()["softmax"], "cpu", "float32", Workload("3x17-dim1", ((3, 17),), {"dim": 1}))
POINT = Point("ordinary", (np.ones((3, 17)),), {"dim": 1})
PLACE = Worst((4, 17), ("0x1p+0",), "0x1p+0", "0x0p+0")


def told(measured: float, bound: float, worst: Worst | None = PLACE, remark: str = ""):
    finding = Finding("gradient of input 0", measured, bound, "ulp", worst, {"ulps": 3.0}, remark)
    return outcome("accuracy", CASE, 7, POINT, finding)


def test_an_outcome_carries_the_case_the_finding_and_the_seed():
    found = told(1.0, 2.0)
    assert found.case == CASE.id
    assert (found.operation, found.implementation, found.device) == ("softmax", "eager", "cpu")
    assert (found.dtype, found.workload) == ("float32", "3x17-dim1")
    assert (found.check, found.question, found.point) == ("accuracy", "gradient of input 0", "ordinary")
    assert (found.measured, found.bound, found.unit, found.seed) == (1.0, 2.0, "ulp", 7)
    assert found.smallest_visible == 2.0
    assert found.worst == PLACE
    assert found.figures == {"ulps": 3.0}


@pytest.mark.parametrize(
    ("measured", "bound", "status", "message"),
    [
        (1.0, 2.0, Status.PASS, "1 ulp is within the bound 2"),
        (3.0, 2.0, Status.FAIL, "3 ulp exceeds the bound 2 at entry (4, 17). Look here."),
        (np.nan, 2.0, Status.FAIL, "nan ulp exceeds the bound 2 at entry (4, 17). Look here."),
        (
            1.0,
            np.inf,
            Status.INCONCLUSIVE,
            "could not be judged, the bound is inf at entry (4, 17). Look here.",
        ),
    ],
    ids=["pass", "fail", "nan", "inconclusive"],
)
def test_the_message_names_the_case_the_question_the_figure_the_bound_and_the_place(
    measured, bound, status, message
):
    found = told(measured, bound, remark="Look here.")
    assert found.status is status
    assert found.message == f"softmax[cpu-float32-3x17-dim1]: gradient of input 0 at 'ordinary': {message}"


@pytest.mark.parametrize("worst", [None, Worst((), ("0x1p+0",), "", "")])
def test_a_finding_without_a_place_names_none(worst):
    assert told(3.0, 2.0, worst).message.endswith("3 ulp exceeds the bound 2.")


def test_a_bound_that_even_zeros_would_pass_is_not_passed_but_can_be_failed():
    blind = Finding("forward", 0.5, 1.0, "ulp", blind=True)
    found = outcome("accuracy", CASE, 7, POINT, blind)
    assert found.status is Status.INCONCLUSIVE
    assert found.message.endswith("could not be judged, so wide a bound shows nothing.")
    beyond = dataclasses.replace(blind, measured=2.0)
    assert outcome("accuracy", CASE, 7, POINT, beyond).status is Status.FAIL


def test_what_was_no_question_is_skipped_for_its_reason_but_can_fail():
    unasked = Finding("forward", 0.5, 1.0, "ulp", blind=True, unasked="nothing bounds it")
    found = outcome("accuracy", CASE, 7, POINT, unasked)
    assert found.status is Status.SKIPPED
    assert found.message.endswith(": skipped, nothing bounds it")
    for changes, status in (({"blind": False}, Status.PASS), ({"measured": 2.0}, Status.FAIL)):
        changed = dataclasses.replace(unasked, **changes)
        assert outcome("accuracy", CASE, 7, POINT, changed).status is status


@pytest.mark.parametrize("implementation", ["eager", "compiled"])
def test_the_command_that_reproduces_survives_a_shell(implementation):
    case = Case(CASE.operation, "cpu", "float32", CASE.workload, implementation)
    words = shlex.split(reproduce(case, "accuracy", 7))
    assert words[:8] == ["torchstone", "verify", "--select", case.id, "--check", "accuracy", "--seed", "7"]
    assert words[8:] == ([] if implementation == "eager" else ["--implementation", "compiled"])
    assert told(1.0, 2.0).reproduce == reproduce(CASE, "accuracy", 7)


def test_the_command_is_quoted_because_a_shell_expands_brackets(tmp_path):
    matched = "softmaxc"  # what `softmax[cpu-...]` names as a glob
    (tmp_path / matched).touch()
    said = subprocess.run(
        ["sh", "-c", f"echo {reproduce(CASE, 'accuracy', 7)}"], cwd=tmp_path, capture_output=True, text=True
    )
    assert said.stdout.split()[3] == CASE.id


def test_an_exception_is_a_failure_that_names_it():
    found = raised("accuracy", CASE, 7, RuntimeError("no kernel\nand a trace of it"))
    assert found.status is Status.FAIL
    assert found.message == f"{CASE.id}: accuracy could not be examined, RuntimeError: no kernel"
    assert judge(found.measured, found.bound) is Status.FAIL
    assert found.reproduce == reproduce(CASE, "accuracy", 7)
    assert found.case == CASE.id


def test_an_exception_without_words_is_named_by_its_type():
    assert raised("accuracy", CASE, 7, ZeroDivisionError()).message.endswith("ZeroDivisionError: ")


def test_what_cannot_run_is_skipped_with_the_reason():
    found = skipped("accuracy", CASE, 7, "there is no such device")
    assert found.status is Status.SKIPPED
    assert found.message == f"{CASE.id}: skipped, there is no such device"
    assert found.measured is found.bound is None
    assert found.fraction is None
    assert found.case == CASE.id


def test_a_check_applies_to_every_case_unless_it_says_otherwise():
    assert Check("a", "Is it so?", lambda case, seed: ()).applies(CASE)


errors = st.one_of(st.floats(0, 1e308), st.sampled_from([0.0, 5e-324, 1e300, np.inf, np.nan]))
bounds = st.one_of(st.floats(0, 1e308), st.sampled_from([0.0, 5e-324, 1e300, np.inf, np.nan]))


@given(
    st.lists(st.tuples(errors, bounds), min_size=1, max_size=6), st.sampled_from([1.0, 2.0**-1074, 2.0**-30])
)
def test_the_worst_passes_exactly_where_every_entry_is_within_a_finite_bound(entries, scale):
    error, bound = (np.array(column) for column in zip(*entries, strict=True))
    measured, allowed, _ = worst_of(error, bound, np.array(scale), error, error, ())
    within = all(np.isfinite(b) and e <= b for e, b in entries)
    assert (judge(measured, allowed) is Status.PASS) is within
    if not np.isfinite(bound).any():
        assert judge(measured, allowed) is Status.INCONCLUSIVE


def test_the_worst_is_the_entry_that_comes_closest_to_its_own_bound():
    error = np.array([[5.0, 1.0], [2.0, 0.0]])
    bound = np.array([[50.0, 4.0], [3.0, 0.0]])
    computed = np.array([[0.0, 1.0], [0.5, 3.0]])
    x, vector = np.array([[1.0, 2.0], [4.0, 8.0]]), np.array([16.0, 32.0, 64.0])
    measured, allowed, worst = worst_of(error, bound, np.array(0.5), computed, computed + 2, (x, vector))
    assert (measured, allowed) == (4.0, 6.0)
    assert worst == Worst((1, 0), ((4.0).hex(), (16.0).hex()), (0.5).hex(), (2.5).hex())


def test_an_error_where_none_is_allowed_is_the_worst():
    measured, allowed, worst = worst_of(
        np.array([1.0, 1e-30]), np.array([1.0, 0.0]), np.ones(()), np.zeros(2), np.zeros(2), ()
    )
    assert (measured, allowed, worst.index) == (1e-30, 0.0, (1,))


@pytest.mark.parametrize("bound", [np.nan, np.inf])
def test_a_bound_that_is_no_number_is_seen_though_the_entry_is_exact(bound):
    error, bounds = np.array([0.5, 0.0]), np.array([1.0, bound])
    measured, allowed, worst = worst_of(error, bounds, np.ones(()), error, error, ())
    assert worst.index == (1,)
    assert judge(measured, allowed) is Status.INCONCLUSIVE


def test_a_bound_in_units_too_small_for_it_still_bounds():
    tiny = np.array([2.0**-1074])
    passing = worst_of(np.array([1e299]), np.array([1e300]), tiny, tiny, tiny, ())
    failing = worst_of(np.array([1e301]), np.array([1e300]), tiny, tiny, tiny, ())
    assert judge(*passing[:2]) is Status.PASS
    assert judge(*failing[:2]) is Status.FAIL


def test_indices_are_written_as_they_are():
    _, _, worst = worst_of(
        np.array([1.0]), np.array([1.0]), np.ones(()), np.array([2]), np.array([3]), (np.array([7]),)
    )
    assert (worst.input, worst.computed, worst.expected) == (("7",), "2", "3")


def test_an_empty_result_has_no_worst_place():
    nothing = np.zeros((0, 3))
    measured, allowed, worst = worst_of(nothing, nothing, np.ones(()), nothing, nothing, (nothing,))
    assert judge(measured, allowed) is Status.PASS
    assert worst.index == ()


def test_a_result_without_dimensions_has_a_place():
    one = np.array(1.0)
    measured, allowed, worst = worst_of(one, one * 2, one, one, one, (np.array([3.0, 4.0]),))
    assert (measured, allowed) == (1.0, 2.0)
    assert worst == Worst((), ((3.0).hex(),), (1.0).hex(), (1.0).hex())
