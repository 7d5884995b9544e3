"""The selftest: its table counts what the checkers said, and its exit status is ours to answer for."""

from __future__ import annotations

import json
import math

import pytest
import torch
from typer.testing import CliRunner

from reports import score as scoring
from torchstone.command_line import app
from verify.planted.fault import Fault, named, scaled
from verify.planted.host import Host, hosts
from verify.planted.planting import plant
from verify.selftest import checkers
from verify.selftest.score import Judgement, Result, RightChecks, Score, Verdict
from verify.selftest.sharpness import Sharpness

# torch's forward mode compiles its own formulas at first use, by a way that torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

TANH = tuple(host for host in hosts() if host.name == "tanh 7")
SIGN = Fault("sign", scaled(-1.0), named("tanh 7"), size=2.0)
SMALL = Fault("small", scaled(1 + 1e-6), named("tanh 7"), size=1e-6)
TINY = plant((SIGN, SMALL), TANH)


def says(verdict, visible=1e-9):
    return lambda planted, seed: Judgement(verdict, visible)


def truth(planted, seed):
    return Judgement(Verdict.WRONG if planted.wrong else Verdict.RIGHT, 1e-9)


def with_ours(checker, planted=TINY):
    return checkers.run(planted, 1, {"ours": checker, "slow": truth})


def test_the_table_of_two_planted_faults():
    score = checkers.run(TINY, 1)
    sign, small = score.rows
    assert (sign.kind, sign.wrong, sign.right, sign.promised) == ("sign", 1, 1, 1)
    assert (small.kind, small.wrong, small.right, small.promised) == ("small", 1, 1, 1)
    assert {name: tally.caught for name, tally in sign.tallies.items()} == {"ours": 1, "slow": 1, "fast": 1}
    # gradcheck's defaults allow a relative error of 1e-3.
    assert {name: tally.caught for name, tally in small.tallies.items()} == {"ours": 1, "slow": 0, "fast": 0}
    for name, tally in score.total.tallies.items():
        assert (tally.false_alarms, tally.inconclusive, tally.not_run) == (0, 0, 0), name
        assert tally.seconds > 0, name
    assert score.total.wrong == score.total.right == 2
    assert (score.missed, score.false_alarms, score.exit_status) == ((), (), 0)


@pytest.mark.parametrize("mode", ["forward", "second order"])
def test_each_checker_is_asked_about_the_mode_of_the_fault(mode):
    planted = plant((Fault("sign", scaled(-1.0), named("tanh 7"), size=2.0, mode=mode),), TANH)
    score = checkers.run(planted, 1)
    assert {name: tally.caught for name, tally in score.total.tallies.items()} == {
        "ours": 1,
        "slow": 1,
        "fast": 1,
    }
    assert score.exit_status == 0


def test_a_fault_that_we_miss_is_named_and_fails():
    score = with_ours(says(Verdict.RIGHT))
    assert [r.name for r in score.missed] == ["tanh 7: sign", "tanh 7: small"]
    assert score.exit_status == 1
    text = " ".join(line.plain for line in scoring.complaints(score))
    assert "missed  tanh 7: small" in text
    assert "a relative error of 1.00e-6, where 1.00e-9 is stated as visible" in text


def test_a_false_alarm_is_named_and_fails():
    score = with_ours(says(Verdict.WRONG))
    assert score.missed == ()
    assert [r.name for r in score.false_alarms] == ["tanh 7: without sign", "tanh 7: without small"]
    assert score.exit_status == 1
    assert "false alarm  tanh 7: without sign (seed 1)" in [line.plain for line in scoring.complaints(score)]


def test_the_others_misses_and_false_alarms_are_not_ours():
    score = checkers.run(TINY, 1, {"ours": truth, "slow": says(Verdict.RIGHT), "fast": says(Verdict.WRONG)})
    assert score.total.tallies["slow"].caught == 0
    assert score.total.tallies["fast"].false_alarms == 2
    assert score.exit_status == 0


