"""torchstone: are the numerics on this machine right, how accurate are they, and how fast?

The front door: the command line, and the few public names (`from torchstone import Operation, verify`).
torch is imported when it is first needed, not with this module.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from verify.storage import CATALOGUE, RESULTS, write_json, write_whole

if TYPE_CHECKING:
    from rich.progress import Progress

    from reports.report import Report
    from verify.run import Run
    from verify.score import Score

_PUBLIC = {
    "Operation": "verify.operation",
    "Formula": "verify.operation",
    "Workload": "verify.operation",
    "HardInput": "verify.operation",
    "Domain": "verify.operation",
    "Identity": "verify.operation",
    "Cost": "verify.operation",
    "Arithmetic": "verify.arithmetic",
    "Case": "verify.case",
    "Check": "verify.check",
    "Outcome": "verify.outcome",
    "Status": "verify.outcome",
    "Run": "verify.run",
    "verify": "verify.run",
    "check_gradient": "verify.gradients.check",
    "GradientReport": "verify.gradients.report",
    "gradcheck": "verify.gradients.drop_in",
    "gradgradcheck": "verify.gradients.drop_in",
    "write_report": "reports.report",
}
__all__ = ["main", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for: none of them is needed to print `--help`."""
    if name not in _PUBLIC:
        raise AttributeError(
            f"module 'torchstone' has no attribute {name!r}; it has {', '.join(sorted(_PUBLIC))}"
        )
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        _say(f"torchstone {version('torchstone')}")
        raise typer.Exit


app = typer.Typer(
    name="torchstone",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Patterns = list[str]
Select = Annotated[
    _Patterns | None,
    typer.Option(
        "--select",
        "-s",
        help="Operations by name or shell glob (`'softmax*'`), or one whole case as printed.",
    ),
]
Checks = Annotated[
    _Patterns | None, typer.Option("--check", "-c", help="Checks by name or glob; all if left out.")
]
Devices = Annotated[
    _Patterns | None,
    typer.Option("--device", "-d", help="cpu, cuda, mps or xpu; all that are present if left out."),
]
Dtypes = Annotated[
    _Patterns | None,
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
        help="`catalogue`, or `torch`: the gradient of every operator at the samples that torch ships "
        "(needs `torchstone[samples]`).",
    ),
]


@app.callback(invoke_without_command=True)
def everything(
    context: typer.Context,
    select: Select = None,
    check: Checks = None,
    device: Devices = None,
    dtype: Dtypes = None,
    profile: ProfileName = "quick",
    seed: Seed = None,
    results: Results = RESULTS,
    operations: Own = None,
    json: Json = None,
    junit: Junit = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version.")
    ] = False,
) -> None:
    """Are the numerics of this torch, on this machine, right? How accurate, and how fast?

    Without a command: **verify**, **bench** and **report**, one after the other.

    Exit status: **0** everything judged passes or is a known deviation; **1** something failed, could not
    be judged, or nothing was; **2** bad usage; **130** interrupted, with what was measured kept.
    """
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if _is_given(context, name)]
        if given:
            raise typer.BadParameter(f"put --{given[0]} after the command {context.invoked_subcommand!r}")
        return
    asked = _Asked(select, check, device, dtype, profile, results, operations)
    run = _verify(asked, seed, "eager", json, junit)
    _say("")
    timed = _bench(asked)
    _say("")
    _report(results, None)
    raise typer.Exit(run.exit_status or int(timed != 0))


@app.command("verify")
def verify_command(
    select: Select = None,
    check: Checks = None,
    device: Devices = None,
    dtype: Dtypes = None,
    profile: ProfileName = "quick",
    seed: Seed = None,
    results: Results = RESULTS,
    operations: Own = None,
    implementation: Implementation = "eager",
    ops: Operators = "catalogue",
    json: Json = None,
    junit: Junit = None,
) -> None:
    """Check that operations and their gradients are right, and how accurate they are.

    Example: `torchstone verify --select 'softmax*' --check accuracy --dtype float32`
    """
    asked = _Asked(select, check, device, dtype, profile, results, operations)
    with _usage():
        from verify.selection import choose

        choose("set of operators", (ops,), ("catalogue", "torch"))
    if ops == "torch":
        run = _verify_torch(asked, seed, json, junit)
    else:
        run = _verify(asked, seed, implementation, json, junit)
    raise typer.Exit(run.exit_status)


