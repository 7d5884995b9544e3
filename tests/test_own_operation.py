"""One record in one file: an operation declared here is verified, timed and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from torchstone.command_line import app
from verify.operations import catalogue

CUBE = """
import numpy as np

from torchstone import Cost, Domain, Formula, HardInput, Identity, Operation, Workload

CUBE = Operation(
    name="cube",
    subject="mine",
    function={function},
    forward=Formula(
        "x³", lambda x: x * x * x, lambda a, x: 3 * a.u * np.abs(x) ** 3, "two roundings, Higham 2002, §3.1"
    ),
    vjp=Formula(
        "∂x = 3 g x²",
        lambda g, x: (3 * g * x * x,),
        lambda a, g, x: (9 * a.u * np.abs(3 * g * x * x) + a.smallest,),
        "three terms of three roundings each, Higham 2002, §3.1",
    ),
    domain=Domain(
        lambda generator, workload: (generator.standard_normal(workload.shapes[0]),),
        (HardInput("far", lambda a: (np.array([a.largest**0.25, -(a.largest**0.25)]),), far=True),),
    ),
    check=(Workload("5", ((5,),)), Workload("3x4", ((3, 4),))),
    bench=(Workload("256x256", ((256, 256),)),),
    cost=lambda workload: Cost(2.0 * 65536, 2.0 * 65536),
    identities=(Identity("f(−x) = −f(x)", lambda f, x: f(-x), lambda f, x: -f(x)),),
)
"""


@pytest.fixture
def declared(tmp_path, monkeypatch):
    """Run the command line on a file with one operation of one's own, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(command, function="lambda x: x * x * x"):
        mine = tmp_path / "mine.py"
        mine.write_text(CUBE.format(function=function), encoding="utf-8")
        # What the command line sets for the processes that it starts must not outlive the test.
        monkeypatch.setenv("TORCHSTONE_OPERATIONS", "")
        catalogue.cache_clear()
        return CliRunner().invoke(app, [*command, "--operations", str(mine), "--select", "cube"])

    yield run
    monkeypatch.undo()
    catalogue.cache_clear()


def test_it_is_verified_timed_and_reported(declared, tmp_path):
    verified = declared(["verify", "--json", "o.json"])
    assert verified.exit_code == 0, verified.output
    outcomes = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))["outcomes"]
    assert {o["check"] for o in outcomes} == {
        "accuracy",
        "gradient",
        "identity",
        "invariance",
        "range",
        "stability",
    }

    timed = declared(["bench"])
    assert timed.exit_code == 0, timed.output

    assert CliRunner().invoke(app, ["report"]).exit_code == 0
    page = (tmp_path / "torchstone-results" / "report.html").read_text(encoding="utf-8")
    assert "cube" in page
    assert "256" in page


@pytest.mark.parametrize(
    ("function", "check"),
    [
        ("lambda x: x * x * x * 1.001", "accuracy"),
        ("lambda x: (x * x * x).detach() + 0 * x", "gradient"),
        ("lambda x: x * x * x.abs()", "identity"),
        ("lambda x: x**6 / (x * x * x)", "stability"),
    ],
)
def test_when_it_is_wrong_the_check_that_should_see_it_fails_it(declared, tmp_path, function, check):
    done = declared(["verify", "--check", check, "--dtype", "float32", "--json", "o.json"], function)
    assert done.exit_code == 1, done.output
    outcomes = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))["outcomes"]
    assert any(o["status"] == "fail" and o["operation"] == "cube" for o in outcomes)
    assert f"--check {check}" in done.output


@pytest.mark.parametrize("example", ["softcap.py"])
def test_the_example_passes_in_one_command(tmp_path, monkeypatch, example):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCHSTONE_OPERATIONS", "")
    path = Path(__file__).parents[1] / "examples" / example
    done = CliRunner().invoke(app, ["--operations", str(path), "--select", path.stem])
    catalogue.cache_clear()
    assert done.exit_code == 0, done.output
    assert (tmp_path / "torchstone-results" / "report.html").is_file()
