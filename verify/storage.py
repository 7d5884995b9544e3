"""Storage: files are written whole or not at all, and a damaged one is named. Imports no torch."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

RESULTS = Path("torchstone-results")
OUTCOMES = "outcomes"
OUTCOMES_SCHEMA = "torchstone.outcomes/1"
CATALOGUE = "catalogue.json"
LESSONS = "lessons.json"
NUMERICS = "numerics.json"
NUMERICS_SCHEMA = "torchstone.numerics/1"


class Unreadable(Exception):
    """A stored file that cannot be used; the message names the file and the reason."""


def write_whole(path: Path, text: str) -> None:
    """Write a text file aside, then rename it into place, so that no reader ever meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        # A path that is not UTF-8 reaches us as lone surrogates, which UTF-8 cannot hold; written with a
        # backslash they are what JSON reads back as the same characters.
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files private; a result is meant to be read by whoever reads its neighbours.
        umask = os.umask(0)
        os.umask(umask)
        Path(aside).chmod(0o666 & ~umask)
        Path(aside).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(aside).unlink()
        raise


def write_json(path: Path, record: Any) -> None:
    """Write JSON that every parser reads: a float that JSON has no word for is an error here."""
    write_whole(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read one JSON file. Raises: `Unreadable` naming the file, if it is missing, cut short or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    # ValueError: no UTF-8, no JSON, or a number of too many digits; RecursionError: nested too deeply.
    except (OSError, ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: {error}") from error
