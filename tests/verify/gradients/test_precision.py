"""Gradients narrower than float64: a fault that only they have fails, in whatever mode it lies."""

from __future__ import annotations

import pytest
import torch

from tests.verify.gradients.functions import drawn, in_a_batch, sine, softmax
from verify.gradients.check import check_gradient
from verify.gradients.drop_in import gradgradcheck
from verify.outcome import Status

F = torch.nn.functional
NARROW = torch.float32


def off(v):
    """What is off by a thousandth in the narrow dtype, and right in float64."""
    return v * 1.001 if v.dtype is NARROW else v


def narrow(*shape, seed=0):
    return drawn(*shape, seed=seed).detach().to(NARROW).requires_grad_()


def failures(report):
    return [answer.question for answer in report.answers if answer.status is Status.FAIL]


class Twice(torch.autograd.Function):
    """sin, with a right gradient, the gradient of which is off."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        return Inner.apply(ctx.saved_tensors[0], g)


class Inner(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, g):
        ctx.save_for_backward(x, g)
        return g * x.cos()

    @staticmethod
    def backward(ctx, g):
        x, c = ctx.saved_tensors
        return -off(g * c * x.sin()), g * x.cos()


class Alone(torch.autograd.Function):
    """Two outputs; the gradient of each where the other is undefined is off."""

    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x.sin(), x.cos()

    @staticmethod
    def backward(ctx, g, h):
        (x,) = ctx.saved_tensors
        if g is None and h is None:
            return None
        if g is None or h is None:
            return off(g * x.cos() if h is None else -h * x.sin())
        return g * x.cos() - h * x.sin()


class Strided(torch.autograd.Function):
    """sin, with a gradient that is off where the cotangent is not contiguous."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        v = g * ctx.saved_tensors[0].cos()
        return v if g.is_contiguous() else off(v)


def test_forward_mode():
    report = check_gradient(sine(tangent=off), narrow(20), forward=True, seed=1)
    assert failures(report) == ["float32 against float64, forward mode"]


def test_batched_forward_mode():
    report = check_gradient(sine(tangent=in_a_batch(off)), narrow(20), forward=True, batched=True, seed=1)
    assert failures(report) == ["float32 against float64, batched forward mode"]


def test_second_order():
    report = check_gradient(Twice.apply, narrow(20), second_order=True, seed=2)
    assert failures(report) == ["float32 against float64, second order"]
    assert not gradgradcheck(Twice.apply, narrow(20), raise_exception=False)


def test_an_output_alone():
    report = check_gradient(Alone.apply, narrow(20), seed=3)
    assert failures(report) == [f"float32 against float64, output {i} alone" for i in (0, 1)]


def test_a_cotangent_that_is_not_contiguous():
    report = check_gradient(Strided.apply, narrow(20), seed=4)
    assert failures(report) == ["float32 against float64, cotangent not contiguous"]


def test_batched_reverse_mode():
    report = check_gradient(sine(backward=in_a_batch(off)), narrow(20), batched=True, seed=5)
    assert failures(report) == ["float32 against float64, batched reverse mode"]


def test_outputs_that_have_other_shapes_in_float64_are_not_judged_against_it():
    def function(x):
        return x.sin() if x.dtype is NARROW else torch.cat([x.sin(), x])

    report = check_gradient(function, narrow(20), seed=6)
    assert failures(report) == []
    assert report.status is Status.INCONCLUSIVE
    assert "other shapes in float64" in str(report)


def test_a_vjp_of_ones_own():
    def vjp(g, x):
        y = torch.softmax(x, 0)
        return off(y * (g - (g * y).sum()))

    report = check_gradient(softmax, narrow(20), vjp=vjp, seed=6)
    assert failures(report) == ["float32 against float64"]


@pytest.mark.parametrize(
    "function", [softmax, lambda x: (x.sin(), x.exp()), lambda x: F.layer_norm(x, (20,))]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_what_is_right_passes_in_every_mode(function, dtype):
    for seed in range(5):
        x = drawn(20, seed=seed).detach().to(dtype).requires_grad_()
        report = check_gradient(function, x, forward=True, second_order=True, batched=True, seed=seed)
        assert failures(report) == [], str(report)
        assert report.status is Status.PASS, str(report)
