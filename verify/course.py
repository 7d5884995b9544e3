"""Course: the claims of a course on deep learning, and which operations and lessons answer for each.

Imports no torch, so that the catalogue can be printed from what is stored.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("course.toml")


@dataclass(frozen=True)
class Row:
    """One claim, by its number in the course, and the names of what holds torch to it."""

    number: int
    subject: str
    claim: str
    operations: tuple[str, ...]
    lessons: tuple[str, ...]


@functools.cache
def rows() -> tuple[Row, ...]:
    """Every claim of the course, in its order."""
    return tuple(
        Row(
            row["number"],
            row["subject"],
            row["claim"],
            tuple(row.get("operations", ())),
            tuple(row.get("lessons", ())),
        )
        for row in tomllib.loads(_FILE.read_text(encoding="utf-8"))["row"]
    )


@functools.cache
def beyond() -> tuple[str, ...]:
    """The operations that the course does not name and the same field is built from."""
    return tuple(tomllib.loads(_FILE.read_text(encoding="utf-8"))["beyond"]["operations"])