@app.command("bench")
def bench_command(
    select: Select = None,
    device: Devices = None,
    dtype: Dtypes = None,
    profile: ProfileName = "quick",
    results: Results = RESULTS,
    operations: Own = None,
) -> None:
    """Time operations, forward and backward, and the machine's own ceilings, with asv.

    Example: `torchstone bench --select 'mm' --dtype float32 --profile full`
    """
    asked = _Asked(select, None, device, dtype, profile, results, operations)
    raise typer.Exit(int(_bench(asked) != 0))


@app.command("report")
def report_command(
    results: Results = RESULTS,
    output: Annotated[Path | None, typer.Option("--output", help="Where to write the page.")] = None,
) -> None:
    """Write one self-contained page about everything stored in the results folder."""
    _report(results, output)


@app.command("selftest")
def selftest_command(
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Directions are drawn from it; a fresh one if left out."),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats",
            min=1,
            help="How often ours judges each right gradient, along other directions; 24: 10,000 checks.",
        ),
    ] = 1,
    json: Annotated[Path | None, typer.Option("--json", help="Also write all verdicts to this file.")] = None,
) -> None:
    """Score the gradient checker on gradients that are wrong on purpose, beside torch's own gradcheck.

    Exit status: **0** every fault above the error that the checker states as visible was caught, and no
    right gradient was called wrong; **1** otherwise.
    """
    raise typer.Exit(_selftest(seed, repeats, json).exit_status)


@app.command("list")
def list_command(operations: Own = None) -> None:
    """List the operations, checks and devices that can be selected."""
    from rich.table import Table

    from verify import devices
    from verify.checks import checks

    table = Table("operation", "subject", "formula", box=None, pad_edge=False, header_style="bold")
    for operation in _catalogue(operations).values():
        table.add_row(operation.name, operation.subject, operation.forward.text)
    _say(table)
    table = Table("check", "question", box=None, pad_edge=False, header_style="bold")
    for check in checks().values():
        table.add_row(check.name, check.question)
    _say("", table)
    table = Table("device", "here", box=None, pad_edge=False, header_style="bold")
    for kind in devices.KINDS:
        absent = devices.absence(kind)
        table.add_row(kind, absent or f"present, {devices.describe(kind)}")
    _say("", table)


def main() -> None:
    """Run the command line."""
    app()


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@dataclass(frozen=True)
class _Asked:
    """What every command that measures is asked for, as the command line gives it."""

    select: _Patterns | None
    check: _Patterns | None
    device: _Patterns | None
    dtype: _Patterns | None
    profile: str
    results: Path
    operations: list[Path] | None


