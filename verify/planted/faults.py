"""The faults: one table. A new fault is one entry; the selftest and the tests find it by themselves."""

from __future__ import annotations

import math

import numpy as np
import torch

from verify.planted.altered import Passed
from verify.planted.fault import (
    Fault,
    each,
    first,
    first_row_alone,
    last,
    multiplied,
    named,
    one_entry,
    one_output_entry,
    reduced,
    scaled,
    when,
    within,
)
from verify.planted.gradient import Tensors

# The factor that a float64 formula gains where its 1/6 is a float32: the fault of torch's hardsigmoid.
_SINGLE = float(np.float32(1 / 6)) * 6
# Hosts of the group `tail` have inputs on both sides of it.
_TAIL = 10.0
_LARGE = 1000

_SMOOTH = (
    "sigmoid 7",
    "tanh 7",
    "softmax 5x4*",
    "square mm*",
    "mlp*",
    "layer_norm 3x5*",
    "attention*",
    "gelu 4x5*",
)
# The second order takes the longest, and is asked of fewer.
_TWICE = tuple(pattern for pattern in _SMOOTH if not pattern.startswith(("mlp", "gelu")))
# Hosts with gradients of which no two neighbours are alike.
_VARYING = (
    "sigmoid 7",
    "tanh 7",
    "softmax 64*",
    "log_softmax 64*",
    "logsumexp 64*",
    "cross_entropy 6x10",
    "vector_norm 29",
    "mse_loss 37",
    "prod 5x5*",
    "max 5x5*",
    "attention*",
    "conv1d 2x8*",
    "gather*",
    "index_select*",
    "embedding 6x3*",
    "cumsum 4x6*",
)


def _softmax(p: Passed) -> torch.Tensor:
    return torch.softmax(p.x, -1)


