"""The printed catalogue: what it says, and that the committed one is what the records say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reports.catalogue import catalogue_from_json
from reports.catalogue_page import anchor, answers, cell, render
from reports.lessons import stored_lessons
from tests.verify.sample_outcome import changed
from verify.course import rows
from verify.lesson import demonstrate, document
from verify.lessons import lessons
from verify.operations import catalogue, describe
from verify.outcome import Status

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def shown():
    return stored_lessons(document((lesson, demonstrate(lesson)) for lesson in lessons().values()))


@pytest.fixture(scope="module")
def page(shown):
    return render(catalogue_from_json(describe()), rows(), (), shown, "torch on a cpu", "lessons")


def without_verdicts(text):
    """What is said of the records alone: verdicts belong to the torch and the processor that gave them."""
    lines = [line for line in text.splitlines() if not line.startswith(("| verdicts |", "- ", "Generated"))]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines))


def test_the_committed_page_is_what_the_records_say(page):
    committed = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    assert without_verdicts(committed) == without_verdicts(page), "print it again: torchstone catalogue"


def test_the_committed_page_has_a_verdict_of_every_operation():
    committed = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| verdicts \| [✓≈]", committed, re.MULTILINE)) == len(catalogue())


def test_every_lesson_has_its_picture(shown):
    assert {path.stem for path in (DOCS / "lessons").glob("*.svg")} == {lesson.name for lesson in shown}


def test_every_link_within_the_page_leads_to_a_heading(page):
    headings = {anchor(text) for text in re.findall(r"^#+ (.*)$", page, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([^)]*)\)", page))
    assert len(links) > len(rows())
    assert links <= headings


def test_every_operation_and_lesson_has_one_heading(page):
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    for name in (*catalogue(), *(f"Lesson: {name}" for name in lessons())):
        assert headings.count(name) == 1


def test_no_table_is_broken_by_what_stands_in_it(page):
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table


def test_text_in_a_cell_keeps_its_signs():
    assert cell("‖x‖ = |x|, a_b*c") == "‖x‖ = \\|x\\|, a\\_b\\*c"


def test_verdicts_are_the_worst_of_each_check_and_what_is_known_is_told():
    known = changed(
        status=Status.KNOWN, message="m exceeds. Known: It is so.", issue="https://an.issue", dtype="float32"
    )
    found = answers([changed(status=Status.PASS), known, changed(status=Status.PASS, check="identity")])
    (operation,) = found
    texts = [answer.text for answer in found[operation]]
    assert texts == [f"≈ {known.check}: known", "✓ identity"]
    ((deviation,),) = (answer.known for answer in found[operation] if answer.known)
    assert (deviation.why, deviation.issue) == ("It is so.", "https://an.issue")
    assert deviation.places == (f"{known.question} at {known.point} (float32)",)


def test_a_failure_is_not_hidden_by_what_is_known():
    found = answers([changed(status=Status.KNOWN, message="Known: x"), changed(status=Status.FAIL)])
    assert [answer.status for (those) in found.values() for answer in those] == [Status.FAIL]
