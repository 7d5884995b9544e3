from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def sample() -> SimpleNamespace:
    """The maker of results folders. It is run rather than imported: test folders are no packages here."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sample_results.py"))))


@pytest.fixture
def results(sample: SimpleNamespace, tmp_path: Path) -> Callable[[str], Path]:
    return lambda kind: sample.write_sample(tmp_path / kind, kind)


@pytest.fixture
def verified(sample: SimpleNamespace, tmp_path: Path) -> Callable[..., Path]:
    """A results folder with one run of the given records."""

    def write(records: list, **run: object) -> Path:
        sample.write(tmp_path / "outcomes" / "20251123T100000Z.json", sample.document(records, **run))
        return tmp_path

    return write
