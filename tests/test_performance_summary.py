"""The summary of the gradient checks' speed: its ratios and geometric means, and when it is printed."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
PERFORMANCE = ROOT / "tests" / "performance"
summary = SimpleNamespace(**runpy.run_path(str(PERFORMANCE / "summary.py")))

MEDIANS = {
    "tiny": {"ours": 0.001, "slow": 0.002, "fast": 0.0005},
    "small": {"ours": 0.002, "slow": 0.064, "fast": 0.004},
    "real": {"ours": 0.01, "slow": 5.0, "fast": 0.32},
    "larger": {"ours": 0.01, "slow": 0.2, "fast": 0.04},
}


def words(medians, small=("tiny", "small")):
    return [line.split() for line in summary.lines(medians, small)]


def means(medians, small=("tiny", "small")):
    return [" ".join(line) for line in words(medians, small)[-3:]]


def test_the_table_has_medians_in_milliseconds_and_ratios():
    assert words(MEDIANS)[:5] == [
        ["shape", "ours/ms", "slow/ms", "fast/ms", "slow/ours", "fast/ours"],
        ["tiny", "1.00", "2.00", "0.50", "2.00", "0.50"],
        ["small", "2.00", "64.00", "4.00", "32.00", "2.00"],
        ["real", "10.00", "5000.00", "320.00", "500.00", "32.00"],
        ["larger", "10.00", "200.00", "40.00", "20.00", "4.00"],
    ]


def test_the_columns_stand_under_each_other():
    table = summary.lines(MEDIANS, ())[:5]
    assert len({len(line) for line in table}) == 1


def test_the_means_are_geometric_and_of_the_shapes_they_name():
    # sqrt(2 · 32), sqrt(500 · 20), and the fourth root of 0.5 · 2 · 32 · 4.
    assert means(MEDIANS) == [
        "small shapes against slow 8.00 times as fast, geometric mean of 2",
        "real shapes against slow 100.00 times as fast, geometric mean of 2",
        "all shapes against fast 3.36 times as fast, geometric mean of 4",
    ]


def test_what_was_not_timed_has_no_ratio_and_no_part_in_a_mean():
    medians = {**MEDIANS, "tiny": {"ours": 0.001}, "larger": {"slow": 1.0, "fast": 1.0}}
    found = words(medians)
    assert found[1] == ["tiny", "1.00", "–", "–", "–", "–"]
    assert found[4] == ["larger", "–", "1000.00", "1000.00", "–", "–"]
    assert means(medians) == [
        "small shapes against slow 32.00 times as fast, geometric mean of 1",
        "real shapes against slow 500.00 times as fast, geometric mean of 1",
        "all shapes against fast 8.00 times as fast, geometric mean of 2",
    ]
    assert (
        means({"tiny": {"ours": 1.0}})[0] == "small shapes against slow – times as fast, geometric mean of 0"
    )


@pytest.mark.parametrize(("option", "printed"), [("--benchmark-only", True), ("--benchmark-disable", False)])
def test_the_summary_is_printed_where_the_checks_were_timed(option, printed):
    chosen = ("-k", "logsumexp and not slow", str(PERFORMANCE / "test_gradients.py"))
    # A worker of a parallel run hands its variables on, and then nothing would be timed.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", option, *chosen],
        cwd=ROOT,
        env=alone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    tables, title, shown = done.stdout.partition("gradient checks: our check against torch's gradcheck")
    assert bool(title) is printed
    if printed:
        assert "Legend:" in tables
        assert "geometric mean of 1" in shown.partition("all shapes against fast")[2]
