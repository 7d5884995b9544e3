from __future__ import annotations

import json
import math

import pytest

from reports.outcomes import outcome_from_json, read_outcomes
from verify.outcome import Status


def test_every_run_is_read_and_the_newest_is_the_subject(results):
    stored = read_outcomes(results("fail"))
    assert [run.started.day for run in stored.runs] == [20, 23]
    assert stored.subject is stored.runs[-1]
    assert not stored.subject.partial
    assert stored.complaints == ()


def test_the_frame_has_one_row_an_outcome(results):
    run = read_outcomes(results("fail")).subject
    assert len(run.frame) == len(run.outcomes) > 2000
    assert {"operation", "status", "case", "fraction"} <= set(run.frame.columns)


def test_the_newest_run_is_the_one_that_started_last_in_any_time_zone(sample, tmp_path):
    for name, started in (("a", "2025-11-23T12:00:00+05:00"), ("b", "2025-11-23T10:00:00+00:00")):
        document = sample.document([sample.outcome()], started=started)
        sample.write(tmp_path / "outcomes" / f"{name}.json", document)
    assert read_outcomes(tmp_path).subject.path.name == "b.json"


@pytest.mark.parametrize(
    ("stored", "read"), [("inf", math.inf), ("-inf", -math.inf), ("nan", math.nan), (None, None), (0.5, 0.5)]
)
def test_figures_that_json_has_no_number_for_come_back(sample, stored, read):
    measured = outcome_from_json(sample.outcome(measured=stored)).measured
    assert measured == read or (math.isnan(measured) and math.isnan(read))


def test_an_outcome_survives_being_stored(sample):
    outcome = outcome_from_json(sample.failing(measured="inf", figures={"ulps": "inf", "other": 3.0}))
    assert outcome_from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", '{"schema": "torchstone.outcomes/9"}', '{"schema": "torchstone.outcomes/1"}', "\x00"],
)
def test_a_damaged_file_is_named_left_alone_and_hides_nothing(results, damaged):
    folder = results("fail")
    path = folder / "outcomes" / "20251124T100000Z.json"
    path.write_text(damaged)
    stored = read_outcomes(folder)
    assert len(stored.runs) == 2
    (complaint,) = stored.complaints
    assert str(path) in complaint
    assert "newer than the run shown" in complaint
    assert path.read_text() == damaged


def test_a_file_that_is_no_text_is_named(results):
    folder = results("pass")
    (folder / "outcomes" / "0.json").write_bytes(b"\xff\xfe\x00")
    (complaint,) = read_outcomes(folder).complaints
    assert "0.json" in complaint
    assert "newer" not in complaint


@pytest.mark.parametrize(
    "broken", [{"status": "splendid"}, {"measured": "much"}, {"seed": None}, {"worst": {}}]
)
def test_a_damaged_record_makes_the_run_partial_and_leaves_the_others(sample, verified, broken):
    stored = read_outcomes(verified([sample.outcome(), sample.outcome() | broken, "no record"]))
    assert len(stored.subject.outcomes) == 1
    assert stored.subject.outcomes[0].status is Status.PASS
    assert stored.subject.partial
    assert len(stored.complaints) == 2
    assert "outcome 1" in stored.complaints[0]


def test_a_damaged_stale_deviation_is_named_and_the_others_are_kept(sample, tmp_path):
    document = sample.document([sample.outcome()])
    (whole,) = document["stale"]
    document["stale"] = [{**whole, "points": "ordinary"}, whole]
    sample.write(tmp_path / "outcomes" / "run.json", document)
    stored = read_outcomes(tmp_path)
    assert stored.subject.stale == (whole,)
    (complaint,) = stored.complaints
    assert "stale deviation 0" in complaint


def test_a_folder_without_runs_has_no_subject(tmp_path):
    stored = read_outcomes(tmp_path)
    assert stored.subject is None
    assert stored.complaints == ()
