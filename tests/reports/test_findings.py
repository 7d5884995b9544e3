from __future__ import annotations

import math

import pytest

from reports.catalogue import Cost
from reports.correctness import changes, worst_draws
from reports.findings import summary
from reports.outcomes import read_outcomes
from reports.report import read_findings
from reports.speed import CeilingRate, fraction_of_ceiling
from reports.verdict import verdict
from tests.verify.sample_outcome import changed
from verify.ceilings import Ceiling
from verify.outcome import Status


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        (["pass", "fail", "inconclusive", "known", "skipped"], "fail"),
        (["pass", "inconclusive", "known"], "inconclusive"),
        (["inconclusive"], "inconclusive"),
        (["pass", "known", "skipped"], "pass"),
        (["pass"], "pass"),
        (["skipped", "skipped"], "nothing was verified"),
        ([], "nothing was verified"),
    ],
)
def test_the_verdict_is_the_worst_that_was_found(sample, verified, statuses, word):
    folder = verified([sample.outcome(status, point=str(i)) for i, status in enumerate(statuses)])
    assert verdict(read_outcomes(folder).subject).word == word


def test_no_run_at_all_is_no_success():
    found = verdict(None)
    assert found.word == "nothing was verified"
    assert found.tone == "nothing"


def test_the_sentence_says_what_was_counted(sample, verified):
    records = [sample.outcome(point=str(i)) for i in range(1180)] + [sample.failing()] * 2
    records += [sample.failing("known")] * 14
    sentence = verdict(read_outcomes(verified(records)).subject).sentence
    assert sentence == (
        "torch 2.13.0 on AMD EPYC 7763 64-Core Processor: 2 failures, 14 known deviations, "
        "1,180 of 1,196 judged outcomes pass."
    )


def test_an_interrupted_pass_does_not_look_like_a_pass(sample, verified):
    found = verdict(read_outcomes(verified([sample.outcome()], complete=False)).subject)
    assert found.partial
    assert found.tone == "partial"
    assert "partial" in found.sentence


def test_a_run_that_does_not_say_it_is_complete_is_partial(sample, verified):
    assert verdict(read_outcomes(verified([sample.outcome()], complete=None)).subject).partial


def test_the_matrix_holds_the_worst_status_of_each_cell(results):
    found = read_findings(results("fail"))
    assert found.checks == ("gradient", "accuracy", "identity", "stability")
    assert len(found.matrix) == 80
    cell = found.matrix["tanh", "accuracy"]
    assert cell.worst is Status.FAIL
    assert cell.counts[Status.FAIL] == 2
    assert cell.asked == 50  # 48 pass, 2 fail; the skipped one was not asked
    assert found.matrix["add", "accuracy"].worst is Status.PASS


def test_failures_of_one_question_stand_together_the_worst_first(results):
    found = read_findings(results("fail"))
    tanh = next(group for group in found.failing if group.operation == "tanh")
    assert [outcome.point for outcome in tanh.outcomes] == ["saturated", "tail"]


def test_a_check_that_nobody_foresaw_is_reported(sample, verified):
    found = read_findings(verified([sample.failing(check="levitation")]))
    assert found.checks == ("levitation",)
    assert found.failing[0].check == "levitation"


def test_a_change_of_status_between_runs_is_seen(sample, tmp_path):
    for stamp, status in (("20", "pass"), ("23", "fail")):
        document = sample.document([sample.outcome(status)], started=f"2025-11-{stamp}T10:00:00+00:00")
        sample.write(tmp_path / "outcomes" / f"{stamp}.json", document)
    before, after = read_outcomes(tmp_path).runs
    (change,) = changes(before, after)
    assert (change.before, change.outcome.status) == (Status.PASS, Status.FAIL)
    assert changes(after, after) == ()


def test_accuracy_is_the_worst_fraction_and_the_largest_ulps(results):
    rows = read_findings(results("fail")).accuracy
    assert len(rows) == 80
    row = next(r for r in rows if (r.operation, r.dtype) == ("tanh", "float32"))
    assert (row.worst, row.worst_point) == (pytest.approx(3.1e-2 / 9.8e-4), "saturated")
    assert max(u.error for u in (row.forward, row.gradient) if u) == 2.6e5
    row = next(r for r in rows if (r.operation, r.dtype) == ("gelu", "bfloat16"))
    assert row.known == (pytest.approx(80.0),)
    assert max(row.fractions) < 1


def test_a_figure_that_is_nan_counts_as_lost(sample, verified):
    found = read_findings(verified([sample.failing(measured="nan", figures={"ulps": "nan"})]))
    assert found.accuracy[0].worst == math.inf
    assert math.inf in {u.error for u in (found.accuracy[0].forward, found.accuracy[0].gradient) if u}


