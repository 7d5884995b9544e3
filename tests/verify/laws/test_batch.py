"""What laws ask of the calls of a batch, and of dimensions together: each fault breaks one place alone."""

from __future__ import annotations

import pytest
import torch

from tests.verify.laws.test_alone import broken, wrong


@pytest.mark.parametrize("spoilt", ["before", "after"])
def test_a_nan_reaches_neither_the_calls_before_nor_those_after_it(spoilt):
    def leaking(x, dim):
        y = torch.softmax(x, dim)
        if x.ndim != 2 or dim not in (1, -1):
            return y
        there = x.isnan().any(1)
        beside = there.roll(-1 if spoilt == "before" else 1)[:, None]
        return torch.where(beside, torch.nan, y)

    found = broken("locality", wrong("softmax", leaking), "float64", lambda w: len(w.shapes[0]) == 2)
    assert any(", the others, forward: nan where" in r for r in found)


def test_a_gradient_that_is_nan_alone_is_nan_among_others():
    """The result is; the gradient is cleared where there is more than one call."""
    found = broken("locality", wrong("softmax", _Cleared.apply), "float64", lambda w: len(w.shapes[0]) == 2)
    assert found
    assert all("nan as it is alone, gradient of input 0: False where True" in r for r in found)


class _Cleared(torch.autograd.Function):
    """A softmax whose backward of several rows replaces nan by 0."""

    @staticmethod
    def forward(context, x, dim):
        y = torch.softmax(x, dim)
        context.save_for_backward(y)
        context.dim = dim
        return y

    @staticmethod
    def backward(context, g):
        (y,) = context.saved_tensors
        right = torch._softmax_backward_data(g, y, context.dim, y.dtype)
        return (right if len(y) == 1 else torch.nan_to_num(right, 0.0)), None


def test_to_the_gradient_of_what_is_shared_no_calls_add_nothing():
    class Multiplied(torch.autograd.Function):
        @staticmethod
        def forward(context, a, b):
            context.save_for_backward(a, b)
            return a @ b

        @staticmethod
        def backward(context, g):
            a, b = context.saved_tensors
            return g @ b.T, a.T @ g if len(a) else torch.ones_like(b)

    found = broken("zero size", wrong("mm", Multiplied.apply), "float64", lambda w: w.layout == "contiguous")
    assert found
    assert all("a batch of no calls, gradient of input 1: 1.0 where 0.0 is required" in r for r in found)


def test_dimensions_joined_to_one_are_held_to_the_bound_of_their_sum():
    """Some hundred terms explain 10⁻¹³ of Σ|x| together, and not 10⁻¹²."""

    def off(x, dim=None, **options):
        if not isinstance(dim, tuple) or len(dim) < 2:
            return torch.sum(x, **({} if dim is None else {"dim": dim}), **options)
        return torch.sum(x, dim, **options) + 1e-12 * torch.sum(x.detach().abs(), dim, **options)

    found = broken(
        "dimensions", wrong("sum", off), "float64", lambda w: isinstance(w.options.get("dim"), tuple)
    )
    assert found
    assert all("joined to one, forward" in r for r in found)


def test_the_last_dimension_of_an_input_without_dimensions_is_its_only_one():
    def refusing(x, dim, **options):
        if x.ndim == 0 and dim == -1:
            raise IndexError("no last dimension")
        return torch.logsumexp(x, dim, **options)

    found = broken("no dimension", wrong("logsumexp", refusing), "float64")
    assert any("an input of shape (), dim=-1: it raised IndexError" in r for r in found)


def test_an_input_without_dimensions_is_held_to_the_bound_of_one_entry():
    def off(x):
        y = torch.exp(x)
        return y if x.ndim else y * (1 + 1e-13)

    found = broken("no dimension", wrong("exp", off), "float64")
    assert any("an input of shape (), forward" in r for r in found)
