"""Every check must fail what is wrong on purpose, and pass it when the fault is taken out."""

from __future__ import annotations

import pytest
import torch

from verify.case import Case
from verify.checks import checks
from verify.operation import Operation
from verify.operations import catalogue
from verify.outcome import Outcome, Status
from verify.run import one_thread
from verify.selftest.trying import examining, failures
from verify.wrong_on_purpose import planted
from verify.wrong_on_purpose.fault import wrong_backward, wrong_forward

_SEED = 20240229


@pytest.fixture(autouse=True)
def as_in_a_run():
    with one_thread():
        yield


def examined(operation: Operation, check: str, dtype: str) -> tuple[Outcome, ...]:
    """The outcomes on all workloads."""
    return tuple(outcome for outcomes in examining(operation, check, dtype, _SEED) for outcome in outcomes)


@pytest.mark.parametrize("fault", planted(), ids=lambda fault: f"{fault.check}: {fault.name}")
def test_a_fault_is_failed_by_name(fault):
    failed = failures(fault, _SEED)
    assert failed, f"{fault.check} passed {fault.name}"
    assert not any(o.question == "runs to an end" for o in failed), failed[0].message
    assert failed[0].operation == fault.operation.name
    assert fault.operation.name in failed[0].message
    assert "exceeds the bound" in failed[0].message
    assert f"--check {fault.check}" in failed[0].reproduce


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", catalogue())
def test_without_a_fault_nothing_fails(name, dtype):
    operation = catalogue()[name]
    if dtype not in operation.dtypes:
        assert not examined(operation, "accuracy", dtype)
        return
    for check in checks():
        outcomes = examined(operation, check, dtype)
        # Some operations have no value that a standard requires far beyond ordinary numbers, and few add.
        asked = {
            "special": operation.special,
            "summation": operation.summations,
            # Some calls are of no kind of which a law speaks.
            "semantics": any(
                checks()["semantics"].applies(Case(operation, "cpu", dtype, w)) for w in operation.check
            ),
            # A place or a truth value has no magnitude, and few results hang on a number of terms.
            "range": operation.differentiable
            or any(checks()["range"].applies(Case(operation, "cpu", dtype, w)) for w in operation.check),
            "length": operation.lengths(1),
            # Asked in torch's default dtype alone, of those that take others.
            "promotion": operation.promotion and dtype == "float32",
        }.get(check, True)
        seen = [o for o in outcomes if o.status is not Status.SKIPPED]
        assert seen or not asked, f"{check} measured nothing of {name}"
        bad = [o.message for o in seen if o.status not in (Status.PASS, Status.KNOWN)]
        assert not bad, bad


def test_the_odd_one_out_is_named():
    fault = wrong_backward("softmax", lambda g, y, x, right, o: (2 * right[0],))
    failed = [o for o in examined(fault, "gradient", "float64") if o.status is Status.FAIL]
    assert any("autograd is wrong" in o.message for o in failed)


def test_a_wrong_forward_is_not_blamed_on_the_gradient():
    fault = wrong_forward("tanh", lambda x: _Detour.apply(x))
    failed = [o for o in examined(fault, "gradient", "float64") if o.status is Status.FAIL]
    assert any("the forward result does not match them" in o.message for o in failed)


class _Detour(torch.autograd.Function):
    """tanh's gradient on a forward that is not tanh."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return torch.tanh(x) + 0.01 * x

    @staticmethod
    def backward(context, g):
        (x,) = context.saved_tensors
        return g * (1 - torch.tanh(x) ** 2)
