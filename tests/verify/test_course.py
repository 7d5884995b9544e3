"""No row of the course may be without an operation or a lesson that holds torch to it."""

from __future__ import annotations

import pytest

from verify.course import Row, beyond, rows
from verify.lessons import lessons
from verify.operations import catalogue

# The course has so many rows, and the catalogue is to have so many operations, variants not counted.
ROWS = 23
OPERATIONS = 90


def test_the_course_is_whole():
    assert [row.number for row in rows()] == list(range(1, ROWS + 1))


def missing(row: Row) -> list[str]:
    """What a row lacks: anything at all, or what it names and nobody wrote."""
    named = [
        *(n for n in row.operations if n not in catalogue()),
        *(n for n in row.lessons if n not in lessons()),
    ]
    return named or ([] if row.operations or row.lessons else ["an operation or a lesson"])


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.subject)
def test_a_row_has_an_operation_or_a_lesson(row):
    assert not missing(row)


def test_a_row_without_either_or_with_a_name_that_nobody_wrote_is_seen():
    assert missing(Row(24, "nothing", "nothing", (), ())) == ["an operation or a lesson"]
    assert missing(Row(24, "nothing", "nothing", ("no_such",), ("none",))) == ["no_such", "none"]


@pytest.mark.parametrize("name", beyond())
def test_the_field_beyond_the_course_is_there(name):
    assert name in catalogue()


def test_the_catalogue_is_as_large_as_it_claims():
    assert len(catalogue()) >= OPERATIONS


def test_every_lesson_answers_for_a_row():
    assert {name for row in rows() for name in row.lessons} == set(lessons())
