"""The selftest of the checks: what is caught, missed and called wrong is counted by check."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from reports import trials as showing
from torchstone.command_line import app
from verify.selftest import trying
from verify.selftest.trial import Trial, Trials
from verify.wrong_on_purpose import planted
from verify.wrong_on_purpose.fault import Fault, wrong_backward, wrong_forward

LOUD = Fault("loud", wrong_forward("tanh", lambda x: 2 * torch.tanh(x)), "accuracy")
# What no check of accuracy can see: the operation itself.
SILENT = Fault("silent", wrong_forward("tanh", torch.tanh), "accuracy")
GRADIENT = Fault("doubled", wrong_backward("tanh", lambda g, y, x, r, o: (2 * r[0],)), "gradient")


def tried(*faults):
    return trying.run(faults, 3)


def test_a_fault_is_caught_by_its_check_or_missed():
    trials = tried(LOUD, SILENT, GRADIENT)
    assert [(t.fault, t.caught) for t in trials.trials] == [
        ("loud", True),
        ("silent", False),
        ("doubled", True),
    ]
    assert [t.fault for t in trials.missed] == ["silent"]
    assert [(r.check, r.planted, r.caught, r.right, r.alarms) for r in trials.rows] == [
        ("accuracy", 2, 1, 1, 0),
        ("gradient", 1, 1, 1, 0),
    ]
    assert "exceeds the bound" in trials.trials[0].message
    assert trials.exit_status == 1
    assert tried(LOUD, GRADIENT).exit_status == 0


def test_a_call_that_only_raises_is_not_caught():
    def raising(x):
        raise RuntimeError("not today")

    (trial,) = tried(Fault("raises", wrong_forward("tanh", raising), "accuracy")).trials
    assert not trial.caught
    assert "not today" in trial.message


def test_what_is_right_and_called_wrong_is_an_alarm(monkeypatch):
    wrong = {**trying.catalogue(), "tanh": LOUD.operation}
    monkeypatch.setattr(trying, "catalogue", lambda: wrong)
    trials = tried(LOUD, SILENT)
    assert len(trials.alarms) == 1  # the operation is the same, and asked once
    assert trials.rows[0].alarms == trials.rows[0].right == 1
    assert trials.exit_status == 1


def test_where_nothing_is_planted_nothing_is_shown():
    assert Trials((), 1).exit_status == 1


def test_threads_are_put_back():
    before = torch.get_num_threads()
    tried(LOUD)
    assert torch.get_num_threads() == before


def test_every_fault_has_a_name_of_its_own():
    names = [(fault.check, fault.name, fault.dtype) for fault in planted()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("caught", "alarm", "said"),
    [
        (True, None, []),
        (False, None, ["missed  accuracy: loud (why)"]),
        (True, "it", ["false alarm  accuracy: it"]),
    ],
)
def test_what_went_wrong_is_said_by_name(caught, alarm, said):
    trials = Trials((Trial("loud", "tanh", "accuracy", "float64", caught, "why", alarm, 0.1),), 1)
    assert [line.plain for line in showing.complaints(trials)] == said


def test_the_command_prints_the_table_and_writes_every_trial(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("verify.wrong_on_purpose.planted", lambda: (LOUD, GRADIENT))
    done = CliRunner().invoke(app, ["selftest", "--part", "checks", "--seed", "3", "--json", "s.json"])
    assert done.exit_code == 0, done.output
    lines = [line.split()[:5] for line in done.output.splitlines()]
    assert ["accuracy", "1", "1", "1", "0"] in lines
    assert ["all", "2", "2", "2", "0"] in lines
    record = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert record["schema"] == "torchstone.selftest/2"
    assert "gradients" not in record
    assert [t["fault"] for t in record["checks"]["trials"]] == ["loud", "doubled"]
    assert record["checks"]["rows"][0]["check"] == "accuracy"


def test_the_command_fails_where_a_fault_is_missed(monkeypatch):
    monkeypatch.setattr("verify.wrong_on_purpose.planted", lambda: (SILENT,))
    done = CliRunner().invoke(app, ["selftest", "--part", "checks"])
    assert done.exit_code == 1
    assert "missed  accuracy: silent" in done.output


def test_an_unknown_part_is_refused_with_the_parts_there_are():
    done = CliRunner().invoke(app, ["selftest", "--part", "check"])
    assert done.exit_code == 2
    assert "did you mean checks" in done.output
