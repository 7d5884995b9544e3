"""What the README says is what the program does: its commands run, and the lines it shows are printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from torchstone.command_line import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [line[2:] for block in BLOCKS for line in block.splitlines() if line.startswith("$ torchstone")]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command of the README beside its examples, with its results elsewhere."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TORCHSTONE_OPERATIONS", "")

    def runner(command):
        words = shlex.split(command, comments=True)[1:]
        return CliRunner().invoke(app, [*words, "--results", str(tmp_path)])

    yield runner
    from verify.operations import catalogue

    monkeypatch.undo()
    catalogue.cache_clear()


def test_the_failure_looks_as_shown(run):
    (block,) = [block for block in BLOCKS if "my_softmax" in block]
    command, *shown = block.splitlines()
    done = run(command[2:])
    assert done.exit_code == 1
    printed = [line.rstrip() for line in done.output.splitlines()]
    for line in shown:
        assert line == "..." or line in printed, line


def test_gradcheck_accepts_what_the_example_shows():
    from examples.softmax_with_a_term_missing import MY_SOFTMAX

    torch.manual_seed(0)
    x = torch.rand(512, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: MY_SOFTMAX.function(t, 0), (x,))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_is_shown_exists(command):
    words = shlex.split(command, comments=True)[1:]
    names = [word for word in words if word.startswith("--")]
    subcommand = [words[0]] if words and not words[0].startswith("--") else []
    helped = CliRunner().invoke(app, [*subcommand, "--help"], env={"COLUMNS": "200"})
    assert helped.exit_code == 0
    for name in names:
        assert name in helped.output, name


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).is_file()
