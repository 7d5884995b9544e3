"""Limits and comparisons of entries: clamp, maximum, minimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.axes import summed_to
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Operation, Refusal, Special, Workload
from verify.records import promotions
from verify.records.refusals import not_a_tensor, not_broadcastable
from verify.records.sampling import (
    always,
    broadcast_cost,
    elementwise_batch,
    elementwise_cost,
    normal,
    off_whole_numbers,
    values,
)

_NAN, _INF = np.nan, np.inf
_COMPARED = "exact: comparisons and a copy"
_NUMPY = "numpy.clip; torch.clamp"


def _clamp(x: Array, min: float | None = None, max: float | None = None) -> Array:
    if min is not None:
        x = np.where(x < min, 0 * x + min, x)
    return x if max is None else np.where(x > (max if min is None or min <= max else -_INF), 0 * x + max, x)


def _inside(g: Array, x: Array, min: float | None = None, max: float | None = None) -> tuple[Array]:
    """The gradient passes where the entry does: between the limits, which are themselves inside."""
    passes = (x >= (-_INF if min is None else min)) & (x <= (_INF if max is None else max))
    return (np.where(passes, g, 0 * g),)


def _limited(name: str, rows: tuple[tuple[float, float], ...], **limits: float) -> Special:
    x, result = zip(*rows, strict=True)
    return Special(name, values(*x), np.array(result), _NUMPY, limits)


def _as_numpy(x: torch.Tensor, limits: dict[str, Any]) -> torch.Tensor:
    lower, upper = limits.get("min"), limits.get("max")
    return torch.from_numpy(np.clip(x.double().cpu().numpy(), lower, upper)).to(x)


CLAMP = Operation(
    name="clamp",
    subject="limits",
    function=torch.clamp,
    forward=analysed("min(max(x, lower), upper); upper where lower > upper", _clamp, _COMPARED),
    vjp=analysed(
        "∂x = g if lower ≤ x ≤ upper else 0",
        _inside,
        "exact; at a limit the gradient passes (derivatives.yaml)",
    ),
    domain=Domain(
        off_whole_numbers,
        (
            # At a limit the two one-sided derivatives are 0 and 1: torch takes the 1 of the inside.
            HardInput("at the limits", lambda a: values(-1.0, 1.0, 0.5, -2.0), {"min": -1, "max": 1}),
            HardInput("lower above upper", lambda a: values(-2.5, 0.5, 2.5), {"min": 1, "max": -1}),
            HardInput("equal limits", lambda a: values(-2.5, 0.5), {"min": 0, "max": 0}),
            HardInput(
                "extremes",
                lambda a: values(a.largest, -a.largest, a.smallest, -a.smallest),
                {"min": -1, "max": 1},
                far=True,
            ),
        ),
    ),
    check=(
        Workload("37", ((37,),), {"min": -4, "max": 6}),
        Workload("5x33-min", ((5, 33),), {"min": 0}),
        Workload("1031", ((1031,),), {"min": -3, "max": 5}),
        Workload("6x10-max-transposed", ((6, 10),), {"max": 1}, layout="transposed"),
        Workload("3x401-strided", ((3, 401),), {"min": -2, "max": 2}, layout="strided"),
        Workload("9-crossed", ((9,),), {"min": 2, "max": -2}),
    ),
    bench=(
        Workload("4096x1024", ((4096, 1024),), {"min": -1, "max": 1}),
        Workload("64", ((64,),), {"min": -1, "max": 1}),
        Workload("1023x1025-min-strided", ((1023, 1025),), {"min": 0}, layout="strided"),
    ),
    cost=elementwise_cost(2),
    identities=(
        Identity(
            "clamp = numpy.clip", lambda f, x, **limits: f(x, **limits), lambda f, x, **o: _as_numpy(x, o)
        ),
        Identity(
            "clamping twice is clamping once",
            lambda f, x, **limits: f(f(x, **limits), **limits),
            lambda f, x, **limits: f(x, **limits),
        ),
    ),
    special=(
        _limited("nan and infinities", ((_NAN, _NAN), (_INF, 1.0), (-_INF, -1.0)), min=-1, max=1),
        _limited("one limit", ((_NAN, _NAN), (_INF, _INF), (-_INF, 0.5)), min=0.5),
        _limited("lower above upper", ((5.0, -1.0), (-5.0, -1.0), (0.0, -1.0)), min=1, max=-1),
    ),
    refuses=(
        Refusal("no limit at all", lambda f, tensor: f(tensor(3)), (RuntimeError, ValueError)),
        not_a_tensor(min=0),
    ),
    batch=elementwise_batch,
    entrywise=always,
    promotion=promotions.LIMITED,
)


def _split(wins: Callable[[Any, Any], Any]) -> Callable[..., tuple[Array, Array]]:
    """The gradient goes to the entry that is taken; equal entries share it in halves."""

    def vjp(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
        x_alone, y_alone, shared = wins(x, y), wins(y, x), x == y
        of_x = np.where(x_alone, g, np.where(shared, g / 2, 0 * g))
        of_y = np.where(y_alone, g, np.where(shared, g / 2, 0 * g))
        return summed_to(of_x, x.shape), summed_to(of_y, y.shape)

    return vjp


def _apart(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Pairs that differ by at least a quarter, so that no step of a difference exchanges them."""
    x = tuple(np.round(4 * v) / 4 for v in normal(generator, workload))
    return x[0], x[1] + 0.125 * np.ones(workload.shapes[1]) + 0.25 * (x[1] >= 0)


