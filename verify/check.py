"""Check: a question asked of a case; it returns Outcomes and never asserts."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.case import Case, Point
from verify.operation import Array
from verify.outcome import Outcome, Status, Worst, judge


@dataclass(frozen=True)
class Check:
    """A named question. `examine(case, seed)` yields one outcome for every answer it measured.

    `draws`: whether the answer depends on the seed; if not, one look is as good as many.
    `applies(case)` is False where the check has nothing to ask; such a case is not part of a run.
    A new check is one module in `verify/checks/` with a `CHECK` record; nothing else needs to know it.
    """

    name: str
    question: str
    examine: Callable[[Case, int], Iterable[Outcome]]
    applies: Callable[[Case], bool] = lambda case: True
    draws: bool = True


@dataclass(frozen=True)
class Finding:
    """What a check measured at a point, before it is judged: an error against its bound, in one unit.

    `remark` ends the message of a finding that does not pass. `blind`: the bound would let anything of
    the result's size pass, so that staying within it is inconclusive, or, where it is `unasked`, for the
    reason that is given there, was no question.
    """

    question: str
    measured: float
    bound: float
    unit: str
    worst: Worst | None = None
    figures: Mapping[str, float] | None = None
    remark: str = ""
    blind: bool = False
    unasked: str = ""


def outcome(check: str, case: Case, seed: int, point: Point, finding: Finding) -> Outcome:
    """Judge a finding and write the sentence that goes with the verdict."""
    status = judge(finding.measured, finding.bound)
    if status is Status.PASS and finding.blind:
        status = Status.SKIPPED if finding.unasked else Status.INCONCLUSIVE
    return dataclasses.replace(
        _blank(check, case, seed, status, _message(case, point, finding, status)),
        question=finding.question,
        point=point.name,
        measured=finding.measured,
        bound=finding.bound,
        unit=finding.unit,
        # What is below the bound could not have been told from rounding.
        smallest_visible=finding.bound,
        worst=finding.worst,
        figures=dict(finding.figures or {}),
    )


def raised(check: str, case: Case, seed: int, error: Exception) -> Outcome:
    """The outcome of a case whose examination raised: a failure that carries the error, not a crash."""
    where = f"{type(error).__name__}: {error}".splitlines()[0]
    message = f"{case.id}: {check} could not be examined, {where}"
    return dataclasses.replace(
        _blank(check, case, seed, Status.FAIL, message),
        question="runs to an end",
        measured=1.0,
        bound=0.0,
        unit="exceptions",
    )


def skipped(check: str, case: Case, seed: int, reason: str) -> Outcome:
    """The outcome of a case that cannot run here, with the reason; it counts neither way."""
    message = f"{case.id}: skipped, {reason}"
    blank = _blank(check, case, seed, Status.SKIPPED, message)
    return dataclasses.replace(blank, question="can be run here")


def _blank(check: str, case: Case, seed: int, status: Status, message: str) -> Outcome:
    """What every outcome of a case says, with nothing measured yet."""
    return Outcome(
        operation=case.operation.name,
        implementation=case.implementation,
        device=case.device,
        dtype=case.dtype,
        workload=case.workload.label,
        check=check,
        question="",
        point="",
        status=status,
        measured=None,
        bound=None,
        unit="",
        seed=seed,
        message=message,
        reproduce=reproduce(case, check, seed),
    )


def reproduce(case: Case, check: str, seed: int) -> str:
    """The command that examines this case alone, with the same inputs."""
    implementation = "" if case.implementation == "eager" else f" --implementation {case.implementation}"
    profile = " --profile full" if case.thorough else ""
    select = shlex.quote(case.id)
    return f"torchstone verify --select {select} --check {check} --seed {seed}{implementation}{profile}"


def worst_of(
    error: Array, bound: Array, scale: Array, computed: Array, expected: Array, inputs: tuple[Array, ...]
) -> tuple[float, float, Worst]:
    """The entry that comes closest to its bound, or exceeds it most, in units of `scale`.

    Shapes: all arrays broadcast to that of `error`. Returns measured, bound and the place.
    """
    if error.size == 0:
        return 0.0, 0.0, Worst((), (), "", "")
    bound, scale = np.broadcast_to(bound, error.shape), np.broadcast_to(scale, error.shape)
    with np.errstate(all="ignore"):
        # 0/0 is an exact result with an exact bound; a nan bound must win, so that it is seen.
        fraction = np.where(error == 0, 0.0, error / bound)
        fraction = np.where(np.isnan(bound) | np.isnan(error), np.inf, fraction)
        fraction = np.where(np.isinf(bound), np.inf, fraction)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(fraction)), error.shape))
    there = tuple(_hex(x[index] if x.shape == error.shape else x.flat[0]) for x in inputs if x.size)
    place = Worst(index, there, _hex(computed[index]), _hex(np.broadcast_to(expected, error.shape)[index]))
    with np.errstate(over="ignore"):
        measured, allowed = float(error[index] / scale[index]), float(bound[index] / scale[index])
    if np.isfinite(bound[index]) and np.isinf(allowed):
        # A finite bound in units of a subnormal spacing can leave float64: the largest number is below it.
        allowed = float(np.finfo(float).max)
        if error[index] <= bound[index]:
            measured = min(measured, allowed)
    return measured, allowed, place


def _hex(value: Any) -> str:
    return float(value).hex() if isinstance(value, float | np.floating) else str(value)


def _message(case: Case, point: Point, finding: Finding, status: Status) -> str:
    name = f"{case.id}: {finding.question} at {point.name!r}"
    figure = f"{finding.measured:.3g} {finding.unit}"
    if status is Status.PASS:
        return f"{name}: {figure} is within the bound {finding.bound:.3g}"
    if status is Status.SKIPPED:
        return f"{name}: skipped, {finding.unasked}"
    at = f" at entry {finding.worst.index}" if finding.worst and finding.worst.index else ""
    if status is Status.INCONCLUSIVE:
        why = "so wide a bound shows nothing" if finding.blind else f"the bound is {finding.bound:.3g}{at}"
        return f"{name}: could not be judged, {why}. {finding.remark}".rstrip()
    return f"{name}: {figure} exceeds the bound {finding.bound:.3g}{at}. {finding.remark}".rstrip()