def rate(label, kind, amount, size, seconds):
    return CeilingRate(
        Ceiling(label, kind, amount, size), "float32", "cpu", "m", "e", seconds, amount / seconds
    )


PRODUCT = rate("product", "flops", 1e9, 1024, 0.01)  # 1e11 flops a second
SMALL = rate("small copy", "copied", 2e3, 1000, 2e-7)  # 1e10 elements a second
LARGE = rate("large copy", "copied", 2e6, 1_000_000, 1e-3)  # 2e9 elements a second
READ = rate("read", "read", 1e6, 1_000_000, 2e-4)  # 5e9 elements a second


@pytest.mark.parametrize(
    ("cost", "seconds", "fraction", "ceiling"),
    [
        (Cost(1e9, 2e6, 1e6), 0.02, 0.5, "product"),
        (Cost(1e6, 2e6, 1e6), 0.004, 0.25, "large copy"),
        (Cost(10.0, 2e3, 1e3), 4e-7, 0.5, "small copy"),
        (Cost(1e6, 2e6, 0.0), 0.004, 0.1, "read"),
    ],
)
def test_the_fraction_is_of_the_ceiling_that_an_operation_comes_nearest_to(cost, seconds, fraction, ceiling):
    found = fraction_of_ceiling(cost, seconds, [PRODUCT, SMALL, LARGE, READ])
    assert found[0] == pytest.approx(fraction)
    assert found[1] == ceiling


def test_without_a_ceiling_there_is_no_fraction():
    assert fraction_of_ceiling(Cost(1.0, 1.0, 1.0), 1.0, []) == (None, None)


def test_speeds_join_forward_backward_cost_and_ceiling(results):
    speeds = read_findings(results("pass")).speeds
    assert len(speeds.rows) == 20 * 4 * 4 - 1  # one shape of var has neither time
    assert speeds.untimed == 2
    row = speeds.rows[0]
    assert (row.operation, row.workload, row.dtype) == ("add", "4096x1024", "float64")
    elements = 2.0 * 4096 * 1024
    assert row.bytes_per_second == pytest.approx(8 * elements / row.forward.seconds)
    assert row.flops_per_second == pytest.approx(4 * elements / row.forward.seconds)
    assert row.ratio == pytest.approx(row.backward.seconds / row.forward.seconds)
    assert 0 < row.fraction < 1.1
    assert row.ceiling == "copy 8388608"
    assert len({row.operation for row in speeds.slowest}) == len(speeds.slowest) == 20


def test_a_ceiling_of_another_environment_is_no_ceiling(results):
    folder = results("pass")
    path = next((folder / "asv" / "bench-04").glob("8804*.json"))
    path.write_text(path.read_text().replace("ceilings.Ceilings.track_forward", "else.Where.track_forward"))
    speeds = read_findings(folder).speeds
    assert all(row.fraction is None for row in speeds.rows)
    assert speeds.slowest == ()


def test_without_a_catalogue_there_are_seconds_only(results):
    found = read_findings(results("speeds"))
    assert len(found.speeds.rows) > 300
    assert all(row.forward is None or row.forward.seconds > 0 for row in found.speeds.rows)
    assert all(row.fraction is row.flops_per_second is None for row in found.speeds.rows)
    assert found.verdict.word == "nothing was verified"


@pytest.mark.parametrize("damaged", ["{", "[]", "{}", '{"schema": "other"}'])
def test_a_damaged_catalogue_is_named(results, damaged):
    folder = results("pass")
    (folder / "catalogue.json").write_text(damaged)
    found = read_findings(folder)
    assert found.verdict.word == "pass"
    assert "catalogue.json" in found.complaints[0]


def test_the_summary_names_every_failure_and_every_damaged_file(results):
    lines = summary(read_findings(results("damaged")))
    assert lines[0] == ("verdict", "fail")
    assert sum(label == "damaged" for label, _ in lines) == 3
    assert any(label == "fail" and "vector_norm[cpu-float32-5x33]" in text for label, text in lines)


def test_of_several_draws_the_worst_is_listed():
    outcomes = [changed(status=Status.PASS, measured=m, seed=i) for i, m in enumerate((0.5, 1.5, 1.0))]
    known = changed(status=Status.KNOWN, seed=9)
    other = changed(status=Status.PASS, point="elsewhere")
    assert worst_draws(outcomes) == (outcomes[1],)
    assert worst_draws([*outcomes, known, other]) == (known, other)
