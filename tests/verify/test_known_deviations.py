from __future__ import annotations

import dataclasses
import math

import pytest
from packaging.specifiers import SpecifierSet

from tests.verify.sample_outcome import changed
from verify import scaled
from verify.case import ORDINARY, Case
from verify.checks import checks
from verify.checks.promotion import EVERY_DTYPE
from verify.devices import KINDS
from verify.formulas.arithmetic import DTYPES
from verify.known_deviations import Deviation, mark, read, stale
from verify.operation import Operation
from verify.operations import catalogue
from verify.outcome import Status, Worst
from verify.samples.checks import sample_checks
from verify.samples.operators import every_operator
from verify.samples.outcomes import GRADIENT

DEVIATION = Deviation(
    operation="sigmoid",
    check="stability",
    question="forward",
    points=("far", "farther"),
    dtypes=("float32", "bfloat16"),
    devices=("cpu", "cuda"),
    torch=">=2.0,<2.14",
    measured="all of it",
    issue="https://github.com/pytorch/pytorch/issues/1",
    why="It rounds away.",
)
OUTCOME = changed(
    operation="sigmoid", workload="hard", check="stability", point="far", measured=1.0, bound=0.5
)
ENTRY = """[[deviation]]
operation = "sigmoid"
check = "*"
question = "*"
points = ["far"]
dtypes = ["float32"]
devices = ["cpu"]
torch = ">=2.0"
measured = "1"
issue = ""
why = "It rounds away."
"""


def name(deviation: Deviation) -> str:
    return f"{deviation.operation}-{deviation.check}-{deviation.question}-{deviation.points[0]}"


LISTED = pytest.mark.parametrize("listed", read(), ids=name)


def scaled_points(operation: Operation) -> set[str]:
    """The names of the points that the range check scales."""
    return {
        scaling.unit.name
        for workload in scaled.workloads(operation, thorough=True)
        for scaling in scaled.scalings(Case(operation, "cpu", operation.dtypes[0], workload), each=True)
    }


def summed_points(operation):
    """The points of the check of summation, in a thorough case of the dtype that is asked the most."""
    case = Case(operation, "cpu", "float32", operation.check[0], thorough=True)
    return {outcome.point for outcome in checks()["summation"].examine(case, 1)}


@LISTED
def test_a_listed_deviation_speaks_of_what_exists(listed):
    if listed.check in sample_checks():
        assert listed.operation in every_operator()
        assert listed.points == ("*",)
    else:
        operation = catalogue()[listed.operation]
        assert listed.check in ("*", *checks())
        named = (*operation.domain.hard, *operation.special, *operation.refuses)
        names = {ORDINARY, EVERY_DTYPE, *(point.name for point in named), *scaled_points(operation)}
        if listed.check == "summation":
            names = {"*", *summed_points(operation)}
        assert set(listed.points) <= names
        assert listed.check != "range" or math.isfinite(listed.limit), "a loss of any number of binades"
    assert set(listed.dtypes) <= set(DTYPES)
    assert set(listed.devices) <= set(KINDS)
    for field in (listed.points, listed.dtypes, listed.devices):
        assert field
        assert len(set(field)) == len(field)


@LISTED
def test_a_listed_deviation_says_why_and_what_was_measured(listed):
    assert SpecifierSet(listed.torch)
    assert listed.measured
    assert listed.why.endswith(".")
    assert listed.issue == "" or listed.issue.startswith("https://github.com/pytorch/pytorch/")


@LISTED
def test_what_deviates_at_ordinary_inputs_is_limited(listed):
    """Without a limit the entry would pass any fault of the operation, wherever it is looked at."""
    if listed.check in sample_checks():
        assert listed.check == GRADIENT or listed.limit is not None
    elif {"*", ORDINARY} & set(listed.points):
        assert listed.limit is not None
        assert math.isfinite(listed.limit)
        assert listed.check != "*", "a limit is in the unit of one check"


@pytest.mark.parametrize(
    ("measured", "status"), [(3.0, Status.KNOWN), (5.0, Status.FAIL), (math.nan, Status.FAIL)]
)
def test_what_is_further_off_than_the_limit_is_a_new_fault(measured, status):
    limited = dataclasses.replace(DEVIATION, limit=4.0)
    (marked,) = mark([dataclasses.replace(OUTCOME, measured=measured)], (limited,), "2.13.0")
    assert marked.status is status


@pytest.mark.parametrize(
    ("computed", "status"),
    [
        ("0x0.0p+0", Status.KNOWN),
        ("inf", Status.KNOWN),
        ("nan", Status.KNOWN),
        ("-0x1p-30", Status.KNOWN),
        ("0x1p+0", Status.FAIL),
        ("-0x1p-28", Status.FAIL),
    ],
)
def test_without_a_limit_the_loss_of_a_value_is_known_and_another_value_is_not(computed, status):
    lost = dataclasses.replace(OUTCOME, worst=Worst((0,), (), computed, "0x1p-30"))
    (marked,) = mark([lost], (DEVIATION,), "2.13.0")
    assert marked.status is status


