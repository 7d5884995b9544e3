from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.case import HARD
from verify.checks import checks
from verify.formulas.arithmetic import DTYPES
from verify.operations import catalogue
from verify.selection import PROFILES, REPEATS, Selection, UnknownName, cases, choose, chosen_checks

# A busy machine is slow; that is no fault of what is tested.

NAMES = tuple(catalogue())


def ids(present=("cpu",), **fields):
    return [case.id for case in cases(Selection(**fields), catalogue(), present)]


patterns = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["*", "*softmax", "soft*", "m??", "[am]*", "*_loss", "[!a-m]*", "max", "a*max"]),
    st.text("amsx*?[]!_-", min_size=1, max_size=5),
)


@given(st.lists(patterns, max_size=3))
def test_globs_choose_what_a_regular_expression_finds_in_the_valid_order(wanted):
    def matches(name, pattern):
        return re.match(fnmatch.translate(pattern), name) is not None

    lost = [pattern for pattern in wanted if not any(matches(name, pattern) for name in NAMES)]
    if lost:
        with pytest.raises(UnknownName, match=re.escape(repr(lost[0]))):
            choose("operation", wanted, NAMES)
    else:
        expected = [n for n in NAMES if not wanted or any(matches(n, p) for p in wanted)]
        assert list(choose("operation", wanted, NAMES)) == expected


def test_globs_tell_capitals_apart():
    with pytest.raises(UnknownName, match="did you mean softmax"):
        choose("operation", ("Softmax",), NAMES)


@pytest.mark.parametrize(
    ("fields", "kind", "fault", "nearest"),
    [
        ({"operations": ("sofmax",)}, "operation", "sofmax", "did you mean softmax"),
        ({"operations": ("softmax", "qqq*")}, "operation", "qqq*", "valid: sigmoid, tanh, relu"),
        ({"operations": ("softmx[cpu-float32-64-dim0]",)}, "operation", "softmx", "did you mean softmax"),
        ({"dtypes": ("float23",)}, "dtype", "float23", "did you mean float32"),
        ({"devices": ("cdua",)}, "device", "cdua", "did you mean cuda"),
        ({"devices": ("cuda:x",)}, "device", "cuda:x", "did you mean cuda"),
        ({"profile": "ful"}, "profile", "ful", "did you mean full"),
        ({"implementation": "compile"}, "implementation", "compile", "did you mean compiled"),
        (
            {"operations": ("softmax[cpu-float32-64-dim1]",)},
            "case",
            "softmax[cpu-float32-64-dim1]",
            "did you mean softmax[cpu-float32-64-dim0]",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_name_is_answered_with_the_nearest_valid_one(fields, kind, fault, nearest):
    with pytest.raises(UnknownName) as raised:
        ids(**fields)
    assert str(raised.value).startswith(f"no {kind} matches {fault!r}: {nearest}")


def test_a_wrong_check_is_answered_with_the_nearest_valid_one():
    with pytest.raises(UnknownName, match="no check matches 'acuracy': did you mean accuracy"):
        chosen_checks(Selection(checks=("acuracy",)), checks())


def test_checks_are_chosen_by_glob_and_all_by_default():
    assert chosen_checks(Selection(), checks()) == tuple(checks().values())
    assert [c.name for c in chosen_checks(Selection(checks=("*y",)), checks())] == [
        name for name in checks() if name.endswith("y")
    ]


def test_by_default_every_operation_has_every_check_workload_and_its_hard_inputs():
    expected = {
        f"{operation.name}[cpu-{dtype}-{workload.label}]"
        for operation in catalogue().values()
        for dtype in PROFILES["quick"]
        for workload in (*operation.check, *([HARD] if operation.domain.hard else []))
    }
    found = ids()
    assert set(found) == expected
    assert len(found) == len(expected)


def test_an_operation_without_hard_inputs_has_no_hard_case(monkeypatch):
    softmax = catalogue()["softmax"]
    bare = type(softmax)(**{**vars(softmax), "domain": type(softmax.domain)(softmax.domain.sample)})
    found = [case.workload for case in cases(Selection(dtypes=("float64",)), {"softmax": bare}, ("cpu",))]
    assert found == list(softmax.check)


def test_a_full_run_has_every_dtype_and_repeats():
    assert {i.split("-")[1] for i in ids(profile="full")} == set(DTYPES)
    assert {i.split("-")[1] for i in ids(profile="quick")} == set(DTYPES) - {"float16"}
    assert REPEATS.keys() == PROFILES.keys()
    assert REPEATS["full"] > REPEATS["quick"] == 1


def test_a_dtype_asked_for_is_run_whatever_the_profile():
    assert {i.split("-")[1] for i in ids(dtypes=("float16",), profile="quick")} == {"float16"}


def test_an_absent_device_is_kept_so_that_a_runner_can_say_why():
    found = ids(operations=("tanh",), devices=("cuda:1", "cpu", "cuda:1"), dtypes=("float32",))
    assert [i.split("[")[1].split("-")[0] for i in found] == ["cuda:1"] * (len(found) // 2) + ["cpu"] * (
        len(found) // 2
    )


def test_without_a_wish_the_devices_are_those_present():
    found = ids(present=("cpu", "mps"), operations=("tanh",), dtypes=("float32",))
    assert {i.split("[")[1].split("-")[0] for i in found} == {"cpu", "mps"}


@pytest.mark.parametrize(
    "name",
    [
        "softmax[cpu-float16-3x17-dim1]",
        "softmax[cuda-float32-hard]",
        "vector_norm[cpu-float64-3x9-dim1-strided]",
        "matmul[cpu-bfloat16-2x1x3x5@4x5x2]",
    ],
)
def test_one_case_is_selected_by_its_whole_name_whatever_the_profile_and_devices(name):
    assert ids(operations=(name,)) == [name]


def test_every_case_is_selected_by_its_own_name():
    for name in ids(operations=("softmax", "prod"), profile="full"):
        assert ids(operations=(name,)) == [name]


def test_whole_names_and_globs_go_together():
    found = ids(operations=("tan?", "softmax[cpu-float64-hard]"), dtypes=("float32",))
    assert found[-1] == "softmax[cpu-float64-hard]"
    assert {i.split("[")[0] for i in found[:-1]} == {"tanh"}


def test_a_whole_case_is_not_taken_for_a_set_of_characters():
    """`[cpu-float32-7]` holds the characters from f to 3 and so on, 6 among them: relu6 is not meant."""
    assert ids(operations=("relu[cpu-float32-7]",)) == ["relu[cpu-float32-7]"]
    with pytest.raises(UnknownName, match=r"no case matches 'relu\[cpu-float32-8\]'"):
        ids(operations=("relu[cpu-float32-8]",))


def test_a_set_of_characters_is_a_glob_and_no_case():
    assert {i.split("[")[0] for i in ids(operations=("soft[m]ax",))} == {"softmax"}


def test_a_compiled_case_is_named_so():
    name = "tanh[cpu-float32-7-compiled]"
    assert ids(operations=(name,), implementation="compiled") == [name]
    assert all(i.endswith("-compiled]") for i in ids(operations=("tanh",), implementation="compiled"))
    with pytest.raises(UnknownName, match="no case matches"):
        ids(operations=(name,), implementation="eager")


def test_a_name_with_dots_is_found_by_its_last_part():
    names = ("sigmoid", "nn.functional.hardsigmoid", "cos")
    with pytest.raises(UnknownName, match=r"did you mean nn\.functional\.hardsigmoid or sigmoid\?"):
        choose("operator", ("hardsigmod",), names)
