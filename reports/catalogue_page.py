"""Catalogue page: every operation and lesson as one Markdown document, with its present verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.catalogue import Catalogue, Entry
from reports.lessons import StoredLesson, told_figure
from reports.notation import fraction
from reports.ordering import dtype_rank, listed
from reports.page import TEMPLATES
from reports.verdict import SEVERITY, SIGNS
from verify.course import Row
from verify.outcome import Outcome, Status


@dataclass(frozen=True)
class Answer:
    """What one check found on one operation: its worst status, and what is known to deviate."""

    check: str
    status: Status
    known: tuple[Known, ...]

    @property
    def text(self) -> str:
        """The verdict with its sign."""
        return f"{SIGNS[self.status]} {self.check}" + (
            "" if self.status is Status.PASS else f": {self.status}"
        )


@dataclass(frozen=True)
class Known:
    """A deviation that fires: why, the upstream issue, and where (`forward at far (float32)`)."""

    why: str
    issue: str | None
    places: tuple[str, ...]


def render(
    catalogue: Catalogue,
    course: Sequence[Row],
    outcomes: Iterable[Outcome],
    lessons: Sequence[StoredLesson],
    subject: str,
    pictures: str,
) -> str:
    """The page as Markdown. The same arguments give the same page, byte for byte.

    `subject` says what the verdicts are about (a torch on a device);
    `pictures` is the folder of `<name>.svg`, as the page's links name it.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # Markdown; `cell` escapes what a table would take for its own
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "cell": cell,
        "anchor": anchor,
        "claimed": told_figure,
        "fraction": fraction,
        "listing": listing,
    }
    found = answers(outcomes)
    return environment.get_template("catalogue.md").render(
        course=course,
        subjects=[
            (subject, tuple(entries))
            for subject, entries in groupby(
                sorted(catalogue.entries.values(), key=lambda e: _place(catalogue, e)), lambda e: e.subject
            )
        ],
        answers=found,
        lessons=lessons,
        subject=subject,
        pictures=pictures,
        operations=len(catalogue.entries),
        signs=SIGNS,
    )


def _place(catalogue: Catalogue, entry: Entry) -> tuple[int, int]:
    """Subjects in the order of their first operation, operations in the catalogue's."""
    subjects = list(dict.fromkeys(e.subject for e in catalogue.entries.values()))
    return subjects.index(entry.subject), list(catalogue.entries).index(entry.name)


def answers(outcomes: Iterable[Outcome]) -> Mapping[str, tuple[Answer, ...]]:
    """What each check found on each operation, worst first within a check."""
    by_operation: dict[str, dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        by_operation.setdefault(outcome.operation, {}).setdefault(outcome.check, []).append(outcome)
    return {
        operation: tuple(_answer(check, checked[check]) for check in listed(checked, ()))
        for operation, checked in by_operation.items()
    }


def _answer(check: str, outcomes: Sequence[Outcome]) -> Answer:
    worst = min((o.status for o in outcomes), key=SEVERITY.index)
    if worst is Status.SKIPPED or not any(o.status is Status.KNOWN for o in outcomes):
        return Answer(check, worst, ())
    known = [o for o in outcomes if o.status is Status.KNOWN]
    causes = sorted({(_why(o), o.issue or "") for o in known})
    return Answer(
        check,
        worst,
        tuple(
            Known(why, issue or None, _places(o for o in known if (_why(o), o.issue or "") == (why, issue)))
            for why, issue in causes
        ),
    )


def _places(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    dtypes: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        dtypes.setdefault((outcome.question, outcome.point), []).append(outcome)
    return tuple(
        f"{question} at {point} ({', '.join(listed_dtypes(those))})"
        for (question, point), those in sorted(dtypes.items())
    )


def listed_dtypes(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """The dtypes of outcomes, each once, from the widest to the narrowest."""
    return tuple(sorted({o.dtype for o in outcomes}, key=dtype_rank))


def _why(outcome: Outcome) -> str:
    return outcome.message.partition(" Known: ")[2]


def cell(text: object) -> str:
    """Text inside a table of Markdown: a bar would end the cell, an asterisk or underscore open emphasis."""
    escaped = str(text)
    for character in "\\|*_`<[":
        escaped = escaped.replace(character, f"\\{character}")
    return escaped


def anchor(heading: str) -> str:
    """The place a Markdown reader gives a heading: small letters, blanks as hyphens, no other signs."""
    kept = (c for c in heading.lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def listing(names: Iterable[str]) -> str:
    """Names in a row, or a dash for none."""
    return " · ".join(map(cell, names)) or "–"
