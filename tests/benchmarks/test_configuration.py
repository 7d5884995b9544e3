"""asv.conf.json: what a plain `asv run` in a fresh clone depends on."""

from __future__ import annotations

import json
import re

from benchmarks import ROOT

SETTINGS = json.loads((ROOT / "asv.conf.json").read_text(encoding="utf-8"))


def test_torch_is_pinned_to_the_version_that_make_installs():
    (pinned,) = SETTINGS["matrix"]["req"]["torch"]
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"^torch==(.+)$", constraints, re.MULTILINE).group(1) == pinned


def test_nothing_is_built_or_installed_beside_what_is_timed():
    assert [SETTINGS[f"{step}_command"] for step in ("build", "install", "uninstall")] == [[], [], []]


def test_threads_are_part_of_the_environment():
    assert SETTINGS["matrix"]["env_nobuild"] == {"OMP_NUM_THREADS": ["1"]}
