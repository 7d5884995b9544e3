"""Lessons: what `verify` stored of them, read back strictly, and told on a terminal. Pure.

A lesson that is not written exactly as `verify.lesson.document` writes it is refused: a figure that was
guessed at is no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_args

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports.notation import fraction, number
from reports.terminal import STYLES
from reports.verdict import SEVERITY
from verify.lesson import LESSONS_SCHEMA, WORDS, Figure
from verify.outcome import Status
from verify.picture import Field, Kind, Note, Picture, Series

T = TypeVar("T")
NON_FINITE = ("inf", "-inf", "nan")
# A figure that agrees to seven places agrees to the eye; the column beside it says how far it is off.
DIGITS = 7


@dataclass(frozen=True)
class StoredLesson:
    """A lesson that was run: what `verify.lesson.Lesson` says, and what showing it gave."""

    name: str
    title: str
    claim: str
    formula: str
    holds: bool
    source: str
    condition: str
    counterexample: str
    figures: tuple[Figure, ...]
    picture: Picture

    @property
    def status(self) -> Status:
        """The worst of its figures."""
        return min((figure.status for figure in self.figures), key=list(SEVERITY).index, default=Status.PASS)


def stored_lessons(document: Any) -> tuple[StoredLesson, ...]:
    """The lessons of a document, in its order. Raises: ValueError naming what is not as it was written."""
    record = _object(document, "the document", ("schema", "lessons"))
    if record["schema"] != LESSONS_SCHEMA:
        raise ValueError(f"schema {record['schema']!r}, not {LESSONS_SCHEMA!r}")
    lessons = _tuple(record["lessons"], "lessons", _lesson)
    names = [lesson.name for lesson in lessons]
    if len(set(names)) != len(names):
        raise ValueError(f"lessons: a name is there twice: {names}")
    return lessons


def overview(lessons: Iterable[StoredLesson]) -> Table:
    """A line a lesson: its name, its title, whether its claim is true as said, and its figures' status."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("lesson", overflow="fold")
    for name in ("title", "as said", "figures"):
        table.add_column(name)
    for lesson in lessons:
        passed = sum(figure.status is Status.PASS for figure in lesson.figures)
        figures = f"{lesson.status.value} {passed} of {len(lesson.figures)}"
        table.add_row(lesson.name, lesson.title, _said(lesson), Text(figures, STYLES[lesson.status]))
    return table


def told(lesson: StoredLesson) -> Group:
    """One lesson: its claim, whether that is true as said, what makes it true, and every figure."""
    parts: list[RenderableType] = [
        Text.assemble((lesson.title, "bold"), (f"  {lesson.name}", "dim")),
        Text.assemble("“", lesson.claim, "”  ", _said(lesson)),
    ]
    for label in ("condition", "counterexample", "formula", "source"):
        if text := getattr(lesson, label):
            parts.append(Text.assemble((f"{label}: ", "dim"), text))
    return Group(*parts, _figures(lesson.figures))


def _said(lesson: StoredLesson) -> Text:
    return Text("holds", "green") if lesson.holds else Text("false as said", "yellow")


def _figures(figures: Sequence[Figure]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("figure")
    for name in ("measured", "claimed", "off by", "bound"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status")
    for figure in figures:
        off = abs(figure.measured - figure.claimed)
        unit = f" {figure.unit}" if figure.unit else ""
        table.add_row(
            Text(figure.name),
            told_figure(figure.measured) + unit,
            told_figure(figure.claimed) + unit,
            fraction(off),
            fraction(figure.bound),
            Text(figure.status.value, STYLES[figure.status]),
        )
    return table


def told_figure(value: float) -> str:
    """A count as a count, anything else to seven places: `289`, `0.6931472`."""
    whole = math.isfinite(value) and value == int(value) and abs(value) < 10**DIGITS
    return f"{value:.0f}" if whole else number(value, DIGITS)


def _lesson(value: Any, where: str) -> StoredLesson:
    record = _object(value, where, (*WORDS, "figures", "picture"))
    name = _text(record["name"], f"{where}.name")
    words: dict[str, Any] = {
        word: (_truth if word == "holds" else _text)(record[word], f"{name}.{word}") for word in WORDS
    }
    return StoredLesson(
        **words,
        figures=_tuple(record["figures"], f"{name}.figures", _figure),
        picture=_picture(record["picture"], f"{name}.picture"),
    )


def _figure(value: Any, where: str) -> Figure:
    record = _object(value, where, (*_names(Figure), "status"))
    figure = Figure(
        name=_text(record["name"], f"{where}.name"),
        measured=_number(record["measured"], f"{where}.measured"),
        claimed=_number(record["claimed"], f"{where}.claimed"),
        bound=_number(record["bound"], f"{where}.bound"),
        because=_text(record["because"], f"{where}.because"),
        unit=_text(record["unit"], f"{where}.unit"),
    )
    if record["status"] != figure.status.value:
        raise ValueError(f"{where}: status {record['status']!r}, but its numbers say {figure.status.value!r}")
    return figure


def _picture(value: Any, where: str) -> Picture:
    record = _object(value, where, _names(Picture))
    field = record["field"]
    return Picture(
        title=_text(record["title"], f"{where}.title"),
        x_label=_text(record["x_label"], f"{where}.x_label"),
        y_label=_text(record["y_label"], f"{where}.y_label"),
        series=_tuple(record["series"], f"{where}.series", _one_series),
        x_log=_truth(record["x_log"], f"{where}.x_log"),
        y_log=_truth(record["y_log"], f"{where}.y_log"),
        field=None if field is None else _field(field, f"{where}.field"),
        notes=_tuple(record["notes"], f"{where}.notes", _note),
        x_ticks=_tuple(record["x_ticks"], f"{where}.x_ticks", _text),
        equal=_truth(record["equal"], f"{where}.equal"),
    )


def _one_series(value: Any, where: str) -> Series:
    record = _object(value, where, _names(Series))
    kind = record["kind"]
    if kind not in get_args(Kind):
        raise ValueError(f"{where}.kind: {kind!r} is none of {get_args(Kind)}")
    return Series.of(
        _text(record["label"], f"{where}.label"), _row(record["x"], where), _row(record["y"], where), kind
    )


def _field(value: Any, where: str) -> Field:
    record = _object(value, where, _names(Field))
    x, y, levels = (_row(record[name], f"{where}.{name}") for name in ("x", "y", "levels"))
    return Field.of(x, y, _tuple(record["heights"], f"{where}.heights", _row), levels)


def _note(value: Any, where: str) -> Note:
    record = _object(value, where, _names(Note))
    return Note(_number(record["x"], where), _number(record["y"], where), _text(record["text"], where))


def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def _object(value: Any, where: str, keys: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: not a JSON object")
    if set(value) != set(keys):
        missing, unknown = sorted(set(keys) - set(value)), sorted(set(value) - set(keys))
        raise ValueError(f"{where}: {missing} missing, {unknown} unknown")
    return value


def _tuple(value: Any, where: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where}: not a JSON list")
    return tuple(read(item, f"{where}[{position}]") for position, item in enumerate(value))


def _row(value: Any, where: str) -> tuple[float, ...]:
    return _tuple(value, where, _number)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{where}: not a text: {value!r}")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where}: neither true nor false: {value!r}")
    return value


def _number(value: Any, where: str) -> float:
    # A bool is an int to Python, and no number to JSON.
    if value in NON_FINITE or (isinstance(value, int | float) and not isinstance(value, bool)):
        return float(value)
    raise ValueError(f"{where}: not a number: {value!r}")
