from __future__ import annotations

import dataclasses
import json
import math
import shlex
import warnings

import pytest
import torch

from verify import devices, known_deviations, run, storage
from verify.case import HARD, Case
from verify.check import Check, Finding, outcome
from verify.checks import checks
from verify.operations import catalogue
from verify.outcome import Outcome, Status
from verify.run import THREADS, Run, fresh_seed, store, to_json, verify
from verify.selection import REPEATS, Selection

QUICK = Selection()
TANH = catalogue()["tanh"]
CASES = tuple(Case(TANH, "cpu", "float32", workload) for workload in TANH.check)


def found(
    case: Case, seed: int, measured: float = 1.0, bound: float = 2.0, question: str = "forward"
) -> Outcome:
    return outcome("own", case, seed, case.points(seed)[0], Finding(question, measured, bound, "ulp"))


def verified(*asked: Check, cases=CASES, seed=3, selection=QUICK, **arguments) -> Run:
    return verify(cases, asked, selection, seed, "torchstone verify", **arguments)


PASSING = Check("own", "Is it so?", lambda case, seed: (found(case, seed),))


def with_statuses(*statuses: Status, complete: bool = True) -> Run:
    outcomes = tuple(dataclasses.replace(found(CASES[0], 0), status=status) for status in statuses)
    return Run(outcomes, (), 0, "quick", "torchstone verify", "then", "now", complete)


@pytest.mark.parametrize(
    ("statuses", "complete", "exit_status"),
    [
        ((Status.PASS,), True, 0),
        ((Status.KNOWN,), True, 0),
        ((Status.PASS, Status.KNOWN), True, 0),
        ((Status.PASS, Status.SKIPPED), True, 0),
        ((Status.PASS, Status.KNOWN, Status.SKIPPED), True, 0),
        ((), True, 1),
        ((Status.SKIPPED, Status.SKIPPED), True, 1),
        ((Status.FAIL,), True, 1),
        ((Status.INCONCLUSIVE,), True, 1),
        ((Status.PASS, Status.FAIL), True, 1),
        ((Status.PASS, Status.INCONCLUSIVE), True, 1),
        ((Status.KNOWN, Status.INCONCLUSIVE, Status.SKIPPED), True, 1),
        (tuple(Status), True, 1),
        ((Status.PASS,), False, 1),
        ((Status.PASS, Status.KNOWN, Status.SKIPPED), False, 1),
        ((), False, 1),
    ],
    ids=lambda value: "-".join(value) or "nothing" if isinstance(value, tuple) else str(value),
)
def test_the_exit_status_is_0_only_if_all_that_was_judged_is_right(statuses, complete, exit_status):
    assert with_statuses(*statuses, complete=complete).exit_status == exit_status


@pytest.mark.parametrize("status", Status)
def test_outcomes_are_counted_by_status(status):
    assert with_statuses(*Status, status).count(status) == 2


def test_every_case_is_asked_every_check_in_order():
    seen = []
    second = dataclasses.replace(PASSING, name="second")
    run = verified(PASSING, second, progress=lambda case, check: seen.append((case.id, check.name)))
    assert seen == [(case.id, check) for case in CASES for check in ("own", "second")]
    assert len(run.outcomes) == len(seen)
    assert run.complete
    assert (run.seed, run.profile, run.command) == (3, "quick", "torchstone verify")
    assert run.started <= run.finished


def test_a_check_that_does_not_apply_is_no_part_of_the_run():
    picky = dataclasses.replace(PASSING, applies=lambda case: case == CASES[1])
    assert [o.case for o in verified(picky).outcomes] == [CASES[1].id]


def test_the_command_that_reproduces_names_the_files_of_ones_own(tmp_path):
    own = (tmp_path / "my ops.py", tmp_path / "others.py")
    plain, named = verified(PASSING).outcomes[0], verified(PASSING, own_operations=own).outcomes[0]
    words = shlex.split(named.reproduce)
    assert words == [*shlex.split(plain.reproduce), "--operations", str(own[0]), "--operations", str(own[1])]


def drawing(*measured, **fields):
    """A check whose draws measure one figure after the other, against a bound of 1."""

    def examine(case, seed):
        yield dataclasses.replace(found(case, seed), **judged(measured[seed - 3]), bound=1.0, **fields)

    return Check("own", "Is it so?", examine)


def judged(measured):
    return {"measured": measured, "status": Status.PASS if measured <= 1 else Status.FAIL}


def full(*asked):
    return verified(*asked, cases=CASES[:1], selection=Selection(profile="full")).outcomes


