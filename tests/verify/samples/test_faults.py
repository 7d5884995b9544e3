"""Every check of samples fails what is wrong on purpose, and passes the same operator without the fault."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.verify.samples.operator_record import Alias, Input, Record, UnaryUfuncInfo
from verify.outcome import Status
from verify.samples.checks import sample_checks
from verify.samples.outcomes import outcomes

_SEED = 20240229
# torch's own forward mode compiles its decompositions with it when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


def exp(x, out=None):
    return torch.exp(x) if out is None else torch.exp(x, out=out)


EXP = UnaryUfuncInfo("exp", exp, torch.Tensor.exp_, torch.Tensor.exp)
SUM = Record("sum", lambda x: x.sum(-1), supports_out=False)


def with_op(record, op, **changes):
    """The record with another function, under its own name."""
    return dataclasses.replace(record, op=op, **changes)


def layout_dependent(x, out=None):
    return torch.exp(x) if x.is_contiguous() else torch.exp(x) * (1 + 1e-3)


class Drifting:
    """A function whose result moves by an ulp from call to call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        y = torch.exp(x)
        return torch.nextafter(y, torch.full_like(y, torch.inf)) if self.calls % 2 else y


def tail_off(x):
    """exp by 16 lanes, and what is left over by a worse formula."""
    y = torch.exp(x)
    left = x.numel() % 16
    if left:
        y.view(-1)[-left:] *= 1 + 1e-3
    return y


def without_offset(x, out=None):
    """It writes to the beginning of the memory that `out` lies in."""
    y = torch.exp(x)
    if out is None:
        return y
    if out.shape != y.shape or out.dtype != y.dtype:
        raise RuntimeError("out must fit")
    out.as_strided(out.shape, out.stride(), 0).copy_(y)
    return out


def past_the_end(x, out=None):
    """It writes one entry more than `out` has, where there is room."""
    y = torch.exp(x)
    if out is None:
        return y
    if out.shape != y.shape or out.dtype != y.dtype:
        raise RuntimeError("out must fit")
    out.copy_(y)
    room = out.untyped_storage().nbytes() // out.element_size() - out.storage_offset() - out.numel()
    if room:
        out.as_strided((1,), (1,), out.storage_offset() - 1).fill_(0)
    return out


def silently_resized(x, out=None):
    y = torch.exp(x)
    if out is None:
        return y
    if out.dtype != y.dtype:
        raise RuntimeError("out must fit")
    if out.shape != y.shape:
        out.set_(y)
    return out.copy_(y)


def truncating(x, out=None):
    y = torch.exp(x)
    if out is None:
        return y
    if out.shape != y.shape:
        raise RuntimeError("out must fit")
    return out.copy_(y)


def by_halves(x):
    """A sum whose accumulator is as narrow as the result, within one call as in a kernel."""
    return torch.from_numpy(np.add.accumulate(x.detach().numpy(), axis=-1)[..., -1].copy())


class Coarse(torch.autograd.Function):
    """exp of entries in a dtype narrower than that of the result; its gradient is right."""

    @staticmethod
    def forward(context, x):
        y = torch.exp(x) if x.dtype is torch.float64 else torch.exp(x.bfloat16()).to(x.dtype)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context, g):
        return g * context.saved_tensors[0]


def coarse(x):
    return Coarse.apply(x)


def many(device, dtype, requires_grad):
    """So many small entries that a narrow sum stands still before its end."""
    x = torch.rand(2, 4096, dtype=torch.float64) / 5 + 0.05
    yield Input(x.to(device, dtype).requires_grad_(requires_grad))


class WrongForwardMode(torch.autograd.Function):
    """exp with a right gradient and a tangent that is too large by a millionth."""

    generate_vmap_rule = False

    @staticmethod
    def forward(x):
        return torch.exp(x)

    @staticmethod
    def setup_context(context, inputs, output):
        context.save_for_backward(output)
        context.save_for_forward(output)

    @staticmethod
    def backward(context, g):
        return g * context.saved_tensors[0]

    @staticmethod
    def jvp(context, t):
        return t * context.saved_tensors[0] * (1 + 1e-6)


