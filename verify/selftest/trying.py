"""Trying: every fault that is planted in an operation, shown to the check that should see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import torch

from verify import known_deviations
from verify.case import HARD, Case
from verify.checks import checks
from verify.examination import examine
from verify.operation import Operation
from verify.operations import catalogue
from verify.outcome import Outcome, Status
from verify.run import one_thread
from verify.selftest.trial import Trial, Trials
from verify.wrong_on_purpose import Fault

Progress = Callable[[Fault], None]


def run(faults: Sequence[Fault], seed: int, progress: Progress = lambda fault: None) -> Trials:
    """Show every fault to its check, and the operation without it too, on one thread."""
    alarms: dict[tuple[str, str, str], str | None] = {}
    found = []
    with one_thread():
        for fault in faults:
            progress(fault)
            name = fault.operation.name
            key = (fault.check, name, fault.dtype)
            if key not in alarms:
                alarms[key] = _alarm(catalogue()[name], fault.check, fault.dtype, seed)
            found.append(_tried(fault, seed, alarms[key]))
    return Trials(tuple(found), seed)


def examining(operation: Operation, check: str, dtype: str, seed: int) -> Iterator[tuple[Outcome, ...]]:
    """A check's outcomes on each of an operation's workloads, with what is known of torch itself marked."""
    asked, listed = checks()[check], known_deviations.read()
    for workload in (*operation.check, HARD):
        case = Case(operation, "cpu", dtype, workload)
        if asked.applies(case) and not case.undefined:
            yield known_deviations.mark(examine(case, asked, seed), listed, torch.__version__)


def failures(fault: Fault, seed: int) -> tuple[Outcome, ...]:
    """The failures on the first workload on which the check sees the fault; none if it sees it nowhere."""
    for outcomes in examining(fault.operation, fault.check, fault.dtype, seed):
        failed = tuple(o for o in outcomes if o.status is Status.FAIL)
        if failed:
            return failed
    return ()


def _tried(fault: Fault, seed: int, alarm: str | None) -> Trial:
    begin = time.process_time()
    failed = failures(fault, seed)
    seconds = time.process_time() - begin
    # An operation that cannot be examined at all is no fault that a figure has shown.
    shown = [o for o in failed if o.measured is not None and o.question != "runs to an end"]
    message = shown[0].message if shown else failed[0].message if failed else "nothing failed"
    name = fault.operation.name
    return Trial(fault.name, name, fault.check, fault.dtype, bool(shown), message, alarm, seconds)


def _alarm(operation: Operation, check: str, dtype: str, seed: int) -> str | None:
    for outcomes in examining(operation, check, dtype, seed):
        for outcome in outcomes:
            if outcome.status in (Status.FAIL, Status.INCONCLUSIVE):
                return outcome.message
    return None
