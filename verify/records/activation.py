"""Activation: what activations of one input share, so that a record holds only what is its own."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array, Inputs, Options, Refusal, Special, Workload
from verify.records import elementwise
from verify.records.elementwise import NAN, SMALLEST, ZEROS, Pairs, gradient, special
from verify.records.sampling import of_every_size

# One entry far out may be nothing but rounding, and then shows nothing: no workload of a single entry.
CHECK = tuple(workload for workload in elementwise.CHECK if workload.shapes != ((),))
_SHAPES = (*CHECK[:3], Workload("2x3x5", ((2, 3, 5),)), *CHECK[3:], Workload("41", ((41,),)))


def gone(a: Arithmetic) -> float:
    """Where exp(−x) is below every number of the dtype: beyond it the textbook formulas are inf/inf."""
    return float(np.ceil(2 * max(-np.log(a.smallest), np.log(a.largest))))


def rounded_away(a: Arithmetic) -> float:
    """Where exp(−x) is below half a unit roundoff, so that 1 + exp(−x) rounds to 1 but exp(−x) is normal."""
    return float(np.ceil(-np.log(a.u)) + 1)


NEAR_ZERO = (ZEROS, SMALLEST)


def varied(*options: Options) -> tuple[Workload, ...]:
    """Six workloads in all layouts that take turns in having these options; their labels tell which."""
    taken = itertools.cycle(options)
    return tuple(_with(workload, next(taken)) for workload in _SHAPES)


def _with(workload: Workload, options: Options) -> Workload:
    text = "".join(f"-{name}-{value}" for name, value in options.items())
    return dataclasses.replace(workload, label=f"{workload.label}{text}", options=options)


def off_kinks(*kinks: float) -> Callable[[np.random.Generator, Workload], Inputs]:
    """A sampler of entries at least 1/4, twice the longest step of a finite difference, from these places."""

    def sample(generator: np.random.Generator, workload: Workload) -> Inputs:
        (x,) = of_every_size(generator, workload)
        for kink in kinks:
            near = np.abs(x - kink) < 0.25
            x = np.where(near, kink + np.copysign(0.25, x - kink), x)
        return (x,)

    places = ", ".join(f"{kink:g}" for kink in kinks)
    sample.__doc__ = (
        f"Normal entries times powers of two from 1/8 to 8, a quarter or more away from {places}."
    )
    return sample


# The vjp of one input whose steps are all taken in the working type, in one kernel.
in_one_kernel = functools.partial(gradient, fused=True)


def boolean(**options: Any) -> Refusal:
    """Truth values, which torch documents as unsupported."""
    return Refusal(
        "truth values", lambda f, tensor: f(tensor(3) > 0, **options), (RuntimeError, NotImplementedError)
    )


def pieces(name: str, **rows: Pairs) -> tuple[Special, ...]:
    """Special values of an activation in pieces; each piece says what becomes of the infinity it reaches."""
    return special(f"the pieces of torch.nn.{name}", {"nan": ((NAN, NAN),), **rows})


def decay(x: Array) -> Array:
    """exp(−|x|) in the steps that a bound is derived from.

    Beyond 700 it stays at exp(−700): float64's own exp ends in a 0, which would pass for an exact one.
    """
    decayed: Array = np.exp(-np.minimum(np.abs(x), 700.0))
    return decayed


def sigmoid_steps(x: Array) -> Array:
    """1/(1 + exp(−x)) in the steps that a bound is derived from.

    torch divides by 1 + E with E = exp(−x); e/(e + 1) with e = 1/E has the same roundings and does not
    overflow.
    """
    e = decay(x)
    value: Array = np.where(x > 0, 1, e) / (1 + e)
    return value


def sigmoid(x: Array, sign: Array | None = None) -> Array:
    """1/(1 + exp(−x)) by exp(−|x|), which cannot overflow. Shapes: that of x.

    `sign` is an input that has the sign of x, where x is itself a result and may not be branched on.
    """
    e = np.exp(-np.abs(x))
    value: Array = np.where((x if sign is None else sign) > 0, 1, e) / (1 + e)
    return value
