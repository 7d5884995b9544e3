"""Activations made of a logarithm or a quotient: softplus, logsigmoid, softsign."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed
from verify.operation import Array, Domain, Inputs, Workload
from verify.records.activation import (
    CHECK,
    NEAR_ZERO,
    decay,
    gone,
    in_one_kernel,
    off_kinks,
    rounded_away,
    sigmoid,
    varied,
)
from verify.records.elementwise import INF, NAN, agreement, elementwise, far, gradient, odd, special
from verify.records.refusals import other_dtype
from verify.records.sampling import of_every_size, values

_REFUSES = (other_dtype((3,)),)
_FAR = (
    far("rounded away", lambda a: values(rounded_away(a), -rounded_away(a))),
    far("beyond exp", lambda a: values(gone(a), -gone(a))),
    far("near overflow", lambda a: values(0.75 * a.largest, -0.75 * a.largest)),
)


def _off_threshold(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries times powers of two from 1/8 to 8, a quarter or more away from the threshold."""
    options = workload.options
    return off_kinks(options.get("threshold", 20.0) / options.get("beta", 1.0))(generator, workload)


def _scaled(x: Array, beta: float, threshold: float) -> Array:
    """βx where the logarithm is taken of it, 0 beyond the threshold: an exponential there may overflow."""
    return np.where(x > threshold / beta, 0 * x, x) * beta


def _softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    return np.where(x > threshold / beta, x, np.log1p(np.exp(_scaled(x, beta, threshold))) / beta)


def _softplus_slope(g: Array, x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    return np.where(x > threshold / beta, g, g * sigmoid(_scaled(x, beta, threshold), x))


def _softplus_slope_steps(g: Array, x: Array, beta: float = 1.0, threshold: float = 20.0) -> Array:
    z = np.exp(_scaled(x, beta, threshold))
    return np.where(x > threshold / beta, g, g * z / (z + 1))


SOFTPLUS = elementwise(
    "softplus",
    "activations",
    F.softplus,
    analysed(
        "log(1 + exp βx)/β; x where βx > threshold, by torch's definition",
        _softplus,
        "log1p(exp βx)/β, ATen, softplus_kernel",
        fused=True,
    ),
    in_one_kernel(
        "∂x = g σ(βx); g where βx > threshold",
        _softplus_slope,
        "g z/(z + 1) with z = exp βx, ATen, softplus_backward_kernel",
        _softplus_slope_steps,
    ),
    Domain(_off_threshold, (*NEAR_ZERO, *_FAR)),
    (
        agreement(
            "f(x) − f(−x) = x",
            _softplus,
            lambda f, m, x: m.where(abs(x) < 20, f(x) - f(-x), x),
            lambda f, m, x: x,
            applies=lambda workload: not workload.options,
        ),
        agreement(
            "β f(x; β) = f(βx; 1)",
            _softplus,
            lambda f, m, x, beta, threshold: beta * f(x, beta=beta, threshold=threshold),
            lambda f, m, x, beta, threshold: f(beta * x, beta=1.0, threshold=threshold),
            applies=lambda workload: bool(workload.options),
        ),
    ),
    special(
        "the limits of torch.nn.Softplus's formula",
        {"nan": ((NAN, NAN),), "infinities": ((INF, INF), (-INF, 0.0))},
    ),
    naive=lambda x, beta=1.0, threshold=20.0: torch.log(1 + torch.exp(beta * x)) / beta,
    refuses=_REFUSES,
    check=varied({}, {"beta": 0.5, "threshold": 20.0}, {"beta": 3.0, "threshold": 6.0}),
)


def log_sigmoid(x: Array) -> Array:
    """log σ(x), from which nothing cancels. Shapes: that of x."""
    return np.where(x < 0, x, 0 * x) - np.log1p(np.exp(-np.abs(x)))


def log_sigmoid_steps(x: Array) -> Array:
    """log σ(x) in the steps that a bound is derived from."""
    return np.where(x < 0, x, 0 * x) - np.log1p(decay(x))


def _logsigmoid_slope_steps(g: Array, x: Array) -> Array:
    # exp(−|x|) is stored by the forward pass.
    e = decay(x)
    share = e / (1 + e)
    return np.where(x < 0, 1 - share, share) * g


LOGSIGMOID = elementwise(
    "logsigmoid",
    "activations",
    F.logsigmoid,
    analysed(
        "log σ(x)",
        log_sigmoid,
        "min(x, 0) − log1p(exp(−|x|)), ATen, log_sigmoid_cpu_kernel",
        log_sigmoid_steps,
        fused=True,
    ),
    gradient(
        "∂x = g σ(−x)",
        lambda g, x: g * sigmoid(-x),
        "ATen, log_sigmoid_backward_cpu_kernel",
        _logsigmoid_slope_steps,
    ),
    Domain(of_every_size, (*NEAR_ZERO, *_FAR)),
    (
        agreement("f(x) − f(−x) = x", log_sigmoid_steps, lambda f, m, x: f(x) - f(-x), lambda f, m, x: x),
        agreement(
            "exp f(x) = σ(x)",
            log_sigmoid_steps,
            lambda f, m, x: m.exp(f(x)),
            lambda f, m, x: torch.sigmoid(x) if m is torch else sigmoid(x),
        ),
    ),
    special(
        "the limits of torch.nn.LogSigmoid's formula",
        {"nan": ((NAN, NAN),), "infinities": ((INF, 0.0), (-INF, -INF))},
    ),
    naive=lambda x: torch.log(torch.sigmoid(x)),
    refuses=_REFUSES,
    check=CHECK,
)


def _softsign(x: Array) -> Array:
    return x / (np.abs(x) + 1)


def _softsign_slope_steps(g: Array, x: Array) -> Array:
    # Through the quotient to the numerator, and by the denominator's modulus.
    d = np.abs(x) + 1
    return g / d + -g * (x / d / d) * np.sign(x)


SOFTSIGN = elementwise(
    "softsign",
    "activations",
    F.softsign,
    analysed("x/(1 + |x|)", _softsign, "two roundings, torch.nn.functional.softsign"),
    gradient(
        "∂x = g/(1 + |x|)²",
        lambda g, x: g / ((np.abs(x) + 1) * (np.abs(x) + 1)),
        "the derivative of the quotient and of the modulus (derivatives.yaml, div and abs)",
        _softsign_slope_steps,
    ),
    Domain(
        of_every_size,
        (
            *NEAR_ZERO,
            # The two terms of the gradient are g u each, and their difference g u²/16.
            far("terms cancel", lambda a: values(4 / a.u, -4 / a.u)),
            far("near overflow", lambda a: values(0.75 * a.largest, -0.75 * a.largest)),
        ),
    ),
    (
        odd("softsign", _softsign),
        agreement("f(x) (1 + |x|) = x", _softsign, lambda f, m, x: f(x) * (abs(x) + 1), lambda f, m, x: x),
    ),
    special("torch.nn.Softsign's formula", {"nan": ((NAN, NAN),), "zeros": ((0.0, 0.0), (-0.0, -0.0))}),
    check=CHECK,
)
