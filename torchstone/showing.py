"""Showing: the page of what is stored, what can be selected, the lessons, and the printed catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torchstone.console import can_write, own_catalogue, progress_bar, say, usage
from verify.storage import write_json, write_whole

if TYPE_CHECKING:
    from reports.lessons import StoredLesson
    from reports.report import Report

# The printed catalogue is to be the same for everybody who prints it on the same torch.
SEED = 0
PICTURES = "lessons"
PRINTED = "catalogue.md"


def report(results: Path, output: Path | None) -> Report:
    """Write the page, and say its verdict, its place and what could not be read for it."""
    from reports.report import PAGE, write_report

    with usage():
        can_write(output or results / PAGE)
    written = write_report(results, output)
    for complaint in written.complaints:
        say(f"left alone: {complaint}")
    say(written.verdict, f"report: {written.path}")
    return written


def listing(operations: list[Path] | None) -> None:
    """Say which operations, checks, lessons and devices there are."""
    from rich.table import Table

    from verify import devices
    from verify.checks import checks
    from verify.lessons import lessons

    table = Table("operation", "subject", "formula", box=None, pad_edge=False, header_style="bold")
    for operation in own_catalogue(operations).values():
        table.add_row(operation.name, operation.subject, operation.forward.text)
    say(table, f"{table.row_count} operations")
    table = Table("check", "question", box=None, pad_edge=False, header_style="bold")
    for check in checks().values():
        table.add_row(check.name, check.question)
    say("", table)
    table = Table("lesson", "claim", box=None, pad_edge=False, header_style="bold")
    for lesson in lessons().values():
        table.add_row(lesson.name, lesson.claim)
    say("", table)
    table = Table("device", "here", box=None, pad_edge=False, header_style="bold")
    for kind in devices.KINDS:
        absent = devices.absence(kind)
        table.add_row(kind, absent or f"present, {devices.describe(kind)}")
    say("", table)


def lessons(select: Sequence[str], results: Path, json: Path | None) -> int:
    """Run lessons, store them with their pictures, and tell them. Returns: the exit status."""
    from reports.lessons import overview, told
    from verify.outcome import Status
    from verify.storage import LESSONS

    with usage():
        chosen = _chosen(select)
        can_write(results / LESSONS, json)
    document, shown = _run(chosen)
    write_json(results / LESSONS, document)
    _draw(shown, results / PICTURES)
    if json:
        write_json(json, document)
    for lesson in shown:
        say(told(lesson), "", wrap=True)
    say(overview(shown), "", f"pictures in {results / PICTURES}, figures in {results / LESSONS}")
    return int(any(lesson.status is not Status.PASS for lesson in shown))


def catalogue(output: Path, check: bool) -> int:
    """Print the catalogue with its verdicts, or compare it with what is there. Returns: the exit status."""
    import torch

    from reports.catalogue import catalogue_from_json
    from reports.catalogue_page import render
    from reports.pictures import svg
    from verify import course, run, selection
    from verify.checks import checks
    from verify.operations import catalogue as operations
    from verify.operations import describe
    from verify.outcome import Status

    _, shown = _run(_chosen(()))
    asked = selection.Selection(devices=("cpu",))
    cases = tuple(selection.cases(asked, operations(), ("cpu",)))
    with progress_bar() as progress:
        task = progress.add_task("catalogue", total=len(cases) * len(checks()))
        found = run.verify(
            cases,
            tuple(checks().values()),
            asked,
            SEED,
            "torchstone catalogue",
            lambda case, check: progress.update(task, advance=1, description=f"verify {case.id}"),
        )
    subject = f"torch {torch.__version__.partition('+')[0]} on a cpu, in float64, float32 and bfloat16"
    page = render(catalogue_from_json(describe()), course.rows(), found.outcomes, shown, subject, PICTURES)
    files = {output / PRINTED: page}
    files |= {output / PICTURES / f"{lesson.name}.svg": svg(lesson.picture) for lesson in shown}
    good = found.exit_status == 0 and all(lesson.status is Status.PASS for lesson in shown)
    if not check:
        for path, text in files.items():
            write_whole(path, text)
        say(f"{output / PRINTED}: {len(operations())} operations, {len(shown)} lessons")
        return int(not good)
    differ = [p for p, text in files.items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    for path in differ:
        say(f"{path} is not what the records and this torch say; print it again with `torchstone catalogue`")
    return int(not good or bool(differ))


def _chosen(select: Sequence[str]) -> tuple[str, ...]:
    from verify.lessons import lessons
    from verify.selection import choose

    return choose("lesson", tuple(select), lessons())


def _run(names: Sequence[str]) -> tuple[dict[str, object], tuple[StoredLesson, ...]]:
    """The lessons of these names, run: as a document to be stored, and as it is read back."""
    from reports.lessons import stored_lessons
    from verify.lesson import demonstrate, document
    from verify.lessons import lessons
    from verify.run import one_thread

    with progress_bar() as progress, one_thread():
        task = progress.add_task("lessons", total=len(names))
        shown = []
        for name in names:
            progress.update(task, description=f"lesson {name}")
            shown.append((lessons()[name], demonstrate(lessons()[name])))
            progress.advance(task)
    stored = document(shown)
    return stored, stored_lessons(stored)


def _draw(shown: Sequence[StoredLesson], folder: Path) -> None:
    from reports.pictures import svg

    for lesson in shown:
        write_whole(folder / f"{lesson.name}.svg", svg(lesson.picture))