def test_a_full_run_examines_every_case_with_several_seeds_and_keeps_the_pass_nearest_to_its_bound():
    (kept,) = full(drawing(0.1, 0.5, 0.9, 0.2, 0.3))
    assert kept.seed == 5
    assert kept.measured == 0.9
    assert kept.figures["draws"] == REPEATS["full"]


def test_what_does_not_pass_in_a_draw_is_kept_whatever_the_others_do():
    outcomes = full(drawing(0.1, 2.0, 0.9, 3.0, 0.3))
    assert [(o.status, o.seed) for o in outcomes] == [(Status.FAIL, 4), (Status.FAIL, 6), (Status.PASS, 5)]
    assert outcomes[-1].figures["draws"] == 3


@pytest.mark.parametrize("status", [Status.INCONCLUSIVE, Status.SKIPPED])
def test_a_draw_that_showed_nothing_is_no_pass_of_the_others(status):
    def examine(case, seed):
        seen = dataclasses.replace(found(case, seed), measured=0.1, bound=1.0)
        # At any look of that draw.
        yield dataclasses.replace(seen, status=status) if seed % 2**31 == 4 else seen

    outcomes = full(Check("own", "Is it so?", examine, draws=True))
    assert [o.status for o in outcomes if o.status is not Status.PASS] == [status]
    assert [o.figures["draws"] for o in outcomes if o.status is Status.PASS] == [REPEATS["full"] - 1]


def test_two_witnesses_of_one_draw_are_two_outcomes():
    def examine(case, seed):
        yield dataclasses.replace(found(case, seed), measured=0.1 * (seed - 2), bound=1.0)
        yield dataclasses.replace(found(case, seed), measured=0.9 - 0.1 * (seed - 2), bound=1.0)

    assert [o.seed for o in full(Check("own", "Is it so?", examine))] == [7, 3]


def test_the_nearest_is_the_one_of_the_largest_part_of_its_own_bound():
    def examine(case, seed):
        measured, bound = (2.0, 10.0) if seed == 4 else (1.0, 1.5)
        yield dataclasses.replace(found(case, seed), measured=measured, bound=bound)

    (kept,) = full(Check("own", "Is it so?", examine))
    assert (kept.measured, kept.bound) == (1.0, 1.5)


@pytest.mark.parametrize("field", ["question", "point"])
def test_what_one_draw_alone_comes_to_is_kept_beside_the_rest(field):
    def examine(case, seed):
        if seed == 3:
            yield dataclasses.replace(found(case, seed), **{field: "seldom"}, measured=0.1, bound=1.0)
        yield dataclasses.replace(found(case, seed), **{field: "always"}, measured=0.9, bound=1.0)

    kept = full(Check("own", "Is it so?", examine))
    assert {getattr(o, field): o.measured for o in kept} == {"seldom": 0.1, "always": 0.9}


def test_a_quick_run_tells_of_no_draws():
    (kept,) = verified(drawing(0.1), cases=CASES[:1]).outcomes
    assert "draws" not in kept.figures


@pytest.mark.parametrize("fails_in", ["check", "progress"])
def test_an_interrupt_keeps_what_was_measured_and_the_number_of_threads(fails_in):
    during = []

    def examine(case, seed):
        during.append(torch.get_num_threads())
        yield found(case, seed)
        if fails_in == "check" and case == CASES[1]:
            raise KeyboardInterrupt

    def progress(case, check):
        if fails_in == "progress" and case == CASES[1]:
            raise KeyboardInterrupt

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run = verified(Check("own", "Is it so?", examine), progress=progress)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert [o.case for o in run.outcomes] == [CASES[0].id]
    assert set(during) == {THREADS} == {1}
    assert not run.complete
    assert run.exit_status == 1


def test_the_number_of_threads_is_restored_after_an_error_in_the_suite_itself():
    before = torch.get_num_threads()
    torch.set_num_threads(2)

    def applies(case):
        raise LookupError("a fault of the check, not of torch")

    try:
        with pytest.raises(LookupError):
            verified(dataclasses.replace(PASSING, applies=applies))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def applying(name):
    """A case of the catalogue of which a check has something to ask, and another."""
    held = (Case(o, "cpu", "float32", w) for o in catalogue().values() for w in (*o.check, HARD))
    first = next(case for case in held if checks()[name].applies(case))
    return first, next(case for case in held if checks()[name].applies(case))


def broken(*inputs, **options):
    raise RuntimeError("no kernel image\nis available")


