"""asv from end to end, on a machine new to it and an operation that only a user's file declares."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from benchmarks import ROOT, _project
from benchmarks.running import selection
from verify.ceilings import CEILINGS
from verify.operations import OWN_OPERATIONS, catalogue

OWN_FILE = """
import dataclasses
from verify.operation import Workload
from verify.operations.activations import RELU

TWIN = dataclasses.replace(
    RELU, name="twin", subject="mine", bench=(Workload("33", ((33,),)), Workload("65", ((65,),)))
)
"""

RUN = """
import sys
from pathlib import Path
from benchmarks.running import run_benchmarks

status = run_benchmarks(
    Path("results"),
    profile=sys.argv[1],
    select=["twin"],
    dtypes=sys.argv[2:],
    devices=["cpu"],
    on_progress=print,
)
sys.exit(status)
"""


def start(folder, *arguments):
    (folder / "home").mkdir(exist_ok=True)
    (folder / "own.py").write_text(OWN_FILE, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "HOME": str(folder / "home"), OWN_OPERATIONS: "own.py"}
        | {"TORCHSTONE_BENCH_SECONDS": "0.01"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell starts what it runs in the background with interrupts ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run(folder, *arguments):
    process = start(folder, *arguments)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def stored(folder):
    (path,) = (p for p in folder.glob("results/asv/*/*.json") if p.name != "machine.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    times = {}
    for name, row in document["results"].items():
        columns = dict(zip(document["result_columns"], row, strict=False))
        cases = itertools.product(*columns["params"])
        for case, seconds in zip(cases, columns["result"] or itertools.repeat(None), strict=False):
            if seconds is not None and seconds == seconds:
                times[(name, *(text.strip("'") for text in case))] = seconds
    return document, times


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    first = run(folder, "quick")
    after_first = stored(folder)
    run(folder, "full", "float64")
    return folder, first, after_first, stored(folder)


def test_a_quick_run_times_the_first_workload_both_ways_and_the_ceilings(runs):
    _, _, (_, times), _ = runs
    assert set(times) == {
        ("own.Own.track_forward", "twin 33", "float32", "cpu"),
        ("own.Own.track_backward", "twin 33", "float32", "cpu"),
        *(("ceilings.Ceilings.track_forward", c.label, "float32", "cpu") for c in CEILINGS),
    }
    assert all(0 < seconds < 60 for seconds in times.values())


def test_another_run_leaves_the_times_that_it_does_not_measure(runs):
    _, _, (_, before), (_, after) = runs
    assert before.items() <= after.items()
    assert ("own.Own.track_backward", "twin 65", "float64", "cpu") in after


def test_results_say_which_torch_and_how_many_threads(runs):
    import torch

    document, _ = runs[3]
    assert document["requirements"]["torch"] == document["params"]["torch"] == torch.__version__
    assert document["env_vars"] == {"OMP_NUM_THREADS": "1"}
    assert torch.__version__ in document["env_name"]


def test_each_measured_case_is_told(runs):
    total = 2 + len(CEILINGS)
    cases = [line for line in runs[1].splitlines() if re.match(rf"\d+/{total} ", line)]
    assert [line.split()[0] for line in cases] == [f"{n}/{total}" for n in range(1, total + 1)]
    assert any(" forward twin 33 float32 cpu: " in line for line in cases)


def test_asv_learns_the_machine_without_a_question(runs):
    folder, output, _, _ = runs
    assert "No information stored" not in output
    assert json.loads((folder / "home/.asv-machine.json").read_text(encoding="utf-8"))


def test_an_interrupt_ends_it_and_leaves_what_was_stored(runs):
    folder, _, _, (_, before) = runs
    process = start(folder, "full", "float32", "float64")
    for line in process.stdout:
        if "Creating" in line or "Discovering" in line or "Benchmarking" in line:
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert before.keys() <= stored(folder)[1].keys()


def test_an_interrupt_keeps_the_benchmarks_that_were_finished(tmp_path):
    process = start(tmp_path, "full", "float32", "float64")
    finished = set()
    for line in process.stdout:
        told = re.match(r"\d+/\d+ (ceiling|forward|backward) ", line)
        finished.update(told.groups() if told else ())
        # asv runs one benchmark after the other: the first words of a second one mean that one is done.
        if len(finished) == 2:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert stored(tmp_path)[1]


def test_quick_takes_the_first_workload_and_full_all():
    quick, full = (selection(profile, ["relu"], [], ["cpu"]) for profile in ("quick", "full"))
    relu = catalogue()["relu"]
    name = "activations.Activations.track_forward('relu {}', '{}', 'cpu')"
    assert re.search(quick.expression, name.format(relu.bench[0].label, "float32"))
    assert not re.search(quick.expression, name.format(relu.bench[1].label, "float32"))
    assert not re.search(quick.expression, name.format(relu.bench[0].label, "float64"))
    for workload in relu.bench:
        assert re.search(full.expression, name.format(workload.label, "float64"))
    assert quick.cases == 2 + len(CEILINGS)
    assert full.cases == 4 * (2 * len(relu.bench) + len(CEILINGS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["sofmax"], [], []), "no operation matches 'sofmax': did you mean softmax"),
        (([], ["float8"], []), "no dtype matches 'float8': .*float"),
        (([], [], ["tpu"]), "no device matches 'tpu': .*cpu"),
    ],
)
def test_what_does_not_exist_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        selection("quick", *arguments)


def test_an_installed_torchstone_has_the_same_commit_wherever_it_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(_project, "ROOT", tmp_path / "site-packages")
    runs = [_project.configure(tmp_path / name) for name in ("a", "b", "a")]
    assert len({commit for _, commit in runs}) == 1
    settings = json.loads(runs[0][0].read_text(encoding="utf-8"))
    assert settings["repo"] == str(tmp_path / "a" / "asv-project")
    assert settings["results_dir"] == str(tmp_path / "a" / "asv")
