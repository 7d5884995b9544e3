"""The command line: what it prints, stores and returns, and what it says to a wrong name."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest
from typer.testing import CliRunner

import torchstone
from torchstone.command_line import app
from verify.checks import checks
from verify.lessons import lessons
from verify.operations import catalogue
from verify.selection import Selection, cases

ROOM = "torchstone-results"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCHSTONE_OPERATIONS", "")  # put back afterwards, whatever a command sets
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def strict(path):
    """JSON as every parser reads it: NaN and Infinity are not words of it."""

    def refuse(word):
        raise AssertionError(f"{path} holds {word}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_verify_stores_exports_and_passes(run, tmp_path):
    done = run(
        "verify",
        "--select",
        "relu",
        "--select",
        "mse*",
        "--select",
        "sum",
        "--seed",
        "7",
        "--json",
        "o.json",
        "--junit",
        "o.xml",
    )
    assert done.exit_code == 0, done.output
    record = strict(tmp_path / "o.json")
    (stored,) = (tmp_path / ROOM / "outcomes").glob("*.json")
    assert strict(stored)["outcomes"] == record["outcomes"]
    assert strict(tmp_path / ROOM / "catalogue.json")["operations"]
    assert {o["operation"] for o in record["outcomes"]} == {"relu", "mse_loss", "sum"}
    assert {o["check"] for o in record["outcomes"]} == set(checks())
    assert {o["seed"] for o in record["outcomes"]} == {7}
    suite = ElementTree.parse(tmp_path / "o.xml").getroot()
    assert int(suite.get("tests")) == len(record["outcomes"]) == len(suite.findall("testcase"))
    assert "relu" in done.output
    assert "0 fail" in done.output


def test_every_operation_and_check_has_a_measured_outcome(run, tmp_path):
    assert run("verify", "--dtype", "float32", "--json", "o.json").exit_code == 0
    outcomes = strict(tmp_path / "o.json")["outcomes"]
    held = cases(Selection(dtypes=("float32",)), catalogue(), ("cpu",))
    assert {(o["operation"], o["check"]) for o in outcomes} == {
        (case.operation.name, check.name)
        for case in held
        for check in checks().values()
        if check.applies(case)
    }
    for o in outcomes:
        assert isinstance(o["seed"], int)
        assert o["unit"]
        assert o["reproduce"].startswith("torchstone verify --select")
        if o["status"] == "pass":
            assert isinstance(o["measured"], int | float), o
            assert isinstance(o["bound"], int | float), o
            assert o["measured"] <= o["bound"], o


def test_lessons_are_told_stored_and_drawn(run, tmp_path):
    done = run("lessons", "--select", "saddle", "--select", "roun*", "--json", "l.json")
    assert done.exit_code == 0, done.output
    record = strict(tmp_path / "l.json")
    assert strict(tmp_path / ROOM / "lessons.json") == record
    assert [lesson["name"] for lesson in record["lessons"]] == ["rounding", "saddle"]
    assert {path.name for path in (tmp_path / ROOM / "lessons").iterdir()} == {"rounding.svg", "saddle.svg"}
    assert lessons()["saddle"].claim in done.output.replace("\n", " ")


def test_a_lesson_whose_figure_is_wrong_fails_and_the_others_are_told(run, monkeypatch):
    def broken():
        raise ArithmeticError("no such figure")

    saddle = lessons()["saddle"]
    monkeypatch.setattr(
        "verify.lessons.lessons",
        lambda: {**lessons(), "saddle": dataclasses.replace(saddle, show=broken)},
    )
    done = run("lessons", "--select", "saddle", "--select", "rounding")
    assert done.exit_code == 1
    assert "ArithmeticError" in done.output
    assert lessons()["rounding"].title in done.output


def test_the_catalogue_is_printed_and_what_differs_from_it_is_named(run, tmp_path, monkeypatch):
    few = {name: catalogue()[name] for name in ("relu", "floor")}
    monkeypatch.setattr("verify.operations.catalogue", lambda: few)
    assert run("catalogue", "--output", "there", "--check").exit_code == 1
    done = run("catalogue", "--output", "there")
    assert done.exit_code == 0, done.output
    page = tmp_path / "there" / "catalogue.md"
    assert "### floor" in page.read_text(encoding="utf-8")
    assert run("catalogue", "--output", "there", "--check").exit_code == 0
    page.write_text(page.read_text(encoding="utf-8").replace("floor", "flour"), encoding="utf-8")
    again = run("catalogue", "--output", "there", "--check")
    assert again.exit_code == 1
    assert "catalogue.md is not what the records" in again.output


def test_the_reproduce_command_measures_the_same(run, tmp_path):
    run("verify", "--select", "softmax", "--check", "accuracy", "--seed", "3", "--json", "all.json")
    first = strict(tmp_path / "all.json")["outcomes"][5]
    import shlex

    again = run(*shlex.split(first["reproduce"])[1:], "--json", "one.json")
    assert again.exit_code == 0, again.output
    assert first in strict(tmp_path / "one.json")["outcomes"]


@pytest.mark.parametrize(
    ("arguments", "wrong", "near"),
    [
        (("--select", "sofmax"), "sofmax", "softmax"),
        (("--check", "gradiant"), "gradiant", "gradient"),
        (("--device", "cdua"), "cdua", "cuda"),
        (("--dtype", "float23"), "float23", "float32"),
        (("--profile", "quik"), "quik", "quick"),
        (("--select", "relu[cpu-float32-8]"), "relu[cpu-float32-8]", "relu[cpu-float32-7]"),
        (("--implementation", "eagr"), "eagr", "eager"),
        (("--operations", "nowhere.py"), "nowhere.py", "Python file"),
    ],
)
def test_a_wrong_name_is_bad_usage_and_names_the_nearest(run, arguments, wrong, near):
    done = run("verify", *arguments)
    assert done.exit_code == 2
    assert wrong in done.output
    assert near in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--nonsense"),
        ("nonsense",),
        ("verify", "--seed", "-1"),
        ("--select", "relu", "verify"),
        ("bench", "--select", "sofmax"),
        ("bench", "--device", "cdua"),
        ("lessons", "--select", "sadle"),
    ],
)
def test_bad_usage_exits_2(run, arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--results", "a file"),
        ("verify", "--json", "."),
        ("verify", "--junit", "a file/junit.xml"),
        ("bench", "--results", "a file"),
        ("report", "--output", "a file/page.html"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(run, tmp_path, arguments):
    (tmp_path / "a file").write_text("", encoding="utf-8")
    done = run(*arguments)
    assert done.exit_code == 2
    assert "cannot write" in done.output
    assert "Traceback" not in done.output


def test_a_file_without_an_operation_is_refused(run, tmp_path):
    (tmp_path / "none.py").write_text("x = 1\n", encoding="utf-8")
    done = run("verify", "--operations", "none.py")
    assert done.exit_code == 2
    assert "none.py holds no Operation" in done.output


def test_without_git_nothing_is_timed_and_it_is_said(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("bench", "--select", "relu")
    assert done.exit_code == 1
    assert "asv needs git" in done.output


def test_the_version_is_told(run):
    assert run("--version").output.startswith("torchstone ")


def test_an_absent_device_is_skipped_with_its_reason_and_is_no_pass(run, tmp_path):
    from verify import devices

    absent = next(kind for kind in devices.KINDS if devices.absence(kind))
    done = run("verify", "--select", "relu", "--device", absent, "--json", "o.json")
    assert done.exit_code == 1
    outcomes = strict(tmp_path / "o.json")["outcomes"]
    assert {o["status"] for o in outcomes} == {"skipped"}
    assert all(absent in o["message"] for o in outcomes)
    assert devices.absence(absent) in done.output


def test_list_names_what_can_be_selected(run):
    done = run("list")
    assert done.exit_code == 0
    for word in ("softmax", "logsumexp", "gradient", "stability", "cuda"):
        assert word in done.output


@pytest.mark.parametrize("command", [(), ("verify",), ("bench",), ("report",), ("list",)])
def test_help_teaches(run, command):
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.output
    assert "--results" in done.output or command == ("list",)


def test_report_of_an_empty_folder_says_that_nothing_was_verified(run, tmp_path):
    done = run("report")
    assert done.exit_code == 0
    assert "othing" in done.output
    assert (tmp_path / ROOM / "report.html").is_file()


def test_a_truncated_result_file_is_named_and_the_rest_is_reported(run, tmp_path):
    run("verify", "--select", "relu", "--check", "identity")
    broken = tmp_path / ROOM / "outcomes" / "20990101T000000.000Z-1.json"
    broken.write_text('{"schema": "torchstone.outc', encoding="utf-8")
    done = run("report")
    assert done.exit_code == 0
    assert broken.name in done.output
    assert broken.read_text(encoding="utf-8") == '{"schema": "torchstone.outc'
    assert "relu" in (tmp_path / ROOM / "report.html").read_text(encoding="utf-8")


def test_an_interrupt_keeps_what_was_measured_and_says_so(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-m", "torchstone", "verify", "--profile", "full"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        # A shell starts what it runs in the background with interrupts ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # The interpreter is up once torch's own libraries are mapped; then it starts workers, and some cases are
    # let through.
    deadline = time.monotonic() + 120
    while "libtorch_cpu" not in _maps(child.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(20)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=120)
    assert child.returncode == 130, output
    (stored,) = (tmp_path / ROOM / "outcomes").glob("*.json")
    record = strict(stored)
    assert record["run"]["complete"] is False
    assert record["outcomes"]
    assert "interrupted" in output
    assert str(len(record["outcomes"])) in output
    assert not list((tmp_path / ROOM / "outcomes").glob("*.part"))


def _maps(pid):
    from pathlib import Path

    try:
        return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def test_public_names_are_there_and_others_are_refused_by_name():
    for name in torchstone.__all__:
        assert getattr(torchstone, name) is not None
    with pytest.raises(AttributeError, match="gradchek"):
        _ = torchstone.gradchek


def test_torchs_own_samples_are_verified_and_what_is_known_of_them_passes(run, tmp_path):
    done = run(
        "verify", "--ops", "torch", "--select", "nn.functional.hardsigmoid", "--seed", "1", "--json", "o.json"
    )
    assert done.exit_code == 0, done.output
    record = strict(tmp_path / "o.json")
    statuses = {o["status"] for o in record["outcomes"]}
    assert statuses == {"pass", "known"}
    (known,) = (o for o in record["outcomes"] if o["status"] == "known")
    assert known["measured"] == pytest.approx(2.98e-8, rel=0.01)
    assert "1 operators, seed 1" in done.output


def test_a_question_without_a_record_is_asked_of_torchs_samples_and_counted(run, tmp_path):
    done = run(
        *("verify", "--ops", "torch", "--check", "nan", "--check", "memory", "--select", "exp"),
        *("--dtype", "bfloat16", "--seed", "1", "--json", "o.json"),
    )
    assert done.exit_code == 0, done.output
    outcomes = strict(tmp_path / "o.json")["outcomes"]
    assert {(o["check"], o["dtype"]) for o in outcomes} == {("nan", "bfloat16"), ("memory", "bfloat16")}
    assert {o["status"] for o in outcomes if o["workload"] != "samples"} == set()
    lines = [line.split() for line in done.output.splitlines()]
    (counted,) = (line for line in lines if line[:2] == ["memory", "1"])
    assert counted[2] == "3", "torch has three samples of exp"


def test_an_unknown_question_about_torchs_samples_is_bad_use(run):
    done = run("verify", "--ops", "torch", "--check", "memories")
    assert done.exit_code == 2
    assert "did you mean memory" in done.output


def test_an_unknown_set_of_operators_is_bad_use(run):
    done = run("verify", "--ops", "torchs")
    assert done.exit_code == 2
    assert "did you mean torch" in done.output


def test_without_torchs_samples_the_command_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.testing._internal.common_methods_invocations", None)
    done = run("verify", "--ops", "torch")
    assert done.exit_code == 2
    assert "torchstone[samples]" in done.output
