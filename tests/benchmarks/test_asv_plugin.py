"""The plugin that keeps asv from asking, and that names an interpreter by its torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from asv.config import Config
from asv.environment import EnvironmentUnavailable
from asv.machine import Machine

from benchmarks import ROOT
from reports import asv_plugin


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".asv-machine.json"


def test_an_unknown_machine_is_described(home):
    asv_plugin.setup()
    name = Machine.get_unique_machine_name()
    assert json.loads(home.read_text(encoding="utf-8"))[name] == Machine.get_defaults()


def test_what_the_user_has_said_of_the_machine_is_kept(home):
    name = Machine.get_unique_machine_name()
    home.write_text(json.dumps({name: {"machine": name, "cpu": "mine"}, "version": 1}), encoding="utf-8")
    asv_plugin.setup()
    assert json.loads(home.read_text(encoding="utf-8"))[name]["cpu"] == "mine"


def test_an_installed_environment_is_named_by_its_torch_and_threads():
    variables = {("nobuild", "OMP_NUM_THREADS"): "2"}
    environment = asv_plugin.Installed(Config(), sys.executable, {}, variables)
    assert environment.requirements == {"torch": torch.__version__}
    assert environment.env_vars == {"OMP_NUM_THREADS": "2"}
    assert f"torch{torch.__version__}" in environment.name
    assert environment.name.endswith("OMP_NUM_THREADS2")


def test_an_interpreter_without_torch_is_no_environment(tmp_path):
    with pytest.raises(EnvironmentUnavailable, match="no torch"):
        asv_plugin.Installed(Config(), str(tmp_path / "python"), {}, {})


def test_it_loads_nothing_but_asv():
    heavy = ("torch", "pandas", "numpy", "verify")
    code = f"import sys, reports.asv_plugin; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
