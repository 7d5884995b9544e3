"""Report: the one page of a results folder, from its files to its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.asv_results import read_speeds
from reports.catalogue import read_catalogue
from reports.findings import Findings, findings
from reports.numerics import read_numerics
from reports.outcomes import read_outcomes
from reports.page import render
from verify.storage import write_whole

PAGE = "report.html"


@dataclass(frozen=True)
class Report:
    """A written page: where it is, its verdict in one sentence, and what could not be read for it."""

    path: Path
    verdict: str
    complaints: tuple[str, ...]
    findings: Findings


def read_findings(results: Path) -> Findings:
    """Everything stored under a results folder, judged."""
    return findings(
        read_outcomes(results), read_speeds(results), read_catalogue(results), read_numerics(results)
    )


def write_report(results: Path, target: Path | None = None) -> Report:
    """Write one page about a results folder, to `<results>/report.html` unless `target` says otherwise.

    Damaged files are left alone and named, on the page and in the report. Raises: OSError where the
    page cannot be written.
    """
    found = read_findings(results)
    path = results / PAGE if target is None else target
    write_whole(path, render(found))
    return Report(path, found.verdict.sentence, found.complaints, found)
