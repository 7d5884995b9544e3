"""asv.conf.json: what a plain `asv run` in a fresh clone depends on."""

from __future__ import annotations

import ast
import json
import re
import sys

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


# What a requirement is imported as, where that is not its own name.
IMPORTED_AS = {"python-flint": "flint"}
ROOMS = ("benchmarks", "verify", "reports", "torchstone")


def modules_of(name):
    """The files of a module of ours: its own, those of the packages it lies in, and of a package itself."""
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        path = ROOT.joinpath(*parts[:i])
        yield from (f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file())


def imported_at_once(path):
    """The modules that a file imports when it is itself imported: not those that a function imports."""
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.ClassDef):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def needed(paths):
    """The packages of others that files import at once, themselves or by way of ours."""
    seen, waiting, others = set(), list(paths), set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imported_at_once(path):
            if name.split(".")[0] in ROOMS:
                waiting += modules_of(name)
            elif name.split(".")[0] not in sys.stdlib_module_names:
                others.add(name.split(".")[0])
    return others


def test_asv_installs_whatever_the_benchmarks_import():
    """asv imports every module of the folder, and with the catalogue those of the records."""
    folder = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "verify" / "operations").glob("*.py")]
    installed = {IMPORTED_AS.get(name, name) for name in SETTINGS["matrix"]["req"]}
    assert needed(folder) == installed


def test_an_import_that_is_not_installed_is_seen(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import pandas\nfrom verify import known_deviations\ndef later():\n    import rich\n")
    assert needed([path]) == {"pandas", "packaging"}