def test_a_limit_is_a_number(tmp_path):
    path = tmp_path / "listed.toml"
    path.write_text(ENTRY + "limit = 4.0\n", encoding="utf-8")
    assert read(path)[0].limit == 4
    path.write_text(ENTRY + 'limit = "4"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="limit must be a float"):
        read(path)


def test_no_deviation_is_listed_twice():
    one_by_one = [
        (entry.operation, entry.check, entry.question, point, dtype, device)
        for entry in read()
        for point in entry.points
        for dtype in entry.dtypes
        for device in entry.devices
    ]
    assert len(set(one_by_one)) == len(one_by_one)


@pytest.mark.parametrize("status", Status)
def test_only_a_failure_becomes_known(status):
    outcome = dataclasses.replace(OUTCOME, status=status)
    (marked,) = mark([outcome], (DEVIATION,), "2.13.0")
    if status is Status.FAIL:
        assert marked.status is Status.KNOWN
        assert marked.issue == DEVIATION.issue
        assert marked.message == f"{OUTCOME.message} Known: {DEVIATION.why}"
    else:
        assert marked == outcome


def test_without_an_upstream_issue_there_is_none():
    (marked,) = mark([OUTCOME], (dataclasses.replace(DEVIATION, issue=""),), "2.13.0")
    assert marked.status is Status.KNOWN
    assert marked.issue is None


@pytest.mark.parametrize(
    "other",
    [
        {"operation": "tanh"},
        {"check": "accuracy"},
        {"question": "gradient of input 0"},
        {"point": "near"},
        {"dtype": "float16"},
        {"dtype": "float64"},
        {"device": "mps"},
    ],
    ids=lambda other: "-".join(other.values()),
)
def test_a_failure_beside_a_listed_one_stays_a_failure(other):
    outcome = dataclasses.replace(OUTCOME, **other)
    assert mark([outcome], (DEVIATION,), "2.13.0") == (outcome,)


@pytest.mark.parametrize("other", [{"check": "accuracy"}, {"question": "gradient of input 0"}])
def test_a_star_covers_every_check_and_question(other):
    wide = dataclasses.replace(DEVIATION, check="*", question="*")
    (marked,) = mark([dataclasses.replace(OUTCOME, **other)], (wide,), "2.13.0")
    assert marked.status is Status.KNOWN


def test_a_numbered_device_is_of_its_kind():
    assert DEVIATION.covers(dataclasses.replace(OUTCOME, device="cuda:1"), "2.13.0")


@pytest.mark.parametrize(
    ("version", "covered"),
    [
        ("2.13.0", True),
        ("2.13.0+cpu", True),
        ("2.13.0a0+git1234567", True),
        ("2.9.1.dev20250101+cu126", True),
        ("1.13.1", False),
        ("2.14.0+cu130", False),
    ],
)
def test_an_entry_speaks_of_its_versions_of_torch_alone(version, covered):
    assert DEVIATION.covers(OUTCOME, version) is covered


def test_the_first_entry_that_covers_a_failure_explains_it():
    elsewhere = dataclasses.replace(DEVIATION, operation="tanh", why="Not this.")
    second = dataclasses.replace(DEVIATION, why="Nor this.")
    (marked,) = mark([OUTCOME], (elsewhere, DEVIATION, second), "2.13.0")
    assert marked.message.endswith("It rounds away.")


@pytest.mark.parametrize(
    ("statuses", "silent"),
    [
        ([], False),
        ([Status.PASS], True),
        ([Status.PASS, Status.PASS], True),
        ([Status.PASS, Status.KNOWN], False),
        ([Status.FAIL], False),
        # What could not be judged or run says nothing of whether the fault is still there.
        ([Status.INCONCLUSIVE], False),
        ([Status.SKIPPED], False),
        ([Status.PASS, Status.INCONCLUSIVE], False),
    ],
    ids=lambda value: "-".join(value) or "none" if isinstance(value, list) else "",
)
def test_an_entry_is_stale_when_all_that_it_covers_passes(statuses, silent):
    elsewhere = dataclasses.replace(OUTCOME, operation="tanh", status=Status.PASS)
    outcomes = tuple(dataclasses.replace(OUTCOME, status=status) for status in statuses)
    found = stale((elsewhere, *outcomes), (DEVIATION,), "2.13.0")
    assert found == ((DEVIATION,) if silent else ())


def test_an_entry_of_some_machines_alone_explains_but_is_never_stale():
    some = dataclasses.replace(DEVIATION, only="cpu with AVX-512")
    failed = dataclasses.replace(OUTCOME, status=Status.FAIL)
    passed = dataclasses.replace(OUTCOME, status=Status.PASS)
    assert mark([failed], (some,), "2.13.0")[0].status is Status.KNOWN
    assert stale((passed,), (some,), "2.13.0") == ()


def test_an_entry_of_another_torch_is_not_stale():
    passed = dataclasses.replace(OUTCOME, status=Status.PASS)
    assert stale((passed,), (DEVIATION,), "2.14.0") == ()


def test_an_entry_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text(ENTRY + ENTRY.replace("sigmoid", "tanh"))
    first, second = read(path)
    assert first == Deviation(
        "sigmoid", "*", "*", ("far",), ("float32",), ("cpu",), ">=2.0", "1", "", "It rounds away."
    )
    assert second.operation == "tanh"


def test_a_file_without_entries_lists_nothing(tmp_path):
    path = tmp_path / "known.toml"
    path.write_text("# none\n")
    assert read(path) == ()


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('question = "*"\n', "", "missing or unknown fields question"),
        ('question = "*"\n', 'questions = "*"\n', "missing or unknown fields question, questions"),
        ('dtypes = ["float32"]', 'dtypes = "bfloat16"', "dtypes must be a list"),
        ('measured = "1"', "measured = 1.0", "measured must be a string"),
        ('check = "*"', 'check = ["*"]', "check must be a string"),
        ('torch = ">=2.0"', 'torch = "from 2.0 on"', "torch is no version specifier"),
    ],
    ids=["missing", "misspelt", "no list", "number", "list", "version"],
)
def test_a_wrong_entry_is_named_with_its_field(tmp_path, right, wrong, message):
    path = tmp_path / "known.toml"
    path.write_text(ENTRY + ENTRY.replace(right, wrong))
    with pytest.raises(ValueError, match=rf"known\.toml, entry 2: {message}"):
        read(path)
