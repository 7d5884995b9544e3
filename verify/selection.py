"""Selection: which cases and checks a run is about, by name, with an answer that helps to a wrong one."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from verify.case import HARD, IMPLEMENTATIONS, Case
from verify.check import Check
from verify.devices import KINDS
from verify.formulas.arithmetic import DTYPES
from verify.operation import Operation

PROFILES: Mapping[str, tuple[str, ...]] = {
    "quick": ("float64", "float32", "bfloat16"),
    "full": DTYPES,
}
# How many times a full run samples every workload anew; a quick one does it once.
REPEATS = {"quick": 1, "full": 5}


class UnknownName(ValueError):
    """A name that selects nothing; the message gives the nearest valid ones."""


@dataclass(frozen=True)
class Selection:
    """What to run. Empty tuples select everything; patterns are shell globs or a case's whole name."""

    operations: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    implementation: str = "eager"
    profile: str = "quick"


def choose(kind: str, wanted: Sequence[str], valid: Iterable[str]) -> tuple[str, ...]:
    """The valid names that match any wanted glob, in the valid names' order; all of them if none is wanted.

    Raises: UnknownName for a pattern that matches nothing.
    """
    names = tuple(valid)
    if not wanted:
        return names
    for pattern in wanted:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in names):
            raise UnknownName(_no_such(kind, pattern, names))
    return tuple(name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted))


def _no_such(kind: str, pattern: str, names: Sequence[str]) -> str:
    # A name with dots is meant by its last part as well: nn.functional.hardsigmoid by hardsigmoid.
    near = sorted(names, key=lambda name: -_likeness(pattern, name))[:3]
    near = [name for name in near if _likeness(pattern, name) > 0.6]
    hint = f"did you mean {' or '.join(near)}?" if near else f"valid: {', '.join(names)}"
    return f"no {kind} matches {pattern!r}: {hint}"


def _likeness(pattern: str, name: str) -> float:
    parts = (name, name.rpartition(".")[2])
    return max(difflib.SequenceMatcher(None, pattern, part).ratio() for part in parts)


def cases(selection: Selection, catalogue: Mapping[str, Operation], present: Sequence[str]) -> Iterator[Case]:
    """Every selected case, absent devices included (a runner says why they are skipped).

    Raises: UnknownName for an operation, device, dtype, implementation or case that does not exist.
    """
    choose("implementation", (selection.implementation,), IMPLEMENTATIONS)
    devices = chosen_devices(selection.devices, present)
    if selection.profile not in PROFILES:
        raise UnknownName(_no_such("profile", selection.profile, tuple(PROFILES)))
    dtypes = choose("dtype", selection.dtypes, DTYPES) if selection.dtypes else PROFILES[selection.profile]
    whole = tuple(pattern for pattern in selection.operations if _is_case(pattern, catalogue))
    globs = tuple(pattern for pattern in selection.operations if pattern not in whole)
    names = choose("operation", globs, catalogue) if globs or not whole else ()
    thorough = selection.profile == "full"
    for case in _all(names, catalogue, devices, dtypes, selection.implementation):
        yield replace(case, thorough=thorough)
    for pattern in whole:
        yield replace(_named(pattern, catalogue, devices, selection.implementation), thorough=thorough)


def chosen_operations(wanted: Sequence[str], catalogue: Mapping[str, Operation]) -> tuple[str, ...]:
    """The names of the operations that globs and whole cases speak of. Raises: UnknownName."""
    return choose(
        "operation", [p.partition("[")[0] if _is_case(p, catalogue) else p for p in wanted], catalogue
    )


def _is_case(pattern: str, catalogue: Mapping[str, Operation]) -> bool:
    # A bracket is also a glob's set of characters: `relu[cpu-float32-7]` would match `relu6`, and `soft[m]ax`
    # is no case. What tells them apart is the device with which a case's own bracket begins.
    name, bracket, inside = pattern.partition("[")
    if name in catalogue and inside.partition("-")[0].partition(":")[0] in KINDS:
        return True
    return bool(bracket) and not any(fnmatch.fnmatchcase(name, pattern) for name in catalogue)


def chosen_devices(wanted: Sequence[str], present: Sequence[str]) -> tuple[str, ...]:
    """The devices asked for, absent ones included; those present if none is. Raises: UnknownName."""
    if not wanted:
        return tuple(present)
    for device in wanted:
        kind, _, index = device.partition(":")
        if kind not in KINDS or (index and not index.isdigit()):
            raise UnknownName(_no_such("device", device, KINDS))
    return tuple(dict.fromkeys(wanted))


def _all(
    names: tuple[str, ...],
    catalogue: Mapping[str, Operation],
    devices: tuple[str, ...],
    dtypes: tuple[str, ...],
    implementation: str,
) -> Iterator[Case]:
    for name in names:
        operation = catalogue[name]
        hard = (HARD,) if operation.domain.hard else ()
        for device in devices:
            for dtype in dtypes:
                for workload in (*operation.check, *hard):
                    yield Case(operation, device, dtype, workload, implementation)


def _named(
    pattern: str, catalogue: Mapping[str, Operation], devices: tuple[str, ...], implementation: str
) -> Case:
    """The one case of a whole name such as `softmax[cpu-float32-3x17-dim1]`, whatever the profile."""
    name = pattern.partition("[")[0]
    choose("operation", (name,), catalogue)
    every = {case.id: case for case in _all((name,), catalogue, (*devices, *KINDS), DTYPES, implementation)}
    if pattern not in every:
        raise UnknownName(_no_such("case", pattern, tuple(every)))
    return every[pattern]


def chosen_checks(selection: Selection, checks: Mapping[str, Check]) -> tuple[Check, ...]:
    """The selected checks. Raises: UnknownName."""
    return tuple(checks[name] for name in choose("check", selection.checks, checks))
