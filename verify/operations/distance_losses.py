"""Losses of the distance between two tensors: l1_loss, smooth_l1_loss, huber_loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.operation import Array, Domain, Formula, HardInput, Identity, Inputs, Operation, Refusal, Workload
from verify.records.elementwise import far
from verify.records.lengths import of_all
from verify.records.loss import (
    BENCH,
    NONE,
    SUM,
    UNKNOWN_REDUCTION,
    batch,
    cost,
    infinite,
    mismatched,
    reduced,
    shared,
    unreduced,
    varied,
    within,
)
from verify.records.refusals import not_a_tensor


def _apart(*kinks: float) -> Callable[[np.random.Generator, Workload], Inputs]:
    """Pairs whose distance keeps a quarter away from 0 and from where the workload's pieces meet."""

    def sample(generator: np.random.Generator, workload: Workload) -> Inputs:
        d = 1.5 * generator.standard_normal(workload.shapes[0])
        for kink in (*kinks, *(workload.options.get(name, 1.0) for name in ("beta", "delta"))):
            near = np.abs(np.abs(d) - kink) < 0.25
            d = np.where(near, np.copysign(kink + np.copysign(0.25, np.abs(d) - kink), d), d)
        y = generator.standard_normal(workload.shapes[1])
        return y + d, y

    sample.__doc__ = "Normal entries, at distances a quarter or more away from where the loss has a corner."
    return sample


def _near(x: Any, y: Any, limit: float) -> Any:
    """Whether the distance is below a limit: a comparison of inputs, which are exact."""
    first, second = (getattr(v, "value", v) for v in (x, y))
    return np.abs(first - second) < limit


def _sign(x: Array, y: Array) -> Array:
    return np.where(x > y, 1.0, np.where(x < y, -1.0, 0.0))


def _both(of_x: Array) -> tuple[Array, Array]:
    return of_x, -of_x


_EQUAL = HardInput("equal", lambda a: (np.array([1.5, -2.0]), np.array([1.5, -2.0])))
_FAR = (
    # The differences are exact and tiny.
    far("neighbours", lambda a: (np.array([1.0, 1.0]), np.array([1.0 + 2 * a.u, 1.0 - a.u])), **SUM),
    far("far apart", lambda a: (np.array([a.largest / 4, 1.0]), np.array([-a.largest / 4, 3.0])), **NONE),
)
_SYMMETRIC = Identity(
    "f(x, y) = f(y, x)",
    lambda f, x, y, **options: f(x, y, **options),
    lambda f, x, y, **options: f(y, x, **options),
)
_REFUSES = (mismatched(), not_a_tensor(2), UNKNOWN_REDUCTION)


def _l1(x: Array, y: Array, reduction: str = "mean") -> Array:
    return reduced(np.abs(x - y), reduction)


def _l1_vjp(g: Array, x: Array, y: Array, reduction: str = "mean") -> tuple[Array, Array]:
    return _both(shared(g, x, reduction) * _sign(x, y))


_L1 = analysed("Σᵢ |xᵢ − yᵢ| / n", _l1, "a difference, a sum and a quotient (ATen, l1_loss)")

L1_LOSS = Operation(
    name="l1_loss",
    subject="losses",
    function=F.l1_loss,
    forward=_L1,
    vjp=analysed("∂x = g sign(x − y)/n, ∂y = −∂x", _l1_vjp, "one quotient; 0 where x = y (ATen, l1_loss)"),
    domain=Domain(_apart(0.0), (_EQUAL, *_FAR)),
    check=varied({}),
    bench=BENCH,
    cost=cost(2),
    identities=(
        _SYMMETRIC,
        Identity(
            "n l1_loss = Σ|x − y|",
            lambda f, x, y: x.numel() * f(x, y),
            lambda f, x, y: f(x, y, reduction="sum"),
            lambda a, x, y: (
                x.size * within(_L1)(a, x, y)
                + within(_L1)(a, x, y, reduction="sum")
                + 2 * a.u * _l1(x, y, "sum")
            ),
            applies=lambda workload: "reduction" not in workload.options,
        ),
    ),
    special=infinite("L1Loss"),
    refuses=_REFUSES,
    batch=batch,
    lengths=of_all(SUM, inputs=2),
    entrywise=unreduced,
)


def _smooth(x: Array, y: Array, reduction: str = "mean", beta: float = 1.0) -> Array:
    if beta == 0:
        return _l1(x, y, reduction)
    d = np.abs(x - y)
    return reduced(np.where(_near(x, y, beta), 0.5 * d * d / beta, d - 0.5 * beta), reduction)


def _smooth_vjp(
    g: Array, x: Array, y: Array, reduction: str = "mean", beta: float = 1.0
) -> tuple[Array, Array]:
    if beta == 0:
        return _l1_vjp(g, x, y, reduction)
    slope = np.where(_near(x, y, beta), (x - y) / beta, _sign(x, y))
    return _both(shared(g, x, reduction) * slope)


def _share(x: Array, reduction: str) -> Any:
    """1/n as torch hands it to the backward of a mean."""
    return (0 * x + 1) / x.size if reduction == "mean" else 0 * x + 1