# Whatever raises has refused, and the refusal check has nothing to say to that.
@pytest.mark.parametrize("name", [name for name in checks() if name != "refusal"])
def test_an_operation_that_raises_passes_nothing_and_the_rest_is_run(name):
    first, second = applying(name)
    broke = dataclasses.replace(first, operation=dataclasses.replace(first.operation, function=broken))
    outcomes = verified(checks()[name], cases=[broke, second]).outcomes
    of_broken = [o for o in outcomes if o.case == first.id]
    assert of_broken
    assert all(o.status in (Status.FAIL, Status.INCONCLUSIVE) for o in of_broken)
    assert {o.case for o in outcomes} == {first.id, second.id}


@pytest.mark.parametrize(
    "name", ["accuracy", "gradient", "identity", "invariance", "length", "range", "stability"]
)
def test_an_operation_that_raises_is_named_with_what_it_said(name):
    first, _ = applying(name)
    broke = dataclasses.replace(first, operation=dataclasses.replace(first.operation, function=broken))
    (outcome,) = verified(checks()[name], cases=[broke]).outcomes
    assert outcome.status is Status.FAIL
    assert outcome.message == f"{first.id}: {name} could not be examined, RuntimeError: no kernel image"


def test_a_warning_of_the_operation_is_no_failure():
    def examine_aloud(case, seed):
        warnings.warn("deprecated", UserWarning, stacklevel=1)
        yield found(case, seed)

    assert verified(Check("own", "Is it so?", examine_aloud)).exit_status == 0


def figures(outcomes):
    return [(o.case, o.check, o.question, o.point, o.status, o.measured, o.bound, o.worst) for o in outcomes]


@pytest.fixture(scope="module")
def several():
    """A run of all checks on cases of several operations."""
    names = ("log_softmax", "max", "mse_loss")
    cases = [Case(catalogue()[n], "cpu", "float32", w) for n in names for w in catalogue()[n].check[:2]]
    return cases, verify(cases, tuple(checks().values()), QUICK, 11, "")


def test_the_same_seed_gives_the_same_figures(several):
    cases, whole = several
    again = verify(cases, tuple(checks().values()), QUICK, 11, "")
    other = verify(cases, tuple(checks().values()), QUICK, 12, "")
    assert figures(again.outcomes) == figures(whole.outcomes)
    assert figures(other.outcomes) != figures(whole.outcomes)


def test_a_case_run_alone_gives_the_figures_it_has_within_the_whole(several):
    cases, whole = several
    for case in reversed(cases):
        for check in checks().values():
            alone = verify([case], [check], QUICK, 11, "").outcomes
            within = [o for o in whole.outcomes if (o.case, o.check) == (case.id, check.name)]
            assert figures(alone) == figures(within)


def test_the_repeats_of_a_full_run_are_the_quick_runs_of_their_seeds():
    case, check = CASES[0], checks()["accuracy"]
    full = verify([case], [check], Selection(profile="full"), 11, "").outcomes
    for o in full:
        alone = verify([case], [check], QUICK, o.seed, "").outcomes
        assert figures([o])[0] in figures(alone)


def test_a_fresh_seed_is_fresh_and_fits_31_bits():
    seeds = [fresh_seed() for _ in range(64)]
    assert len(set(seeds)) > 60
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_an_absent_device_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.setattr(devices, "absence", lambda device: "there is none" if device == "cuda" else None)

    def examine(case, seed):
        raise AssertionError("examined on a device that is not here")

    case = dataclasses.replace(CASES[0], device="cuda")
    run = verified(Check("own", "Is it so?", examine), cases=[case], selection=Selection(profile="full"))
    (skip,) = run.outcomes
    assert skip.status is Status.SKIPPED
    assert skip.message == f"{case.id}: skipped, there is none"
    assert run.exit_status == 1


def test_cuda_is_skipped_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = verified(*checks().values(), cases=[dataclasses.replace(CASES[0], device="cuda")])
    assert run.outcomes
    assert {o.status for o in run.outcomes} == {Status.SKIPPED}
    assert all("sees no cuda device on this machine" in o.message for o in run.outcomes)


def test_a_dtype_that_a_device_cannot_hold_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.setattr(devices, "unsupported", lambda device, dtype: f"{device} has no {dtype}")
    (skip,) = verified(PASSING, cases=CASES[:1]).outcomes
    assert skip.message.endswith("skipped, cpu has no float32")


@pytest.fixture
def listed(monkeypatch):
    """The list of known deviations with one entry: the failure of `own` at its only point."""
    entry = known_deviations.Deviation(
        "tanh", "own", "*", ("ordinary",), ("float32",), ("cpu",), ">=2.0", "1", "", "It is so."
    )
    monkeypatch.setattr(known_deviations, "read", lambda: (entry,))
    return entry


