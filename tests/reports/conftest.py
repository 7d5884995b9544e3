from __future__ import annotations

import functools
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports.report import write_report


@pytest.fixture(scope="session")
def sample() -> SimpleNamespace:
    """The maker of results folders. It is run rather than imported: test folders are no packages here."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sample_results.py"))))


@pytest.fixture
def results(sample: SimpleNamespace, tmp_path: Path) -> Callable[[str], Path]:
    return lambda kind: sample.write_sample(tmp_path / kind, kind)


@pytest.fixture(scope="session")
def written(sample: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of a kind of results folder, written once for all tests that only look at it."""

    @functools.cache
    def write(kind: str) -> Path:
        return write_report(sample.write_sample(tmp_path_factory.mktemp(kind), kind)).path

    return write


@pytest.fixture
def verified(sample: SimpleNamespace, tmp_path: Path) -> Callable[..., Path]:
    """A results folder with one run of the given records."""

    def write(records: list, **run: object) -> Path:
        sample.write(tmp_path / "outcomes" / "20251123T100000Z.json", sample.document(records, **run))
        return tmp_path

    return write
