"""Planting: every fault in every host that it is meant for, and each host again without it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from verify.planted.altered import altered, unaltered
from verify.planted.fault import Fault
from verify.planted.faults import FAULTS
from verify.planted.gradient import PlantedGradient
from verify.planted.host import Host, hosts


@functools.cache
def planted() -> tuple[PlantedGradient, ...]:
    """Every wrong gradient, each followed by its right twin: the same wrapper, nothing altered."""
    return plant(FAULTS, hosts())


def plant(faults: Sequence[Fault], among: Sequence[Host]) -> tuple[PlantedGradient, ...]:
    """Each fault in every host that it is meant for, and the right twins.

    A host's inputs differ from fault to fault, so that its right twins are as many points.

    Raises: ValueError if a fault finds no host, or finds one that has a fault of that name already.
    """
    found = tuple(p for number, fault in enumerate(faults) for p in _planted(fault, among, number))
    names = [p.name for p in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"planted twice: {', '.join(repeated)}")
    return found


def _planted(fault: Fault, among: Sequence[Host], seed: int) -> Iterator[PlantedGradient]:
    chosen = [host for host in among if fault.where(host)]
    if not chosen:
        raise ValueError(f"the fault {_title(fault)!r} is meant for hosts that do not exist")
    for host in chosen:
        for alter, wrong in ((fault.alter, True), (unaltered, False)):
            yield PlantedGradient(
                name=f"{host.name}: {'' if wrong else 'without '}{_title(fault)}",
                kind=fault.kind,
                function=altered(host.function, alter, fault.mode),
                inputs=functools.partial(host.inputs, seed),
                wrong=wrong,
                size=fault.size if wrong else None,
                mode=fault.mode,
                right=host.function,
            )


def _title(fault: Fault) -> str:
    return f"{fault.kind}, {fault.name}" if fault.name else fault.kind
