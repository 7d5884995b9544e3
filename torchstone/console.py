"""Console: what all commands share in speaking to a person and in taking what a person typed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


def is_given(context: typer.Context, name: str) -> bool:
    """Whether an option was typed, rather than left at its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def own_catalogue(operations: list[Path] | None) -> Any:
    """The catalogue with the user's own files, which benchmarks in other processes have to find too."""
    from verify.operations import OWN_OPERATIONS, catalogue

    if operations:
        known = os.environ.get(OWN_OPERATIONS, "").split(os.pathsep)
        paths = dict.fromkeys([*filter(None, known), *(str(path.resolve()) for path in operations)])
        os.environ[OWN_OPERATIONS] = os.pathsep.join(paths)
        catalogue.cache_clear()
    with usage():
        return catalogue()


def command_typed() -> str:
    """The command as it was typed, to be stored beside what it measured."""
    import shlex

    return shlex.join(["torchstone", *sys.argv[1:]])


def can_write(*targets: Path | None) -> None:
    """Refuse a place that cannot be written before anything is measured, not after. Raises: ValueError."""
    for target in filter(None, targets):
        try:
            if target.is_dir():
                raise IsADirectoryError("it is a folder")
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=target.parent):
                pass
        except OSError as error:
            raise ValueError(f"cannot write {target}: {error.strerror or error}") from error


@contextmanager
def alone(results: Path) -> Iterator[None]:
    """Keep a second run out of asv's result file, which it reads, changes and writes back whole."""
    from filelock import FileLock, Timeout

    lock = FileLock(results / ".bench.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"bench: another run is timing into {results}; waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def usage() -> Iterator[None]:
    """Turn an error in what was asked for into a message and exit status 2."""
    try:
        yield
    except (ValueError, ImportError) as error:
        sys.stderr.write(f"torchstone: {error}\n")
        raise typer.Exit(2) from error


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error while it is a terminal; nothing otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def say(*things: Any, wrap: bool = False) -> None:
    """Print lines and tables. Text is taken as it is: a case's name has brackets, which are no markup.

    `wrap`: prose is broken between words; a line that may be copied into a shell is not.
    """
    from rich.console import Console

    console = Console(markup=False, highlight=False, soft_wrap=not wrap)
    for thing in things:
        console.print(thing)
