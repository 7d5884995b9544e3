"""The arrows between the rooms: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [f for room in ("torchstone", "verify", "benchmarks", "reports") for f in (ROOT / room).rglob("*.py")]
# What a room must not import. The plugin runs inside asv, and the front door opens every room.
FORBIDDEN = {
    "verify": ("benchmarks", "reports", "torchstone", "tests"),
    "benchmarks": ("reports", "torchstone", "tests"),
    "reports": ("torch", "benchmarks", "torchstone", "tests"),
    "torchstone": ("tests",),
}


def imported(path):
    """The modules that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room"
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_arrow_points_the_wrong_way(path):
    room = path.relative_to(ROOT).parts[0]
    wrong = [name for name in imported(path) if name.split(".")[0] in FORBIDDEN[room]]
    assert not wrong


@pytest.mark.parametrize(
    "path", sorted((ROOT / "verify" / "checks").glob("*.py")), ids=lambda path: path.name
)
def test_checks_do_not_know_the_catalogue(path):
    assert not [name for name in imported(path) if name.startswith("verify.operations")]


# Within `verify` the arrows lead from what is asked to what it is asked with.
@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("formulas", ("records", "operations", "checks", "lessons", "gradients", "planted")),
        ("records", ("operations", "checks", "lessons", "gradients", "planted")),
        ("operations", ("checks", "lessons", "gradients", "planted")),
        ("checks", ("operations", "records", "lessons", "planted")),
        ("probes", ("operations", "records", "checks", "lessons", "gradients", "planted")),
    ],
)
def test_no_inner_arrow_points_the_wrong_way(inner, outer):
    forbidden = tuple(f"verify.{name}" for name in outer)
    files = list((ROOT / "verify" / inner).glob("*.py"))
    assert files
    wrong = [(path.name, name) for path in files for name in imported(path) if name.startswith(forbidden)]
    assert not wrong


@pytest.mark.parametrize(
    "module", ["torchstone", "reports.report", "verify.outcome", "verify.storage", "verify.junit"]
)
def test_torch_is_not_imported_before_it_is_needed(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_named_for_nothing(path):
    assert path.stem not in {"utils", "helpers", "common", "tol", "misc", "manager"}