def test_inconclusive_is_neither_caught_nor_a_false_alarm():
    score = with_ours(says(Verdict.INCONCLUSIVE))
    tally = score.total.tallies["ours"]
    assert (tally.caught, tally.false_alarms, tally.inconclusive) == (0, 0, 4)
    assert len(score.missed) == 2
    assert score.false_alarms == ()


def test_ours_alone_judges_right_gradients_alone_again_with_other_seeds():
    asked = {"ours": [], "slow": []}

    def asking(name):
        def checker(planted, seed):
            asked[name].append((planted.name, seed))
            return truth(planted, seed)

        return checker

    score = checkers.run(TINY[:2], 7, {name: asking(name) for name in asked}, repeats=3)
    wrong, right = "tanh 7: sign", "tanh 7: without sign"
    # The first judgement of the first gradient is for what is loaded at first use, and is not kept.
    assert asked["slow"][1:] == [(wrong, 7), (right, 7)]
    assert asked["ours"][1:] == [(wrong, 7), (right, 7), (right, 8), (right, 9)]
    assert [len(r.repeats) for r in score.results] == [0, 2]
    assert score.right_checks == RightChecks(count=3, right=3, false_alarms=0, inconclusive=0)
    assert score.exit_status == 0


def test_a_false_alarm_at_a_later_seed_is_counted_named_and_fails():
    def alarmed(planted, seed):
        if planted.wrong or seed == 1:
            return truth(planted, seed)
        return Judgement(Verdict.INCONCLUSIVE if seed == 3 else Verdict.WRONG, 1e-9)

    score = checkers.run(TINY, 1, {"ours": alarmed}, repeats=4)
    assert score.right_checks == RightChecks(count=8, right=2, false_alarms=4, inconclusive=2)
    assert score.total.tallies["ours"].false_alarms == 0  # the table compares one judgement of each checker
    assert score.missed == ()
    assert score.exit_status == 1
    assert [line.plain for line in scoring.complaints(score)] == [
        "false alarm  tanh 7: without sign (seed 2, 4)",
        "false alarm  tanh 7: without small (seed 2, 4)",
    ]
    assert "4 false alarms, 2 inconclusive in 8 checks of 2 right gradients, 2 of them passed" in (
        scoring.summary(score)
    )


def test_a_wrong_gradient_called_wrong_is_no_false_alarm():
    score = with_ours(truth)
    assert [r.false_alarms for r in score.results] == [(), (), (), ()]
    assert score.false_alarms == ()


def right(visible, entry, mode="reverse", repeats=()):
    said = Judgement(Verdict.RIGHT, visible, visible_entry=entry)
    return Result(f"right {visible}", "kind", False, None, {"ours": said}, mode, repeats)


def test_how_small_an_error_was_visible_is_told_of_right_gradients_in_reverse_mode():
    wrong = Judgement(Verdict.WRONG, 1.0, visible_entry=1.0)
    score = Score(
        (
            right(1e-12, 1e-10),
            right(4e-12, math.nan, repeats=(Judgement(Verdict.RIGHT, 3e-12, visible_entry=None),)),
            right(0.5, 0.5, mode="forward"),
            right(0.5, 0.5, mode="second order"),
            Result("wrong", "kind", True, None, {"ours": wrong}),
        ),
        1,
    )
    assert score.visible == Sharpness(count=3, without=0, median=3e-12, largest=4e-12)
    assert score.visible_entry == Sharpness(count=1, without=2, median=1e-10, largest=1e-10)
    *_, whole, entry = scoring.summary(score)
    assert "whole gradient: median 3.00e-12, largest 4.00e-12 in 3 checks in reverse mode" in whole
    assert "none stated" not in whole
    assert "one entry: median 1.00e-10, largest 1.00e-10 in 1 checks" in entry
    assert "none stated in 2" in entry
    record = score.to_json()
    assert record["visible"] == {"count": 3, "without": 0, "median": 3e-12, "largest": 4e-12}
    assert record["visible_entry"] == {"count": 1, "without": 2, "median": 1e-10, "largest": 1e-10}
    json.dumps(record, allow_nan=False)


