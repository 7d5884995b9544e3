"""The wheel: everything that is needed to run is in it, and it runs from it in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel's contents, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy: a build leaves files behind in its source tree.
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("torchstone-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def packaged(path: Path) -> bool:
    return (
        path.suffix in {".py", ".toml", ".html", ".css", ".js", ".md", ".typed"}
        and "__pycache__" not in path.parts
    )


@pytest.mark.parametrize("room", ["torchstone", "verify", "benchmarks", "reports"])
def test_every_file_of_a_room_is_in_it(installed, room):
    there = {path.relative_to(ROOT) for path in (ROOT / room).rglob("*") if packaged(path)}
    packed = {path.relative_to(installed) for path in (installed / room).rglob("*") if packaged(path)}
    assert there == packed


def run(installed, folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_from_there(installed, tmp_path):
    where = run(
        installed, tmp_path, "-c", "import torchstone, verify; print(torchstone.__file__, verify.__file__)"
    )
    assert where.stdout.split() == [
        str(installed / "torchstone" / "__init__.py"),
        str(installed / "verify" / "__init__.py"),
    ]
    done = run(installed, tmp_path, "-m", "torchstone", "--select", "relu", "--dtype", "float32")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "torchstone-results" / "report.html").is_file()


def test_the_cases_are_test_items(installed, tmp_path):
    arguments = (
        "-m",
        "pytest",
        "--pyargs",
        "verify",
        "-q",
        "-k",
        "relu and float32",
        "-p",
        "no:cacheprovider",
    )
    done = run(installed, tmp_path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