def _of_two(name: str, sign: str, choose: Callable[[Any, Any], Any], wins: Callable[..., Any]) -> Operation:
    def special(label: str, *rows: tuple[float, float, float]) -> Special:
        x, y, result = (np.array(column) for column in zip(*rows, strict=True))
        return Special(label, (x, y), result, f"Array API standard 2024.12, {name}")

    other = {"maximum": torch.minimum, "minimum": torch.maximum}[name]
    return Operation(
        name=name,
        subject="limits",
        function=getattr(torch, name),
        forward=analysed(f"the {sign} of x and y", choose, _COMPARED),
        vjp=analysed(
            f"g to the {sign} of x and y, half to each of two equals (summed where broadcast)",
            _split(wins),
            f"exact but for the sum; torch.{name}, derivatives.yaml",
        ),
        domain=Domain(
            _apart,
            (
                HardInput("ties", lambda a: (np.array([1.0, -2.0, 0.0]), np.array([1.0, -2.0, 0.0]))),
                HardInput(
                    "neighbours", lambda a: (np.array([1.0, 1.0]), np.array([1 + 2 * a.u, 1 - a.u])), far=True
                ),
                HardInput(
                    "extremes",
                    lambda a: (np.array([a.largest, -a.largest]), np.array([-a.largest, a.smallest])),
                    far=True,
                ),
            ),
        ),
        check=(
            Workload("7", ((7,), (7,))),
            Workload("5x33+33", ((5, 33), (33,))),
            Workload("1031", ((1031,), (1031,))),
            Workload("4x1+3x1x6", ((4, 1), (3, 1, 6))),
            Workload("6x10-transposed", ((6, 10), (6, 10)), layout="transposed"),
        ),
        bench=(
            Workload("4096x1024", ((4096, 1024), (4096, 1024))),
            Workload("64", ((64,), (64,))),
            Workload("4096x1024+1024", ((4096, 1024), (1024,))),
        ),
        cost=broadcast_cost(1),
        identities=(
            Identity(f"{name}(x, y) = {name}(y, x)", lambda f, x, y: f(x, y), lambda f, x, y: f(y, x)),
            Identity("max(x, y) = −min(−x, −y)", lambda f, x, y: f(x, y), lambda f, x, y: -other(-x, -y)),
        ),
        special=(
            special("nan", (_NAN, 1.0, _NAN), (1.0, _NAN, _NAN), (_INF, _NAN, _NAN)),
            special(
                "infinities",
                (_INF, 1.0, _INF if name == "maximum" else 1.0),
                (-_INF, 1.0, 1.0 if name == "maximum" else -_INF),
            ),
        ),
        promotion=promotions.LARGER_OF_TWO,
        refuses=(not_broadcastable(), not_a_tensor(2)),
        batch=elementwise_batch,
        entrywise=always,
    )


MAXIMUM = _of_two("maximum", "larger", lambda x, y: np.where(x > y, x, 0 * x + y), lambda x, y: x > y)
MINIMUM = _of_two("minimum", "smaller", lambda x, y: np.where(x < y, x, 0 * x + y), lambda x, y: x < y)