class WrongSecondOrder(torch.autograd.Function):
    """exp with a right gradient that does not depend on x, as autograd sees it."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(torch.exp(x))
        return torch.exp(x)

    @staticmethod
    def backward(context, g):
        return g * context.saved_tensors[0]


def batch_dependent(x):
    """Another algorithm where there are many rows of rows."""
    y = torch.exp(x)
    return y * (1 + 1e-3) if x.ndim > 2 else y


class UnderVmap(torch.autograd.Function):
    """exp whose rule for vmap is off."""

    @staticmethod
    def forward(x):
        return torch.exp(x)

    @staticmethod
    def setup_context(context, inputs, output):
        pass

    @staticmethod
    def vmap(info, in_dims, x):
        return torch.exp(x) * (1 + 1e-3), in_dims[0]


def dropped_nan(x):
    return (
        torch.where(torch.isnan(x), torch.zeros_like(x), torch.exp(x))
        if x.dtype != torch.float64
        else torch.exp(x)
    )


def spread_nan(x):
    """A nan in the last entry of a vector makes one of its neighbour."""
    y = torch.exp(x)
    bad = torch.isnan(x)
    return torch.where(torch.roll(bad.view(-1), -1).view(bad.shape), torch.nan, y)


def overflowing(x):
    """x²/x, which is x, but for numbers whose square is too large."""
    return x * x / x


def flushed(x):
    """Nothing of what is small."""
    if x.dtype is torch.float64:
        return x.clone()
    return torch.where(x.abs() < 64 * torch.finfo(x.dtype).smallest_normal, 0.0, x)


def otherwise_compiled(x):
    return torch.exp(x) * (1 + 1e-3) if torch.compiler.is_compiling() else torch.exp(x)


PLAIN = UnaryUfuncInfo("exp", torch.exp)
SAME = UnaryUfuncInfo("identity", lambda x: x.clone())

# What is planted: the check, the record without the fault and the one with it, the dtype.
FAULTS = {
    "a layout-dependent result": ("memory", EXP, with_op(EXP, layout_dependent), "float32"),
    "not deterministic": ("repetition", PLAIN, with_op(PLAIN, Drifting()), "float32"),
    "a tail that differs": ("tail", PLAIN, with_op(PLAIN, tail_off), "float32"),
    "out= without its offset": ("out", EXP, with_op(EXP, without_offset), "float32"),
    "out= that writes beside it": ("out", EXP, with_op(EXP, past_the_end), "float32"),
    "out= resized in silence": ("out", EXP, with_op(EXP, silently_resized), "float32"),
    "out= of an integral dtype": ("out", EXP, with_op(EXP, truncating), "float32"),
    "in place that differs": (
        "in-place",
        EXP,
        dataclasses.replace(EXP, inplace_variant=lambda x: x.exp_().mul_(1 + 1e-3)),
        "float32",
    ),
    "in place that is a copy": (
        "in-place",
        EXP,
        dataclasses.replace(EXP, inplace_variant=torch.exp),
        "float32",
    ),
    "a method that differs": (
        "method",
        EXP,
        dataclasses.replace(EXP, method_variant=lambda x: torch.exp(x) * (1 + 1e-3)),
        "float32",
    ),
    "an alias that differs": (
        "method",
        EXP,
        dataclasses.replace(EXP, aliases=(Alias("exp_two", torch.exp2),)),
        "float32",
    ),
    "compiled that differs": ("compiled", PLAIN, with_op(PLAIN, otherwise_compiled), "float32"),
    "a tangent with a factor": ("forward-mode", PLAIN, with_op(PLAIN, WrongForwardMode.apply), "float64"),
    "no second derivative": ("second-order", PLAIN, with_op(PLAIN, WrongSecondOrder.apply), "float64"),
    "a float16 accumulator": (
        "precision",
        dataclasses.replace(SUM, draw=many),
        with_op(SUM, by_halves, draw=many),
        "float16",
    ),
    "bfloat16 on the way": ("precision", PLAIN, with_op(PLAIN, coarse), "float32"),
    "a batch-dependent result": ("batch", PLAIN, with_op(PLAIN, batch_dependent), "float32"),
    "a wrong rule for vmap": ("batch", PLAIN, with_op(PLAIN, UnderVmap.apply), "float32"),
    "a dropped nan": ("nan", PLAIN, with_op(PLAIN, dropped_nan), "float32"),
    "a nan for a neighbour": ("nan", PLAIN, with_op(PLAIN, spread_nan), "bfloat16"),
    "overflow on the way": ("huge", SAME, with_op(SAME, overflowing), "float32"),
    "the small flushed": ("tiny", SAME, with_op(SAME, flushed), "float32"),
}
_FAULTS = [pytest.param(*fault, id=f"{fault[0]}: {name}") for name, fault in FAULTS.items()]


def examined(check, record, dtype, only=None):
    return list(outcomes(sample_checks()[check], record, only, "cpu", dtype, _SEED))


@pytest.mark.parametrize(("check", "right", "wrong", "dtype"), _FAULTS)
def test_a_fault_is_failed_by_its_check_alone_of_two_twins(check, right, wrong, dtype):
    assert {o.status for o in examined(check, right, dtype)} == {Status.PASS}
    failed = [o for o in examined(check, wrong, dtype) if o.status is Status.FAIL]
    assert failed
    assert failed[0].message.startswith(f"{wrong.name}[cpu-{dtype}-sample-")
    assert not any(o.question == "runs to an end" for o in failed), failed[0].message
    assert f"--select '{failed[0].case}'" in failed[0].reproduce


def test_every_check_has_a_fault_planted_for_it():
    # Those of the gradient in reverse mode are `torchstone selftest`'s.
    assert {fault[0] for fault in FAULTS.values()} == set(sample_checks()) - {"samples"}