def _verify(
    asked: _Asked, seed: int | None, implementation: str, json: Path | None, junit: Path | None
) -> Run:
    catalogue = _catalogue(asked.operations)

    from reports import terminal
    from verify import devices, selection
    from verify import run as running
    from verify.checks import checks
    from verify.junit import to_xml
    from verify.operations import describe

    chosen = selection.Selection(
        tuple(asked.select or ()),
        tuple(asked.check or ()),
        tuple(asked.device or ()),
        tuple(asked.dtype or ()),
        implementation,
        asked.profile,
    )
    with _usage():
        cases = tuple(selection.cases(chosen, catalogue, devices.present()))
        questions = selection.chosen_checks(chosen, checks())
        _can_write(asked.results / CATALOGUE, json, junit)
    seed = running.fresh_seed() if seed is None else seed
    with _progress() as progress:
        task = progress.add_task("verify", total=len(cases) * len(questions))

        def step(case: Any, check: Any) -> None:
            progress.update(task, advance=1, description=f"verify {case.id} {check.name}")

        run = running.verify(cases, questions, chosen, seed, _command(), step, asked.operations or ())
    stored = running.store(run, asked.results)
    write_json(asked.results / CATALOGUE, describe())
    if json:
        write_json(json, running.to_json(run))
    if junit:
        write_whole(junit, to_xml(run.outcomes))
    _say(terminal.matrix(run.outcomes), "", *terminal.complaints(run.outcomes))
    for reason in dict.fromkeys(o.message.partition(": ")[2] for o in run.outcomes if o.status == "skipped"):
        _say(reason)
    for deviation in run.stale:
        _say(
            f"stale: the known deviation of {deviation.operation}, {deviation.check} {deviation.question} at "
            f"{', '.join(deviation.points)}, no longer fires; remove it from known_deviations.toml"
        )
    _say(terminal.counts(run.outcomes), f"seed {seed}, stored in {stored}")
    if not run.complete:
        _say(f"interrupted: the {len(run.outcomes)} outcomes measured until then are kept in {stored}")
        raise typer.Exit(130)
    return run


def _verify_torch(asked: _Asked, seed: int | None, json: Path | None, junit: Path | None) -> Run:
    """The gradients of torch's own operators at torch's own samples."""
    from reports import terminal
    from verify import run as running
    from verify import torch_samples
    from verify.junit import to_xml
    from verify.selection import chosen_devices

    device, dtype = (asked.device or ["cpu"])[0], (asked.dtype or ["float64"])[0]
    with _usage():
        chosen_devices([device], ())
        known = torch_samples.operators(dtype)
        chosen = torch_samples.chosen(asked.select or (), known)
        _can_write(json, junit)
    seed = running.fresh_seed() if seed is None else seed
    with _progress() as progress:
        task = progress.add_task("verify", total=len(chosen))

        def found() -> Iterator[Any]:
            for name, only in chosen.items():
                progress.update(task, description=f"verify {name}")
                yield from torch_samples.outcomes(known[name], only, device, dtype, seed)
                progress.advance(task)

        run = running.gathered(found(), asked.profile, seed, _command())
    if json:
        write_json(json, running.to_json(run))
    if junit:
        write_whole(junit, to_xml(run.outcomes))
    _say(terminal.troubles(run.outcomes), "", terminal.slowest(run.outcomes), "")
    _say(terminal.counts(run.outcomes), f"{len(chosen)} operators, seed {seed}")
    if not run.complete:
        _say(f"interrupted after {len(run.outcomes)} samples")
        raise typer.Exit(130)
    return run


def _bench(asked: _Asked) -> int:
    catalogue = _catalogue(asked.operations)
    results, dtypes = asked.results, tuple(asked.dtype or ())

    from benchmarks.running import run_benchmarks, selection
    from reports import terminal
    from reports.report import read_findings
    from verify import devices
    from verify.operations import describe
    from verify.selection import PROFILES, choose, chosen_devices, chosen_operations

    with _usage():
        choose("profile", (asked.profile,), PROFILES)
        wanted = chosen_devices(tuple(asked.device or ()), ())
    chosen: Literal["quick", "full"] = "full" if asked.profile == "full" else "quick"
    for kind in wanted:
        absent = devices.absence(kind)
        if absent:
            _say(f"bench: {kind} skipped, {absent}")
    here = tuple(kind for kind in wanted if devices.absence(kind) is None)
    if wanted and not here:
        return 0
    with _usage():
        _can_write(results / CATALOGUE)
        names = chosen_operations(asked.select or (), catalogue)
        total = selection(chosen, names, dtypes, here).cases
    # Before asv starts: the report needs the costs whatever becomes of the run.
    write_json(results / CATALOGUE, describe())

    def show() -> None:
        rows = read_findings(results).speeds.slowest
        _say(terminal.times(row for row in rows if row.operation in names))

    with _alone(results), _progress() as progress:
        task = progress.add_task("bench, asv looks for benchmarks", total=total)
        log: list[str] = []

        def line(text: str) -> None:
            log.append(text)
            count, _, rest = text.partition("/")
            if count.strip().isdigit():
                progress.update(
                    task, completed=int(count), description=f"bench {rest.partition(' ')[2]}"[:70]
                )

        try:
            status = run_benchmarks(
                results,
                profile=chosen,
                select=names,
                dtypes=dtypes,
                devices=here,
                on_progress=line,
            )
        except KeyboardInterrupt:
            show()
            _say(f"interrupted: the benchmarks finished until then are kept in {results / 'asv'}")
            raise typer.Exit(130) from None
        except FileNotFoundError as error:
            _say(f"bench: asv needs {error.filename}, which is not on the PATH; nothing was timed")
            return 1
    if status:
        _say("bench: asv failed; the end of what it said:", *log[-20:])
    show()
    _say(f"bench: {total} cases, the ceilings among them, stored in {results / 'asv'}")
    return status