def test_an_error_that_nothing_would_show_has_no_figure_in_json():
    score = Score((right(math.inf, math.nan),), 1)
    assert (score.visible.median, score.visible.largest) == (math.inf, math.inf)
    assert score.to_json()["visible"] == {"count": 1, "without": 0, "median": None, "largest": None}
    assert "median ∞, largest ∞" in scoring.summary(score)[2]
    assert "median —, largest — in 0 checks in reverse mode, none stated in 1" in scoring.summary(score)[3]


def test_ours_states_what_it_saw_in_the_whole_and_in_one_entry():
    score = checkers.run(TINY, 1, {"ours": checkers.ours})
    for judgement in (r.judgements["ours"] for r in score.results):
        assert 0 < judgement.visible < 1e-9
        assert 0 < judgement.visible_entry < 1e-8
        assert judgement.visible_entry != judgement.visible
    assert score.visible.count == score.visible_entry.count == 2


def test_the_mode_of_a_fault_is_kept_with_its_result():
    planted = plant((Fault("sign", scaled(-1.0), named("tanh 7"), size=2.0, mode="forward"),), TANH)
    score = with_ours(truth, planted)
    assert [r.mode for r in score.results] == ["forward", "forward"]
    assert score.visible.count == 0


def test_not_run_catches_nothing():
    score = checkers.run(TINY, 1, {"ours": truth, "slow": says(Verdict.NOT_RUN)})
    tally = score.total.tallies["slow"]
    assert (tally.caught, tally.false_alarms, tally.not_run) == (0, 0, 2)


@pytest.mark.parametrize(
    ("size", "visible", "promised"),
    [
        (1e-6, 1e-9, True),
        (1e-12, 1e-9, False),
        (1e-6, math.inf, False),
        (1e-6, math.nan, False),
        (None, math.inf, True),
    ],
)
def test_only_what_is_above_our_stated_visible_error_is_promised(size, visible, promised):
    result = Result("a fault", "kind", True, size, {"ours": Judgement(Verdict.RIGHT, visible)})
    assert result.promised is promised
    score = Score((result,), 1)
    assert bool(score.missed) is promised
    # Where nothing that we promise to see was planted, nothing was shown.
    assert score.exit_status == 1


def test_a_large_function_is_not_shown_to_the_slow_mode():
    (large,) = (host for host in hosts() if host.name == "softmax 1024")
    planted = plant((Fault("zero", scaled(0.0), named("softmax 1024"), size=1.0),), (large,))
    assert checkers.slow(planted[0], 1) == Judgement(Verdict.NOT_RUN)
    many = Host("sum", "large", torch.sum, lambda generator: (torch.ones(20_000, dtype=torch.float64),))
    planted = plant((Fault("zero", scaled(0.0), named("sum"), size=1.0),), (many,))
    assert checkers.slow(planted[0], 1) == Judgement(Verdict.NOT_RUN)


def test_what_a_checker_raises_names_the_planted_gradient():
    def broken(planted, seed):
        raise RuntimeError("no verdict")

    with pytest.raises(RuntimeError, match="no verdict") as caught:
        with_ours(broken)
    assert any("tanh 7: sign" in note for note in caught.value.__notes__)


def test_threads_and_random_numbers_are_left_as_they_were():
    before, state = torch.get_num_threads(), torch.get_rng_state()
    used = []

    def drawing(planted, seed):
        torch.rand(3)
        used.append(torch.get_num_threads())
        return truth(planted, seed)

    with_ours(drawing)
    assert set(used) == {1}
    assert torch.get_num_threads() == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command line on the tiny set, with a checker in the place of ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("verify.planted.planted", lambda: TINY)

    def run(checker, *arguments):
        monkeypatch.setattr(checkers, "CHECKERS", {**checkers.CHECKERS, "ours": checker})
        return CliRunner().invoke(app, ["selftest", "--part", "gradients", *arguments])

    return run


