"""What a check costs against the bare operation, forward and backward."""

from __future__ import annotations

import pytest
import torch

from verify.case import Case
from verify.checks import checks
from verify.operations import catalogue

SOFTMAX = Case(catalogue()["softmax"], "cpu", "float64", catalogue()["softmax"].check[0])


@pytest.mark.benchmark(group="softmax of 64, once")
def test_bare(benchmark):
    (point,) = SOFTMAX.points(1)

    def forward_and_backward():
        (x,) = SOFTMAX.tensors(point, requires_grad=True)
        y = SOFTMAX.function(x, **point.options)
        torch.autograd.grad(y, x, torch.ones_like(y))

    benchmark(forward_and_backward)


@pytest.mark.benchmark(group="softmax of 64, once")
@pytest.mark.parametrize("name", [name for name, check in checks().items() if check.applies(SOFTMAX)])
def test_check(benchmark, name):
    assert benchmark(lambda: list(checks()[name].examine(SOFTMAX, 1)))


@pytest.mark.benchmark(group="softmax of 64, once")
@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck(benchmark, fast):
    (point,) = SOFTMAX.points(1)
    (x,) = SOFTMAX.tensors(point, requires_grad=True)
    assert benchmark(
        torch.autograd.gradcheck, lambda t: SOFTMAX.function(t, **point.options), (x,), fast_mode=fast
    )
