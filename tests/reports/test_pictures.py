"""Pictures: well-formed SVG that says what the data say, the same bytes each time, fit to stand in a page."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from reports.pictures import COLOURS, MOST_POINTS, svg
from verify.picture import Field, Note, Picture, Series

ROOT = Path(__file__).parents[2]
LINES = Picture(
    "Growth & decay: a < b, for $1",
    "time / s",
    "height <h>",
    (
        Series.of("grows", (0, 1, 2), (1, 2, 4)),
        Series.of("steps & falls", (0, 1, 2), (4, 2, 1), "steps"),
        Series.of("measured", (0, 1, 2), (1, 2, 4), "points"),
    ),
    notes=(Note(1, 2, "they meet"),),
)
BARS = Picture(
    "Sizes",
    "dimension",
    "size",
    (Series.of("cat", (0, 1), (4, 3), "bars"), Series.of("stack", (0, 1), (2, 2), "bars")),
    x_ticks=("first", "second"),
)
HEIGHTS = [[x * x + y * y for x in range(-3, 4)] for y in range(-3, 4)]
FIELD = Picture(
    "A bowl",
    "x",
    "y",
    (Series.of("path", (-3, -1, 0), (2, 1, 0)),),
    field=Field.of(range(-3, 4), range(-3, 4), HEIGHTS, (1, 4, 9)),
    equal=True,
)
LOGARITHMIC = Picture(
    "Decay", "n", "left", (Series.of("4⁻ⁿ", (1, 10), (0.25, 1e-6)),), y_log=True, x_log=True
)
PICTURES = {"lines": LINES, "bars": BARS, "field": FIELD, "logarithmic": LOGARITHMIC}
SVG = "{http://www.w3.org/2000/svg}"


def words(text: str) -> list[str]:
    """What a reader can read."""
    return [element.text or "" for element in ElementTree.fromstring(text).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", PICTURES)
def test_it_is_one_well_formed_element(name):
    text = svg(PICTURES[name])
    root = ElementTree.fromstring(text)
    assert text.startswith("<svg ")
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == PICTURES[name].title
    assert len(text) < 30_000


@pytest.mark.parametrize("name", PICTURES)
def test_it_says_title_labels_and_notes(name):
    picture = PICTURES[name]
    expected = {picture.title, picture.x_label, picture.y_label, *picture.x_ticks}
    expected |= {series.label for series in picture.series} | {note.text for note in picture.notes}
    assert expected <= set(words(svg(picture)))


def test_powers_of_ten_are_written_as_powers():
    assert {"10⁻⁶", "10", "1"} <= set(words(svg(LOGARITHMIC)))


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_data_give_the_same_bytes(name):
    assert svg(PICTURES[name]) == svg(dataclasses.replace(PICTURES[name]))


def test_another_process_gives_the_same_bytes():
    code = "import sys; from tests.reports.test_pictures import *; sys.stdout.write(svg(LINES) + svg(FIELD))"
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        )
        assert run.stdout.decode() == svg(LINES) + svg(FIELD)


def test_other_data_give_another_picture():
    moved = dataclasses.replace(LINES, series=(Series.of("grows", (0, 1, 2), (1, 3, 4)), *LINES.series[1:]))
    assert svg(moved) != svg(LINES)


def test_a_style_of_the_user_changes_nothing_and_is_left_alone():
    wanted = svg(LINES)
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "svg.fonttype": "path"}):
        assert svg(LINES) == wanted
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.parametrize("name", PICTURES)
def test_it_reaches_for_nothing_outside_and_styles_nothing_outside(name):
    text = svg(PICTURES[name])
    assert "<style" not in text
    assert set(re.findall(r"https?://[^\"]*", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "<!DOCTYPE" not in text
    assert re.search(r"\b20\d\d-\d\d-\d\d", text) is None


def test_what_a_picture_refers_to_is_its_own():
    names = [set(re.findall(r' id="([^"]*)"', svg(picture))) for picture in (LINES, BARS, FIELD)]
    assert all(names)
    assert len(set.union(*names)) == sum(map(len, names))
    text = svg(LINES)
    assert set(re.findall(r"#([mpC][0-9a-f_]{6,})", text)) <= names[0]


def test_the_paper_is_drawn():
    first = next(ElementTree.fromstring(svg(LINES)).iter(f"{SVG}path"))
    assert "#ffffff" in first.get("style")


def test_series_differ_in_more_than_colour():
    lines = tuple(Series.of(f"line {i}", (0, 1), (i, i + 1)) for i in range(4))
    drawn = re.findall(r'<path[^>]*style="([^"]*stroke: #[^"]*)"', svg(Picture("t", "x", "y", lines)))
    dashes = [re.search(r"stroke-dasharray: ([^;]*)", s) for s in drawn if any(c in s for c in COLOURS[:4])]
    # Each line is drawn once in the axes and once in the legend; the first has no dashes.
    assert len({dash[1] for dash in dashes if dash}) == 3


def test_many_points_are_thinned():
    many = Picture("t", "x", "y", (Series.of("p", range(5000), range(5000), "points"),))
    assert svg(many).count("<use ") < MOST_POINTS + 50


def test_a_number_that_is_none_leaves_a_gap():
    gap = Picture("t", "x", "y", (Series.of("l", (0, 1, 2, 3), (0, math.nan, 2, math.inf)),))
    assert "nan" not in svg(gap)
    heights = [[math.nan, *row[1:]] for row in HEIGHTS]
    holed = dataclasses.replace(FIELD, field=Field.of(range(-3, 4), range(-3, 4), heights, (1, 4, 9)))
    assert "nan" not in svg(holed)


def test_a_ragged_field_or_series_is_refused():
    with pytest.raises(ValueError, match="not 7 rows of 7"):
        Field.of(range(-3, 4), range(-3, 4), [[0.0], *HEIGHTS[1:]], (1,))
    with pytest.raises(ValueError, match="2 places and 1 values"):
        Series.of("s", (0, 1), (1,))
