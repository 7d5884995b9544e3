"""Options: what the commands that measure are asked for, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

Patterns = list[str]
Select = Annotated[
    Patterns | None,
    typer.Option(
        "--select",
        "-s",
        help="Operations by name or shell glob (`'softmax*'`), or one whole case as printed.",
    ),
]
Checks = Annotated[
    Patterns | None, typer.Option("--check", "-c", help="Checks by name or glob; all if left out.")
]
Devices = Annotated[
    Patterns | None,
    typer.Option("--device", "-d", help="cpu, cuda, mps or xpu; all that are present if left out."),
]
Dtypes = Annotated[
    Patterns | None,
    typer.Option("--dtype", "-t", help="float64, float32, float16, bfloat16; the profile's if left out."),
]
ProfileName = Annotated[
    str,
    typer.Option(
        "--profile", "-p", help="`quick`: about a minute. `full`: every dtype, workload and repeat."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Inputs are drawn from it; a fresh one, printed, if left out."),
]
Results = Annotated[
    Path, typer.Option("--results", help="The folder in which figures and the page are kept.")
]
Own = Annotated[
    list[Path] | None,
    typer.Option(
        "--operations", "-o", help="A Python file with `Operation` records of your own; may be repeated."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the outcomes to this file.")]
Junit = Annotated[
    Path | None, typer.Option("--junit", help="Also write the outcomes as JUnit XML to this file.")
]
Implementation = Annotated[
    str,
    typer.Option("--implementation", help="`eager`, or `compiled` (torch.compile; needs a C++ compiler)."),
]


Operators = Annotated[
    str,
    typer.Option(
        "--ops",
        help="`catalogue`, or `torch`: the gradient of every operator at the samples that torch ships, and "
        "in a full run all that needs no record (needs `torchstone[samples]`).",
    ),
]


Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="How many processes share the cases; as many as cores if left out."
    ),
]


@dataclass(frozen=True)
class Asked:
    """What every command that measures is asked for, as the command line gives it."""

    select: Patterns | None
    check: Patterns | None
    device: Patterns | None
    dtype: Patterns | None
    profile: str
    results: Path
    operations: list[Path] | None
    workers: int | None = None
