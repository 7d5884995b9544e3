"""Stored lessons: read back exactly or refused, and told on a terminal."""

from __future__ import annotations

import copy
import json
import math

import pytest
from rich.console import Console

from reports.lessons import overview, stored_lessons, told
from verify.lesson import WORDS, Demonstration, Figure, Lesson, document
from verify.outcome import Status
from verify.picture import Field, Note, Picture, Series

PICTURE = Picture(
    "A bowl",
    "x",
    "y",
    (Series.of("path", (-1, 0), (2, 0)), Series.of("end", (0,), (1 / 3,), "points")),
    field=Field.of((0, 1), (0, 1, 2), ((0, 1), (1, 2), (4, 5)), (1, 4)),
    notes=(Note(0, 0, "here"),),
    x_ticks=("a", "b"),
    equal=True,
)
FALSE = Lesson(
    "half_up",
    "Where a half goes",
    "round rounds [a half] up",
    "round(n + 1/2) is even",
    False,
    "IEEE 754",
    lambda: None,
    condition="n is odd",
    counterexample="round(2.5) = 2",
)
TRUE = Lesson("sum", "A sum", "1 + 1 = 2", "1 + 1", True, "Peano", lambda: None)
FIGURES = (
    Figure("round(2.5)", 2.0, 2.0, 0.0, "exact"),
    Figure("a third", 1 / 3, 0.3333333, 1e-7, "seven places", "m"),
)
WRONG = (Figure("1 + 1", 3.0, 2.0, 0.0, "exact"), Figure("lost", math.nan, 1.0, math.inf, "no bound"))


def stored():
    """A document as it is read from a file."""
    plain = Picture("t", "x", "y", ())
    shown = [(FALSE, Demonstration(FIGURES, PICTURE)), (TRUE, Demonstration(WRONG, plain))]
    return json.loads(json.dumps(document(shown), allow_nan=False))


def printed(renderable) -> str:
    console = Console(width=140, no_color=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_what_was_written_is_read():
    false, true = stored_lessons(stored())
    assert all(getattr(false, word) == getattr(FALSE, word) for word in WORDS)
    assert (false.figures, false.picture) == (FIGURES, PICTURE)
    assert true.figures[0] == WRONG[0]
    assert math.isnan(true.figures[1].measured)
    assert true.figures[1].bound == math.inf
    assert (false.status, true.status) == (Status.PASS, Status.FAIL)


def at(path, value):
    """A damage: the entry at the path becomes `value`."""

    def damage(document):
        *way, last = path
        for step in way:
            document = document[step]
        document[last] = value

    return damage


def without(path):
    def damage(document):
        *way, last = path
        for step in way:
            document = document[step]
        del document[last]

    return damage


FIRST = ("lessons", 0)
DAMAGES = {
    "another schema": (at(("schema",), "torchstone.lessons/2"), "torchstone.lessons/2"),
    "no lessons": (without(("lessons",)), "lessons.* missing"),
    "lessons no list": (at(("lessons",), {}), "lessons: not a JSON list"),
    "a word missing": (without((*FIRST, "claim")), r"lessons\[0\]: \['claim'\] missing"),
    "a word too many": (at((*FIRST, "verdict"), "true"), r"\['verdict'\] unknown"),
    "holds in words": (at((*FIRST, "holds"), "no"), "half_up.holds: neither true nor false"),
    "holds a number": (at((*FIRST, "holds"), 0), "half_up.holds"),
    "a title that is none": (at((*FIRST, "title"), None), "half_up.title: not a text"),
    "a name twice": (at(("lessons", 1, "name"), "half_up"), "twice"),
    "a figure in words": (
        at((*FIRST, "figures", 1, "measured"), "2.0"),
        r"figures\[1\].measured: not a number",
    ),
    "a figure that is true": (at((*FIRST, "figures", 0, "measured"), True), "not a number"),
    "no bound": (at((*FIRST, "figures", 0, "bound"), None), r"figures\[0\].bound"),
    "a pass that fails": (at((*FIRST, "figures", 0, "measured"), 3.0), "its numbers say 'fail'"),
    "a failure that passes": (at(("lessons", 1, "figures", 0, "status"), "pass"), "its numbers say 'fail'"),
    "a picture that is none": (at((*FIRST, "picture"), None), "half_up.picture: not a JSON object"),
    "an unknown kind": (at((*FIRST, "picture", "series", 0, "kind"), "pie"), "'pie' is none of"),
    "a list as a kind": (at((*FIRST, "picture", "series", 0, "kind"), ["line"]), "is none of"),
    "a list as a number": (at((*FIRST, "picture", "notes", 0, "x"), []), "not a number"),
    "a place too few": (at((*FIRST, "picture", "series", 0, "x"), [1.0]), "1 places and 2 values"),
    "a ragged field": (at((*FIRST, "picture", "field", "heights", 0), [0.0]), "not 3 rows of 2"),
    "a field with a gap": (without((*FIRST, "picture", "field", "levels")), "levels.* missing"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_was_not_written_so_is_refused_by_its_place(name):
    damage, message = DAMAGES[name]
    document = copy.deepcopy(stored())
    damage(document)
    with pytest.raises(ValueError, match=message):
        stored_lessons(document)


@pytest.mark.parametrize("document", [None, [], "lessons", 3])
def test_what_is_no_document_is_refused(document):
    with pytest.raises(ValueError, match="the document: not a JSON object"):
        stored_lessons(document)


def test_a_lesson_is_told_with_all_that_it_says():
    text = printed(told(stored_lessons(stored())[0]))
    for part in (
        "Where a half goes",
        "“round rounds [a half] up”  false as said",
        "condition: n is odd",
        "counterexample: round(2.5) = 2",
        "formula: round(n + 1/2) is even",
        "source: IEEE 754",
    ):
        assert part in text
    row = next(line for line in text.splitlines() if line.startswith("a third"))
    assert row.split() == ["a", "third", "0.3333333", "m", "0.3333333", "m", "3.3e-8", "1.0e-7", "pass"]


def test_a_failure_is_told_as_one():
    text = printed(told(stored_lessons(stored())[1]))
    assert "“1 + 1 = 2”  holds" in text
    assert "condition" not in text
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert rows["1 + 1"][-5:] == ["3", "2", "1.0", "0", "fail"]
    assert rows["lost"][-5:] == ["nan", "1", "nan", "∞", "inconclusive"]


def test_the_overview_has_a_line_a_lesson():
    _, first, second = printed(overview(stored_lessons(stored()))).splitlines()
    assert " ".join(first.split()) == "half_up Where a half goes false as said pass 2 of 2"
    assert " ".join(second.split()) == "sum A sum holds fail 0 of 2"
