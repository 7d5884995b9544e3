"""Project: the configuration and the commit that asv needs to time an interpreter as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import ROOT
from benchmarks._axes import THREADS_VARIABLE
from verify.storage import write_json

_CONFIGURATION = "asv.conf.json"

# The scratch repository of an installed torchstone: the same content and dates make the same hash, so that
# every run of one version lands on one commit, and only the environment (and so torch) tells runs apart.
_SCRATCH_IDENTITY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {
        "NAME": "torchstone",
        "EMAIL": "torchstone@localhost",
        "DATE": "2024-01-01T00:00Z",
    }.items()
}


def configure(results: Path) -> tuple[Path, str]:
    """Write the configuration of this run; the path to it, and the commit to store under."""
    project = results / "asv-project"
    project.mkdir(parents=True, exist_ok=True)
    commit = _commit(ROOT) if (ROOT / _CONFIGURATION).is_file() and (ROOT / ".git").exists() else None
    settings: dict[str, Any] = {"version": 1, "project": "torchstone", "branches": ["HEAD"]}
    threads: dict[str, Any] = {THREADS_VARIABLE: ["1"]}
    if commit is None:
        repository, commit = project, _scratch_commit(project)
    else:
        repository = ROOT
        declared = json.loads((ROOT / _CONFIGURATION).read_text(encoding="utf-8"))
        settings |= declared
        threads = declared.get("matrix", {}).get("env_nobuild", threads)
    settings |= {
        "repo": str(repository),
        # An environment type of the plugin: this interpreter as it is, named by its torch.
        "environment_type": "installed",
        "pythons": [sys.executable],
        "matrix": {"env_nobuild": threads},
        "benchmark_dir": str(ROOT / "benchmarks"),
        "results_dir": str(results / "asv"),
        "html_dir": str(results / "html"),
        "env_dir": str(project / "env"),
        # A fork is fast; where there is none, or Apple's libraries forbid it, asv starts afresh each time.
        "launch_method": "forkserver" if sys.platform.startswith("linux") else "spawn",
        "plugins": [".reports.asv_plugin"],
    }
    path = project / _CONFIGURATION
    write_json(path, settings)
    return path, commit


def _commit(repository: Path) -> str | None:
    try:
        return _git(repository, "rev-parse", "--verify", "HEAD")
    except subprocess.CalledProcessError:
        return None  # no commit yet, or a checkout of another owner, which git refuses to read


def _scratch_commit(project: Path) -> str:
    """The only commit of a repository that stands in for the checkout that asv wants to see."""
    if not (project / ".git").exists():
        _git(project, "init", "--quiet")
    commit = _commit(project)
    if commit is None:
        _git(
            project, "commit", "--quiet", "--allow-empty", "--no-verify", "--no-gpg-sign", "-m", "torchstone"
        )
        commit = _git(project, "rev-parse", "HEAD")
    return commit


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        env=os.environ | _SCRATCH_IDENTITY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
