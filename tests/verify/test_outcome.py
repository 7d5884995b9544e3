from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.sample_outcome import OUTCOME, changed
from verify.outcome import Status, Worst, judge

# A busy machine is slow; that is no fault of what is tested.


@given(measured=st.floats(), bound=st.floats())
def test_only_what_is_within_a_finite_bound_passes(measured, bound):
    status = judge(measured, bound)
    if math.isfinite(bound):
        assert status is (Status.PASS if measured <= bound else Status.FAIL)
    else:
        assert status is Status.INCONCLUSIVE


@pytest.mark.parametrize("bound", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("measured", [0.0, -math.inf, math.inf, math.nan])
def test_nothing_passes_a_bound_that_is_no_number(measured, bound):
    assert judge(measured, bound) is Status.INCONCLUSIVE


@pytest.mark.parametrize("measured", [math.inf, math.nan])
def test_a_result_that_is_gone_fails(measured):
    assert judge(measured, 1e300) is Status.FAIL


def test_the_bound_itself_is_within_the_bound():
    assert judge(0.0, 0.0) is Status.PASS
    assert judge(math.nextafter(1.0, 2.0), 1.0) is Status.FAIL


@pytest.mark.parametrize(
    ("implementation", "name"),
    [("eager", "softmax[cpu-float32-3x17-dim1]"), ("compiled", "softmax[cpu-float32-3x17-dim1-compiled]")],
)
def test_the_case_has_the_name_that_selects_it(implementation, name):
    assert changed(implementation=implementation).case == name


@pytest.mark.parametrize(
    ("measured", "bound", "fraction"),
    [
        (0.5, 2.0, 0.25),
        (0.0, 0.0, 0.0),
        (1.0, 0.0, math.inf),
        (math.inf, 2.0, math.inf),
        (None, 2.0, None),
        (1.0, None, None),
    ],
)
def test_the_fraction_of_the_bound(measured, bound, fraction):
    assert changed(measured=measured, bound=bound).fraction == fraction


numbers = st.one_of(st.none(), st.floats())


@given(measured=numbers, bound=numbers, figure=st.floats(), text=st.text(), index=st.lists(st.integers()))
def test_a_record_is_strict_json_and_keeps_every_figure(measured, bound, figure, text, index):
    record = changed(
        measured=measured,
        bound=bound,
        figures={"ulps": figure},
        message=text,
        status=Status.INCONCLUSIVE,
        worst=Worst(tuple(index), ("0x1p+0",), "nan", "inf"),
    ).to_json()
    again = json.loads(json.dumps(record, allow_nan=False))
    assert again == record
    assert again["status"] == "inconclusive"
    assert again["case"] == "softmax[cpu-float32-3x17-dim1]"
    assert again["message"] == text
    assert again["worst"] == {"index": index, "input": ["0x1p+0"], "computed": "nan", "expected": "inf"}
    for stored, meant in ((again["measured"], measured), (again["figures"]["ulps"], figure)):
        if meant is None:
            assert stored is None
        elif math.isfinite(meant):
            assert stored == meant
        else:
            assert stored == str(meant)


def test_every_field_is_in_the_record():
    assert changed().to_json().keys() == {*vars(OUTCOME), "case"}
