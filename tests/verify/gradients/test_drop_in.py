"""The drop-ins: torch's arguments, torch's return values, and torch's verdict wherever torch is right."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch.autograd.gradcheck import GradcheckError

import torchstone
from tests.verify.gradients.functions import drawn
from verify.gradients.drop_in import gradcheck, gradgradcheck
from verify.samples.operators import operators
from verify.samples.sample import samples

# A sample of torch's operators: every fourteenth by name.
OPERATORS = sorted(operators())[::14]


class Doubled(torch.autograd.Function):
    """x ↦ 2x with the gradient 2 + 1e-6, and with a wrong gradient of that."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return g * (2 + 1e-6)


@pytest.mark.parametrize("name", ["gradcheck", "gradgradcheck"])
def test_the_arguments_are_those_of_torch(name):
    ours = inspect.signature(getattr(torchstone, name)).parameters
    torchs = inspect.signature(getattr(torch.autograd, name)).parameters
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in torchs.values()
    ]


def test_a_right_gradient_is_true():
    assert gradcheck(torch.sin, drawn(4)) is True
    assert gradgradcheck(torch.sin, (drawn(4),)) is True
    assert gradgradcheck(torch.sin, (drawn(4),), drawn(4)) is True
    asked = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}
    assert gradcheck(torch.sin, (drawn(4),), **asked) is True
    assert gradgradcheck(torch.sin, (drawn(4),), check_fwd_over_rev=True, check_batched_grad=True) is True


def test_a_wrong_gradient_raises_torchs_error_with_the_place():
    assert torch.autograd.gradcheck(Doubled.apply, (drawn(4),))
    with pytest.raises(
        GradcheckError, match=r"the gradient is wrong(.|\n)*d output 0\[\d\] / d input 0\[\d\]"
    ):
        gradcheck(Doubled.apply, (drawn(4),))
    assert gradcheck(Doubled.apply, (drawn(4),), raise_exception=False) is False


def test_what_could_not_be_judged_is_no_pass():
    x = torch.zeros(1, dtype=torch.float64).requires_grad_()
    with pytest.raises(GradcheckError, match="could not be judged"):
        gradcheck(lambda x: torch.where(x > 0, x + 1, x), x)
    assert gradcheck(lambda x: torch.where(x > 0, x + 1, x), x, raise_exception=False) is False


@pytest.mark.parametrize("check", [gradcheck, torch.autograd.gradcheck], ids=["ours", "torch's"])
def test_bad_use_is_the_same_error(check):
    with pytest.raises(ValueError, match="gradient"):
        check(torch.sin, torch.ones(3, dtype=torch.float64))
    with pytest.raises(ZeroDivisionError):
        check(lambda x: 1 / 0, drawn(3))


def test_nothing_asked_is_bad_use():
    with pytest.raises(ValueError, match="check_backward_ad"):
        gradcheck(torch.sin, drawn(3), check_backward_ad=False)
    with pytest.raises(ValueError, match="check_batched_grad"):
        gradcheck(
            torch.sin, drawn(3), check_backward_ad=False, check_forward_ad=True, check_batched_grad=True
        )
    with pytest.raises(ValueError, match="check_forward_ad"):
        gradcheck(torch.sin, drawn(3), check_batched_forward_grad=True)


def test_a_tolerated_nondeterminism_is_tolerated():
    noise = torch.Generator().manual_seed(1)

    class Noisy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g * (1 + 1e-15 * torch.rand(g.shape, dtype=g.dtype, generator=noise))

    with pytest.raises(GradcheckError, match="two backward passes"):
        gradcheck(Noisy.apply, drawn(100))
    assert gradcheck(Noisy.apply, drawn(100), nondet_tol=1e-12)


@pytest.mark.parametrize("name", OPERATORS)
def test_swapped_in_for_torchs_it_agrees_wherever_torchs_passes(name, monkeypatch):
    operator, judged = operators()[name], 0
    for sample in samples(operator, "cpu", "float64", seed=0):
        entries = sum(x.numel() for x in sample.arguments if isinstance(x, torch.Tensor))
        if sample.number >= 4 or entries > 300:
            continue
        asked = {"nondet_tol": sample.nondeterminism, "raise_exception": False}
        try:
            torchs = torch.autograd.gradcheck(sample.function, sample.arguments, **asked)
        except (ValueError, RuntimeError, UserWarning):
            continue
        judged += 1
        if torchs:
            with monkeypatch.context() as swapped:
                swapped.setattr(torch.autograd, "gradcheck", gradcheck)
                del asked["raise_exception"]
                assert torch.autograd.gradcheck(sample.function, sample.arguments, **asked) is True
    assert judged or entries > 300


def test_cotangents_that_do_not_fit_the_outputs_are_refused():
    with pytest.raises(ValueError, match=r"grad_outputs have the shapes \[\(4,\)\].*\[\(3,\)\]"):
        gradgradcheck(torch.sin, drawn(3), drawn(4))
