"""Identity: do two ways to the same result meet, and do two different things stay apart?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from verify.case import HARD, Case, Point, to_array
from verify.check import Check, Finding, outcome, worst_of
from verify.comparison import shows_nothing
from verify.operation import Array, Identity
from verify.outcome import Outcome


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """Every identity of the operation that applies to this workload."""
    for point in case.points(seed):
        for identity in case.operation.identities:
            if identity.applies(case.workload):
                yield outcome(CHECK.name, case, seed, point, _compare(case, point, identity))


def _compare(case: Case, point: Point, identity: Identity) -> Finding:
    left, right = (
        side(case.function, *case.tensors(point), **point.options) for side in (identity.left, identity.right)
    )
    if left.shape != right.shape:
        raise ValueError(
            f"{identity.name}: the sides have shapes {tuple(left.shape)} and {tuple(right.shape)}"
        )
    if identity.bound is None:
        return _bit_for_bit(identity, left, right)
    with np.errstate(all="ignore"):
        bound = np.asarray(identity.bound(case.arithmetic, *point.inputs, **point.options), dtype=float)
    a, b = to_array(left).astype(float), to_array(right).astype(float)
    distance = np.abs(a - b)
    if identity.differs:
        return _apart(identity, distance, bound)
    scale = np.asarray(float(np.max(np.abs(b), initial=0.0)) or 1.0)
    measured, allowed, worst = worst_of(distance, np.broadcast_to(bound, a.shape), scale, a, b, point.inputs)
    blind = shows_nothing(bound, b, case.arithmetic)
    return Finding(identity.name, measured, allowed, "of the largest entry", worst, blind=blind)


def _bit_for_bit(identity: Identity, left: torch.Tensor, right: torch.Tensor) -> Finding:
    if left.dtype != right.dtype:
        raise ValueError(f"{identity.name}: the sides have dtypes {left.dtype} and {right.dtype}")
    differ = float((left != right).sum())
    return Finding(identity.name, differ, 0.0, "entries that differ")


def _apart(identity: Identity, distance: Array, bound: Array) -> Finding:
    """Two things that must differ: their distance has to stand clear of what rounding explains."""
    nearest = float(np.min(distance / bound)) if np.all(bound > 0) else np.nan
    return Finding(identity.name, 1 / nearest if nearest else np.inf, 1.0, "of the distance is roundoff")


def _applies(case: Case) -> bool:
    return case.workload != HARD and any(i.applies(case.workload) for i in case.operation.identities)


CHECK = Check("identity", "Do two ways to the same result meet?", examine, _applies)