def test_the_command_prints_the_table_and_writes_every_verdict(command, tmp_path):
    done = command(checkers.ours, "--seed", "3", "--json", "score.json")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert ["sign", "1", "1", "1", "1", "1", "0", "0", "0", "0", "0"] in [line[:11] for line in lines]
    assert ["small", "1", "1", "1", "0", "0", "0", "0", "0", "0", "0"] in [line[:11] for line in lines]
    assert ["all", "2", "2", "2", "1", "1", "0", "0", "0", "0", "0"] in [line[:11] for line in lines]
    assert "2 of the 2 faults above our stated visible error caught" in done.output
    assert "0 false alarms, 0 inconclusive in 2 checks of 2 right gradients, 2 of them passed" in done.output
    assert "seed 3" in done.output
    record = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    assert record["schema"] == "torchstone.selftest/2"
    assert record["seed"] == 3
    assert "checks" not in record
    record = record["gradients"]
    assert [g["name"] for g in record["gradients"]] == [p.name for p in TINY]
    assert record["gradients"][0]["judgements"]["slow"]["verdict"] == "wrong"
    assert 0 < record["gradients"][0]["judgements"]["ours"]["visible"] < 1e-6
    assert [row["kind"] for row in record["kinds"]] == ["sign", "small"]
    assert record["missed"] == record["false_alarms"] == []


def test_the_command_fails_where_our_checker_misses(command, tmp_path):
    done = command(says(Verdict.RIGHT, math.nan), "--json", "score.json")
    assert done.exit_code == 1
    assert json.loads((tmp_path / "score.json").read_text())["gradients"]["gradients"][0]["judgements"][
        "ours"
    ] == {
        "verdict": "right",
        "visible": None,
        "visible_entry": None,
        "seconds": pytest.approx(0, abs=1),
    }
    done = command(says(Verdict.RIGHT))
    assert done.exit_code == 1
    assert "missed  tanh 7: sign (a relative error of 2.00" in done.output
    assert "0 of the 2 faults" in done.output


def test_the_command_repeats_right_gradients(command, tmp_path):
    seeds = []

    def asking(planted, seed):
        seeds.append(seed)
        return truth(planted, seed)

    done = command(asking, "--seed", "5", "--repeats", "3", "--json", "score.json")
    assert done.exit_code == 0, done.output
    assert set(seeds) == {5, 6, 7}
    assert "0 false alarms, 0 inconclusive in 6 checks of 2 right gradients" in done.output
    record = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["gradients"]
    assert record["right_checks"] == {"count": 6, "right": 6, "false_alarms": 0, "inconclusive": 0}
    assert [len(g["repeats"]) for g in record["gradients"]] == [0, 2, 0, 2]
    assert {j["verdict"] for g in record["gradients"] for j in g["repeats"]} == {"right"}


def test_no_repeat_at_all_is_refused(command):
    done = command(truth, "--repeats", "0")
    assert done.exit_code == 2
    assert "--repeats" in done.output


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_judged(command):
    asked = []

    def asking(planted, seed):
        asked.append(planted)
        return truth(planted, seed)

    done = command(asking, "--json", ".")
    assert done.exit_code == 2
    assert "cannot write" in done.output
    assert asked == []


def test_an_interrupt_keeps_nothing_and_says_so(command, tmp_path):
    def interrupted(planted, seed):
        raise KeyboardInterrupt

    done = command(interrupted, "--json", "score.json")
    assert done.exit_code == 130
    assert "interrupted" in done.output
    assert not (tmp_path / "score.json").exists()