def _selftest(seed: int | None, repeats: int, json: Path | None) -> Score:
    from reports import score as scoring
    from verify import planted, selftest
    from verify.run import fresh_seed

    with _usage():
        _can_write(json)
    seed = fresh_seed() if seed is None else seed
    gradients = planted.planted()
    with _progress() as progress:
        task = progress.add_task("selftest", total=len(gradients))

        def step(one: Any) -> None:
            progress.update(task, advance=1, description=f"selftest {one.name}")

        try:
            score = selftest.run(gradients, seed, selftest.CHECKERS, step, repeats)
        except KeyboardInterrupt:
            _say("interrupted: the score of a part would say nothing, and is not kept")
            raise typer.Exit(130) from None
    if json:
        write_json(json, score.to_json())
    _say(scoring.table(score), "", *scoring.complaints(score), *scoring.summary(score), f"seed {seed}")
    return score


def _report(results: Path, output: Path | None) -> Report:
    from reports.report import PAGE, write_report

    with _usage():
        _can_write(output or results / PAGE)
    written = write_report(results, output)
    for complaint in written.complaints:
        _say(f"left alone: {complaint}")
    _say(written.verdict, f"report: {written.path}")
    return written


def _catalogue(operations: list[Path] | None) -> Any:
    """The catalogue with the user's own files, which benchmarks in other processes have to find too."""
    from verify.operations import OWN_OPERATIONS, catalogue

    if operations:
        known = os.environ.get(OWN_OPERATIONS, "").split(os.pathsep)
        paths = dict.fromkeys([*filter(None, known), *(str(path.resolve()) for path in operations)])
        os.environ[OWN_OPERATIONS] = os.pathsep.join(paths)
        catalogue.cache_clear()
    with _usage():
        return catalogue()


def _command() -> str:
    import shlex

    return shlex.join(["torchstone", *sys.argv[1:]])


def _can_write(*targets: Path | None) -> None:
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
def _alone(results: Path) -> Iterator[None]:
    """Keep a second run out of asv's result file, which it reads, changes and writes back whole."""
    from filelock import FileLock, Timeout

    lock = FileLock(results / ".bench.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say(f"bench: another run is timing into {results}; waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _usage() -> Iterator[None]:
    """Turn an error in what was asked for into a message and exit status 2."""
    try:
        yield
    except (ValueError, ImportError) as error:
        sys.stderr.write(f"torchstone: {error}\n")
        raise typer.Exit(2) from error


@contextmanager
def _progress() -> Iterator[Progress]:
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


def _say(*things: Any) -> None:
    """Print lines and tables. Text is taken as it is: a case's name has brackets, which are no markup."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, soft_wrap=True)
    for thing in things:
        console.print(thing)


if __name__ == "__main__":
    main()