def _deviation(p: Passed) -> torch.Tensor:
    """Layer norm's √(σ² + ε) of each row."""
    return (p.x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()


def _normal_cdf(x: torch.Tensor) -> torch.Tensor:
    return (1 + torch.erf(x / math.sqrt(2))) / 2


def _without_tanh(p: Passed) -> Tensors:
    """An MLP's gradients, of which the first weight's lacks its factor 1 − tanh²."""
    x, _, _, w, _ = p.inputs
    return (p.right[0], x.mT @ (p.g @ w.mT), *p.right[2:])


def _averaged(p: Passed) -> torch.Tensor:
    """The gradient of rows chosen by index, averaged over the places of an index instead of summed."""
    times = torch.bincount(p.inputs[1].flatten(), minlength=p.x.shape[0])
    return p.right[0] / times.clamp(min=1).unsqueeze(1)


def _cut(p: Passed) -> torch.Tensor:
    """The gradient without its entries from the thousandth on."""
    entries = p.right[0].flatten().clone()
    entries[_LARGE:] = 0
    return entries.reshape(p.x.shape)


def _zero(r: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(r)


_FORGOTTEN = last(lambda p: _zero(p.right[-1]))

_FACTORS = tuple(
    Fault(f"factor 1 + 1e-{digits}", scaled(1 + 10.0**-digits), within("catalogue"), size=10.0**-digits)
    # The last lies where our own sight ends: it may be missed, but only where we say so.
    for digits in (*range(3, 10), 12)
)
_GENERAL = (
    Fault("sign", scaled(-1.0), within("catalogue"), size=2.0),
    Fault("all zero", each(_zero), within("catalogue"), size=1.0),
    Fault("all zero", each(_zero), named("mse_loss 20000", "softmax 512"), size=1.0),
    Fault("float32 constant", scaled(_SINGLE), within("catalogue"), size=abs(_SINGLE - 1)),
    Fault("through float32", each(lambda r: r.float().double()), named(*_SMOOTH, "sum 5x5*", "add 4x3*")),
)
_DROPPED = (
    Fault("dropped term", first(lambda p: p.y * p.g), named("softmax 64*", "softmax 512"), "−yΣ(yg)"),
    Fault("dropped term", first(lambda p: p.y * p.g), named("softmax 1024"), "−yΣ(yg)"),
    Fault("dropped term", first(lambda p: p.g.clone()), named("log_softmax 64*"), "−softmax Σg"),
    Fault(
        "dropped term", first(lambda p: p.g * torch.exp(p.x - p.x.max())), named("logsumexp 64*"), "1/Σexp"
    ),
    Fault(
        "dropped term",
        first(lambda p: p.g * _softmax(p) / p.x.shape[0]),
        named("cross_entropy 6x10"),
        "−onehot",
    ),
    Fault("dropped term", first(lambda p: p.g * p.y), named("sigmoid 7"), "1 − y"),
    Fault("dropped term", first(lambda p: p.g * (1 - p.y)), named("tanh 7"), "1 + y"),
    Fault("dropped term", first(lambda p: p.right[0] * p.y), named("vector_norm 29"), "1/‖x‖"),
    Fault("dropped term", first(lambda p: p.right[0] * p.x), named("prod 5x5*"), "1/x"),
    Fault("dropped term", _FORGOTTEN, named("mse_loss 37", "cross_entropy_prob*"), "the target's gradient"),
    Fault("dropped term", _FORGOTTEN, named("mm 4*", "bmm 1*"), "the second factor's gradient"),
    Fault("dropped term", _FORGOTTEN, named("mlp*", "linear 5x4*"), "the last bias"),
    Fault("dropped term", _without_tanh, named("mlp*"), "1 − tanh²"),
    Fault(
        "dropped term",
        first(lambda p: p.g * p.inputs[1] / _deviation(p)),
        named("layer_norm 3x5*"),
        "both means",
    ),
    Fault("dropped term", first(lambda p: 2**0.5 * p.right[0]), named("attention 3x2"), "1/√d"),
    Fault(
        "dropped term",
        first(lambda p: p.g / p.x.norm(dim=1, keepdim=True)),
        named("normalize 4x5*"),
        "x(x·g)/‖x‖³",
    ),
    Fault("dropped term", first(lambda p: p.g.unsqueeze(1) * p.x / 3), named("var 4x7"), "−mean"),
    Fault("dropped term", first(lambda p: p.g * _normal_cdf(p.x)), named("gelu 4x5*"), "xφ(x)"),
    Fault("dropped term", first(lambda p: p.g * torch.sigmoid(p.x)), named("silu 4x5*"), "xσ'(x)"),
    Fault("dropped term", first(lambda p: p.g.clone()), named("softplus 4x5*"), "σ(x)"),
    Fault("dropped term", first(lambda p: p.g.clone()), named("cumsum 4x6*"), "the sum of later entries"),
    Fault("dropped term", last(lambda p: p.right[-1] * (1 + p.inputs[1])), named("div 4x3*"), "1/b"),
)
_MISPLACED = (
    Fault("swapped index", each(lambda r: r.roll(1, -1)), named(*_VARYING), "rolled by one"),
    Fault(
        "swapped index", each(lambda r: r.flip(0)), named("mse_loss 37", "conv1d 2x8*", "mm 4*"), "flipped"
    ),
    Fault(
        "swapped index",
        each(lambda r: r.mT),
        named("mul 3x3*3x3", "square mm*", "max 5x5*", "prod 5x5*"),
        "transposed",
    ),
    Fault("swapped index", lambda p: p.right[::-1], named("mul 3x3*3x3"), "the two factors' gradients"),
    Fault("swapped index", first(lambda p: p.g @ p.inputs[1]), named("square mm*"), "G B instead of G Bᵀ"),
)
_SUMMED = (
    Fault("reduction scale", multiplied(reduced), named("mean ?x*", "mse_loss 37"), "not 1/n"),
    Fault("reduction scale", multiplied(lambda p: 1 / reduced(p)), named("sum ?x*"), "1/n"),
    Fault("reduction scale", multiplied(lambda p: p.x.shape[0]), named("cross_entropy 6*"), "not 1/rows"),
    Fault("reduction scale", multiplied(lambda p: p.x.shape[0]), named("nll_loss 6*"), "not 1/rows"),
    Fault("reduction scale", multiplied(lambda p: 1 / p.x.shape[1]), named("cross_entropy 12*"), "1/classes"),
    Fault(
        "reduction scale",
        multiplied(lambda p: reduced(p) / (reduced(p) - 1)),
        named("mean ?x*", "mse_loss 37"),
        "1/(n − 1)",
    ),
    Fault(
        "missing broadcast sum",
        first_row_alone,
        named("add 4x3*", "mul 4x3*", "div 4x3*", "linear 5x4*", "layer_norm 3x5*", "mlp*", "matmul 5x3x4*"),
        "the first row's gradient alone",
    ),
    Fault(
        "missing broadcast sum",
        first(_averaged),
        named("index_select*", "embedding 6x3*"),
        "repeated rows averaged",
    ),
)
_SOMETIMES = (
    Fault("one entry", one_entry(1.5), named(*_SMOOTH, *_VARYING), "the largest by half"),
    Fault("one entry", one_output_entry, named(*_SMOOTH), "one output counted twice in the first input"),
    Fault("one entry by 1e-6", one_entry(1 + 1e-6), named(*_SMOOTH)),
    Fault(
        "tail only",
        first(lambda p: torch.where(p.x.abs() > _TAIL, 1.5, 1.0) * p.right[0]),
        within("tail"),
    ),
    Fault(
        "large n only",
        when(lambda p: p.x.numel() > _LARGE, first(_cut)),
        lambda host: host.group == "large" and host.name != "softmax 512",
    ),
    Fault(
        "strided input only",
        when(lambda p: not all(x.is_contiguous() for x in p.inputs), scaled(2.0)),
        within("strided"),
        size=1.0,
    ),
    Fault(
        "strided cotangent only",
        when(lambda p: not p.g.is_contiguous(), scaled(2.0)),
        named(*_SMOOTH, "relu 7", "log_softmax 64*", "bmm 1*", "cumsum 4x6*", "var 4x7*", "gather*"),
        size=1.0,
    ),
)
_FORWARD = (
    Fault("forward mode only", scaled(-1.0), named(*_SMOOTH), "sign", 2.0, "forward"),
    Fault("forward mode only", scaled(1 + 1e-6), named(*_SMOOTH), "factor 1 + 1e-6", 1e-6, "forward"),
    Fault("forward mode only", one_entry(1.5), named(*_SMOOTH), "one entry by half", mode="forward"),
)
_SECOND = (
    Fault("second order only", scaled(-1.0), named(*_TWICE), "sign", 2.0, "second order"),
    Fault("second order only", scaled(1 + 1e-6), named(*_TWICE), "factor 1 + 1e-6", 1e-6, "second order"),
    Fault(
        "second order only",
        lambda p: (p.right[0], *map(_zero, p.right[1:])),
        named(*_TWICE),
        "zero in the inputs",
        mode="second order",
    ),
)

FAULTS = (
    *_FACTORS,
    *_GENERAL,
    *_DROPPED,
    *_MISPLACED,
    *_SUMMED,
    *_SOMETIMES,
    *_FORWARD,
    *_SECOND,
)