def test_a_listed_failure_is_known_and_not_stale(listed):
    failing = Check("own", "Is it so?", lambda case, seed: (found(case, seed, measured=3.0),))
    run = verified(failing)
    assert {o.status for o in run.outcomes} == {Status.KNOWN}
    assert run.stale == ()
    assert run.exit_status == 0


def test_a_listed_failure_that_passes_is_stale(listed):
    assert verified(PASSING).stale == (listed,)


def test_an_interrupted_run_calls_nothing_stale(listed):
    def examine(case, seed):
        if case == CASES[1]:
            raise KeyboardInterrupt
        yield found(case, seed)

    assert verified(Check("own", "Is it so?", examine)).stale == ()


def no_constant(word):
    raise AssertionError(f"{word} is no JSON")


def test_a_run_is_stored_whole_as_strict_json(tmp_path, listed):
    def examine(case, seed):
        yield found(case, seed)
        yield found(case, seed, math.nan, math.inf, "a bound that is none")

    run = verified(Check("own", "Is it so?", examine))
    path = store(dataclasses.replace(run, stale=(listed,)), tmp_path)
    assert path.parent == tmp_path / storage.OUTCOMES
    assert list(path.parent.iterdir()) == [path]
    record = json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)
    assert record["schema"] == storage.OUTCOMES_SCHEMA
    assert record["run"] | {"torchstone": ""} == {
        "started": run.started,
        "finished": run.finished,
        "complete": True,
        "profile": "quick",
        "seed": 3,
        "command": "torchstone verify",
        "torchstone": "",
    }
    assert len(record["outcomes"]) == len(run.outcomes) == 2 * len(CASES)
    assert record["outcomes"] == json.loads(json.dumps([o.to_json() for o in run.outcomes]))
    assert (record["outcomes"][1]["measured"], record["outcomes"][1]["bound"]) == ("nan", "inf")
    assert record["stale"][0]["points"] == ["ordinary"]
    assert record["torch"]["version"] == torch.__version__
    assert record["torch"]["threads"] == THREADS


def test_the_record_tells_the_machine_and_every_kind_of_device(monkeypatch):
    monkeypatch.setattr(devices, "absence", lambda kind: None if kind == "cpu" else f"no {kind}")
    record = to_json(verified(PASSING))
    assert record["devices"][0] == {
        "name": "cpu",
        "description": devices.describe("cpu"),
        "present": True,
        "reason": None,
    }
    assert record["devices"][1:] == [
        {"name": kind, "description": "", "present": False, "reason": f"no {kind}"}
        for kind in devices.KINDS[1:]
    ]
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["cpu"]


def test_runs_that_start_at_other_times_or_from_other_seeds_do_not_overwrite_each_other(tmp_path):
    one = verified(PASSING)
    others = [one, dataclasses.replace(one, seed=4), dataclasses.replace(one, started="2001-02-03T04:05:06Z")]
    assert len({store(run, tmp_path) for run in others}) == 3
    assert (tmp_path / "outcomes" / "20010203T040506Z-3.json").is_file()


def test_a_version_that_is_not_installed_is_unknown(monkeypatch):
    def absent(name):
        raise run.PackageNotFoundError(name)

    monkeypatch.setattr(run, "version", absent)
    assert to_json(verified(PASSING))["run"]["torchstone"] == "unknown"


def test_a_dtype_in_which_torch_defines_no_such_operation_is_skipped_with_the_reason():
    narrow = dataclasses.replace(TANH, dtypes=("float64", "float32"))
    (skipped,) = verified(PASSING, cases=(Case(narrow, "cpu", "bfloat16", TANH.check[0]),)).outcomes
    assert skipped.status is Status.SKIPPED
    assert skipped.message.endswith("torch documents tanh for float64 and float32 alone")


def test_an_operation_that_this_torch_does_not_have_is_skipped_with_the_reason():
    newer = dataclasses.replace(TANH, needs=("torch.tanh", "torch.nn.functional.no_such_norm"))
    (skipped,) = verified(PASSING, cases=(Case(newer, "cpu", "float32", TANH.check[0]),)).outcomes
    assert skipped.status is Status.SKIPPED
    assert skipped.message.endswith(f"torch {torch.__version__} has no torch.nn.functional.no_such_norm")


def test_a_check_that_draws_nothing_is_asked_once_and_looked_at_once():
    seeds = []

    def unseen(case, seed):
        seeds.append(seed)
        yield found(case, seed, 1.0, math.nan)

    fixed = Check("own", "Is it so?", unseen, draws=False)
    verified(fixed, cases=CASES[:1], selection=Selection(profile="full"))
    assert seeds == [3]