def _smooth_vjp_steps(
    g: Array, x: Array, y: Array, reduction: str = "mean", beta: float = 1.0
) -> tuple[Array, Array]:
    if beta == 0:
        return _l1_vjp(g, x, y, reduction)
    share = _share(x, reduction)
    near, beyond = share * (x - y) * g / beta, share * _sign(x, y) * g
    return _both(np.where(_near(x, y, beta), near, beyond))


def _corner(**options: float) -> HardInput:
    """The distance at which the pieces meet: the loss has a slope there, and no curvature."""
    (limit,) = options.values()
    return HardInput(
        "where pieces meet", lambda a: (np.array([1 + limit, 1 - limit]), np.array([1.0, 1.0])), options
    )


_SMOOTH_L1 = analysed(
    "Σᵢ lᵢ/n, l = d²/2β if d < β else d − β/2, d = |x − y|", _smooth, "ATen, smooth_l1_kernel"
)

SMOOTH_L1_LOSS = Operation(
    name="smooth_l1_loss",
    subject="losses",
    function=F.smooth_l1_loss,
    forward=_SMOOTH_L1,
    vjp=analysed(
        "∂x = g (x − y)/βn if d < β else g sign(x − y)/n, ∂y = −∂x",
        _smooth_vjp,
        "ATen, smooth_l1_backward_cpu_kernel",
        _smooth_vjp_steps,
    ),
    domain=Domain(_apart(), (_EQUAL, _corner(beta=0.5), *_FAR)),
    check=(*varied({}, {"beta": 0.5}, {"beta": 2.3}), Workload("9-beta-0", ((9,), (9,)), {"beta": 0.0})),
    bench=BENCH,
    cost=cost(5),
    identities=(
        _SYMMETRIC,
        Identity(
            "β smooth_l1_loss(β) = huber_loss(δ = β)",
            lambda f, x, y, reduction="mean", beta=1.0: beta * f(x, y, reduction=reduction, beta=beta),
            lambda f, x, y, reduction="mean", beta=1.0: F.huber_loss(x, y, reduction=reduction, delta=beta),
            lambda a, x, y, reduction="mean", beta=1.0: (
                beta * (1 + a.u) * within(_SMOOTH_L1)(a, x, y, reduction=reduction, beta=beta)
                + within(_HUBER)(a, x, y, reduction=reduction, delta=beta)
                + (a.u + a.w) * beta * _smooth(x, y, reduction, beta)
            ),
            applies=lambda workload: workload.options.get("beta") != 0,
        ),
    ),
    special=infinite("SmoothL1Loss"),
    refuses=(
        *_REFUSES,
        Refusal("beta=-1", lambda f, tensor: f(tensor(3), tensor(3), beta=-1.0)),
    ),
    batch=batch,
    lengths=of_all(SUM, inputs=2),
    entrywise=unreduced,
)


def _huber(x: Array, y: Array, reduction: str = "mean", delta: float = 1.0) -> Array:
    d = np.abs(x - y)
    return reduced(np.where(_near(x, y, delta), 0.5 * d * d, (d - 0.5 * delta) * delta), reduction)


def _huber_vjp(
    g: Array, x: Array, y: Array, reduction: str = "mean", delta: float = 1.0
) -> tuple[Array, Array]:
    slope = np.where(_near(x, y, delta), x - y, delta * _sign(x, y))
    return _both(shared(g, x, reduction) * slope)


def _huber_vjp_steps(
    g: Array, x: Array, y: Array, reduction: str = "mean", delta: float = 1.0
) -> tuple[Array, Array]:
    share = _share(x, reduction)
    near, beyond = share * (x - y) * g, share * _sign(x, y) * g * delta
    return _both(np.where(_near(x, y, delta), near, beyond))


_HUBER: Formula = analysed(
    "Σᵢ lᵢ/n, l = d²/2 if d ≤ δ else δ (d − δ/2), d = |x − y|", _huber, "ATen, huber_kernel"
)

HUBER_LOSS = Operation(
    name="huber_loss",
    subject="losses",
    function=F.huber_loss,
    forward=_HUBER,
    vjp=analysed(
        "∂x = g (x − y)/n if d ≤ δ else g δ sign(x − y)/n, ∂y = −∂x",
        _huber_vjp,
        "ATen, huber_backward_cpu_kernel",
        _huber_vjp_steps,
    ),
    domain=Domain(_apart(), (_EQUAL, _corner(delta=0.5), *_FAR)),
    check=varied({}, {"delta": 0.5}, {"delta": 2.3}),
    bench=BENCH,
    cost=cost(5),
    identities=(
        _SYMMETRIC,
        Identity(
            "huber_loss(δ) = δ² huber_loss(x/δ, y/δ; 1)",
            lambda f, x, y, reduction="mean", delta=1.0: f(x, y, reduction=reduction, delta=delta),
            lambda f, x, y, reduction="mean", delta=1.0: (
                delta * delta * f(x / delta, y / delta, reduction=reduction)
            ),
            # Powers of two scale without rounding.
            lambda a, x, y, **options: 2 * within(_HUBER)(a, x, y, **options),
            applies=lambda workload: workload.options.get("delta", 1.0) in (0.5, 1.0),
        ),
    ),
    special=infinite("HuberLoss"),
    refuses=(
        *_REFUSES,
        Refusal("delta=0", lambda f, tensor: f(tensor(3), tensor(3), delta=0.0)),
    ),
    batch=batch,
    lengths=of_all(SUM, inputs=2),
    entrywise=unreduced,
)
