"""The command line: every command, its options and its help. What they do is in the modules beside this."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from torchstone import probing, scoring, showing, timing, verifying
from torchstone.console import is_given, say, usage
from torchstone.options import (
    Asked,
    Checks,
    Devices,
    Dtypes,
    Implementation,
    Json,
    Junit,
    Operators,
    Own,
    Patterns,
    ProfileName,
    Results,
    Seed,
    Select,
    Workers,
)
from verify.storage import RESULTS


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"torchstone {version('torchstone')}")
        raise typer.Exit


app = typer.Typer(
    name="torchstone",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


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

    Without a command: **verify**, **numerics** (unless operations are selected), **bench** and **report**.

    Exit status: **0** everything judged passes or is a known deviation; **1** something failed, could not
    be judged, or nothing was; **2** bad usage; **130** interrupted, with what was measured kept.
    """
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if is_given(context, name)]
        if given:
            raise typer.BadParameter(f"put --{given[0]} after the command {context.invoked_subcommand!r}")
        return
    asked = Asked(select, check, device, dtype, profile, results, operations)
    run = verifying.over_catalogue(asked, seed, "eager", json, junit)
    say("")
    # What a device adds and multiplies with is no question of one operation.
    probed = 0 if select else probing.numerics(device, results, None, whole=False)
    timed = timing.bench(asked)
    say("")
    showing.report(results, None)
    raise typer.Exit(run.exit_status or int(probed != 0 or timed != 0))


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
    workers: Workers = None,
    json: Json = None,
    junit: Junit = None,
) -> None:
    """Check that operations and their gradients are right, and how accurate they are.

    Example: `torchstone verify --select 'softmax*' --check accuracy --dtype float32`
    """
    asked = Asked(select, check, device, dtype, profile, results, operations, workers)
    with usage():
        from verify.selection import choose

        choose("set of operators", (ops,), ("catalogue", "torch"))
    if ops == "torch":
        run = verifying.over_torch(asked, seed, json, junit)
    else:
        run = verifying.over_catalogue(asked, seed, implementation, json, junit)
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
    asked = Asked(select, None, device, dtype, profile, results, operations)
    raise typer.Exit(int(timing.bench(asked) != 0))


@app.command("report")
def report_command(
    results: Results = RESULTS,
    output: Annotated[Path | None, typer.Option("--output", help="Where to write the page.")] = None,
) -> None:
    """Write one self-contained page about everything stored in the results folder."""
    showing.report(results, output)


@app.command("selftest")
def selftest_command(
    part: Annotated[
        list[str] | None,
        typer.Option("--part", help="`gradients` or `checks` alone; both if left out."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Inputs are drawn from it; a fresh one if left out."),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            "--repeats",
            min=1,
            help="How often ours judges each right gradient, along other directions; 24: 34,000 checks.",
        ),
    ] = 1,
    json: Annotated[Path | None, typer.Option("--json", help="Also write all verdicts to this file.")] = None,
) -> None:
    """Score the gradient checker, beside torch's own gradcheck, and every check on what is wrong on purpose.

    Exit status: **0** every fault above the error that the gradient checker states as visible was caught,
    every other fault by the check that should, and nothing right was called wrong; **1** otherwise.
    """
    raise typer.Exit(scoring.selftest(part or [], seed, repeats, json))


@app.command("list")
def list_command(operations: Own = None) -> None:
    """List the operations, checks, lessons and devices that can be selected."""
    showing.listing(operations)


@app.command("lessons")
def lessons_command(
    select: Annotated[
        Patterns | None,
        typer.Option("--select", "-s", help="Lessons by name or shell glob; all if left out."),
    ] = None,
    results: Results = RESULTS,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the lessons to this file.")] = None,
) -> None:
    """Show the claims of a course on deep learning, each with its figures and its picture.

    Exit status: **0** every figure is what its lesson says, within its bound; **1** otherwise.
    """
    raise typer.Exit(showing.lessons(select or (), results, json))


@app.command("numerics")
def numerics_command(
    device: Devices = None,
    results: Results = RESULTS,
    json: Annotated[Path | None, typer.Option("--json", help="Also write the card to this file.")] = None,
) -> None:
    """Show what each device adds and multiplies with: its numerics card, every line proved by a probe.

    Exit status: **0** the error of every graded product is explained, and no mode of precision uses fewer
    bits than it promises; **1** otherwise.
    """
    raise typer.Exit(probing.numerics(device, results, json))


@app.command("catalogue")
def catalogue_command(
    output: Annotated[
        Path, typer.Option("--output", help="The folder of `catalogue.md` and the lessons' pictures.")
    ] = Path("docs"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say what differs from what is there.")
    ] = False,
) -> None:
    """Print the catalogue: every operation and lesson, with its formulas, sources and present verdicts.

    Exit status: **0** all verdicts are good and, with `--check`, nothing differs; **1** otherwise.
    """
    raise typer.Exit(showing.catalogue(output, check))
