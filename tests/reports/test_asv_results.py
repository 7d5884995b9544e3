from __future__ import annotations

import math

import pytest

from reports.asv_results import COLUMNS, newest, read_speeds

PARAMS = [["softmax 64", "softmax 4096x1024"], ["float32"], ["cpu"]]
NAME = "softmax.Softmax.track_forward"


def one_file(sample, folder, row, name="8804ac7f-env.json", **changed):
    document = sample.asv_document({NAME: row}, **changed)
    sample.write(folder / "asv" / "bench-04" / "machine.json", {"machine": "bench-04"})
    return sample.write(folder / "asv" / "bench-04" / name, document)


def benchmarks(sample, folder, **changed):
    benchmark = {"param_names": ["workload", "dtype", "device"], "unit": "seconds", "version": "1"} | changed
    sample.write(folder / "asv" / "benchmarks.json", {NAME: benchmark, "version": 2})


def test_a_stored_time_is_read_with_its_case_and_quartiles(sample, tmp_path):
    benchmarks(sample, tmp_path)
    one_file(sample, tmp_path, sample.asv_row(PARAMS, [1e-6, 2e-3], 5))
    stored = read_speeds(tmp_path)
    assert stored.complaints == ()
    assert tuple(stored.frame.columns) == COLUMNS
    row = stored.frame.iloc[1]
    case = [row[key] for key in ("operation", "workload", "dtype", "device")]
    assert case == ["softmax", "4096x1024", "float32", "cpu"]
    assert (row.direction, row.machine, row.commit, row.torch) == (
        "forward",
        "bench-04",
        "8804ac7f",
        "2.13.0",
    )
    assert row.seconds_low < row.seconds == 2e-3 < row.seconds_high


def test_a_file_that_asv_itself_wrote_is_read(tmp_path):
    import datetime

    from asv.results import Results
    from asv.runner import BenchmarkResult

    params = [[repr(value) for value in values] for values in PARAMS]
    results = Results({"machine": "m"}, {"torch": "2.13.0"}, "f" * 40, 1763890000000, "3.11", "env", {})
    measured = BenchmarkResult([None, None], [[2e-3] * 9, None], [1, None], 0, "", None)
    measured.result[0] = 2e-3
    started = datetime.datetime(2025, 11, 23, tzinfo=datetime.UTC)
    benchmark = {"name": NAME, "version": "1", "params": params}
    results.add_result(benchmark, measured, started_at=started, duration=1.0)
    results.save(str(tmp_path / "asv"))
    frame = read_speeds(tmp_path).frame
    assert frame["seconds"].iloc[0] == frame["seconds_low"].iloc[0] == 2e-3
    assert math.isnan(frame["seconds"].iloc[1])
    assert frame["measured_at"].iloc[0] == started.timestamp() * 1000


@pytest.mark.parametrize("missing", [None, [None, 2e-3], [math.nan, 2e-3]])
def test_a_missing_time_is_kept_as_missing(sample, tmp_path, missing):
    benchmarks(sample, tmp_path)
    one_file(sample, tmp_path, [missing, [[repr(v) for v in values] for values in PARAMS], "1"])
    stored = read_speeds(tmp_path)
    assert stored.complaints == ()
    assert math.isnan(stored.frame["seconds"].iloc[0])
    assert len(newest(stored.frame)) == (0 if missing is None else 1)


def test_the_newest_time_of_a_case_wins_and_a_missing_one_never_does(sample, tmp_path):
    benchmarks(sample, tmp_path)
    one_file(sample, tmp_path, sample.asv_row(PARAMS, [3.0, 3.0], 300), "a-env.json")
    one_file(sample, tmp_path, sample.asv_row(PARAMS, [1.0, 1.0], 100), "b-env.json")
    one_file(sample, tmp_path, sample.asv_row(PARAMS, [None, 4.0], 400), "c-env.json")
    current = newest(read_speeds(tmp_path).frame).set_index("workload")["seconds"]
    assert current.to_dict() == {"64": 3.0, "4096x1024": 4.0}


def test_times_of_an_older_version_of_the_benchmark_are_left_out(sample, tmp_path):
    benchmarks(sample, tmp_path, version="2")
    one_file(sample, tmp_path, sample.asv_row(PARAMS, [1.0, 1.0], 5, version="1"))
    assert read_speeds(tmp_path).frame.empty


def test_what_is_not_in_seconds_is_no_speed(sample, tmp_path):
    benchmarks(sample, tmp_path, unit="ulps")
    one_file(sample, tmp_path, sample.asv_row(PARAMS, [1.0, 1.0], 5))
    assert read_speeds(tmp_path).frame.empty


@pytest.mark.parametrize("damaged", ["", '{"results": {', "[]", "{}"])
def test_a_damaged_file_is_named_and_hides_nothing(results, sample, damaged):
    folder = results("pass")
    whole = len(read_speeds(folder).frame)
    path = sample.write(folder / "asv" / "bench-04" / "0badc0de-env.json", damaged)
    stored = read_speeds(folder)
    assert len(stored.frame) == whole > 300
    assert str(path) in stored.complaints[0]


def test_a_damaged_benchmark_is_named_and_hides_nothing(results, sample, tmp_path):
    folder = results("pass")
    bad = one_file(sample, folder, [[1.0, 2.0, 3.0], [["'softmax 64'"], ["'float32'"], ["'cpu'"]], "1"])
    stored = read_speeds(folder)
    (complaint,) = stored.complaints
    assert str(bad) in complaint
    assert NAME in complaint
    assert len(stored.frame) > 300


def test_without_asvs_list_of_benchmarks_the_times_are_read_with_a_complaint(results):
    folder = results("pass")
    (folder / "asv" / "benchmarks.json").write_text("{")
    stored = read_speeds(folder)
    assert len(stored.frame) > 300
    assert "benchmarks.json" in stored.complaints[0]


def test_a_folder_without_times_is_empty(tmp_path):
    stored = read_speeds(tmp_path)
    assert stored.frame.empty
    assert stored.complaints == ()
