"""The catalogue proved: every closed form is the derivative of its reference, to 60 digits."""

from __future__ import annotations

import dataclasses

import flint
import numpy as np
import pytest

from verify.case import HARD, Case
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.formulas.reference import certify, in_balls, plain
from verify.operation import Batch
from verify.operations import catalogue, ordinary

CASES = [
    pytest.param(Case(operation, "cpu", "float64", workload), id=f"{operation.name}-{workload.label}")
    for operation in catalogue().values()
    if operation.vjp is not None
    for workload in operation.check
]
EVERY = [
    pytest.param(Case(operation, "cpu", dtype, workload), id=f"{operation.name}-{dtype}-{workload.label}")
    for operation in catalogue().values()
    for dtype in DTYPES
    for workload in (*operation.check, HARD)
]


@pytest.mark.parametrize("case", CASES)
def test_the_closed_form_is_the_derivative_of_the_reference(case):
    """⟨g, f(x + hd) − f(x − hd)⟩/2h = ⟨vjp(g), d⟩ with h = 2⁻²⁰⁰: the remainder h²φ‴/6 is 120 digits down."""
    (point,) = case.points(11)
    generator = np.random.default_rng(7)
    evaluate, vjp = case.operation.forward.evaluate, case.operation.vjp.evaluate
    with flint.ctx.workprec(1000):
        balls, step = in_balls(point.inputs), flint.arb(2) ** -200
        g = generator.integers(1, 9, size=np.shape(evaluate(*balls, **point.options)))
        g = in_balls((g / 4,))[0]
        gradients = vjp(g, *balls, **point.options)
        assert len(gradients) == len(balls)
        for position in point.differentiable:
            direction = in_balls((generator.choice((-1.0, 1.0), size=point.inputs[position].shape),))[0]
            sides = []
            for sign in (1, -1):
                moved = list(balls)
                moved[position] = balls[position] + sign * step * direction
                sides.append(np.asarray(evaluate(*moved, **point.options), dtype=object))
            difference = np.sum(g * (sides[0] - sides[1])) / (2 * step)
            claimed = np.sum(gradients[position] * direction)
            assert abs(difference - claimed) < flint.arb(10) ** -60, f"input {position}"


@pytest.mark.parametrize("case", EVERY)
def test_float64_lies_within_its_bound_of_the_enclosure(case):
    """The formula that runs in ball arithmetic runs on float64 too, and means the same there.

    NumPy's float64 is an implementation of the same algorithm, so float64's bound is its bound too.
    """
    double = Arithmetic.of("float64")
    for point in case.points(3):
        (exact,) = certify(case.operation.forward.evaluate, point.inputs, point.options, case.arithmetic)
        (value,) = plain(case.operation.forward.evaluate, point.inputs, point.options)
        assert value.shape == exact.balls.shape
        assert np.isfinite(exact.radius).all()
        if not point.far:
            bound = case.operation.forward.bound(double, *point.inputs, **point.options)
            assert (exact.error(value, double) <= double.stored(value, bound)).all()


@pytest.mark.parametrize("case", EVERY)
def test_bounds_are_finite_wherever_the_operation_is_examined(case):
    a = case.arithmetic
    for point in case.points(3):
        with np.errstate(all="ignore"):
            bound = np.asarray(case.operation.forward.bound(a, *point.inputs, **point.options), dtype=float)
        assert np.isfinite(bound).all()
        assert (bound >= 0).all()


BATCHES = [
    pytest.param(operation, workload, id=f"{operation.name}-{workload.label}")
    for operation in catalogue().values()
    for workload in operation.check
    if operation.batch(workload) is not None
]


@pytest.mark.parametrize(("operation", "workload"), BATCHES)
def test_the_calls_of_a_batch_are_independent(operation, workload):
    """Each part of the inputs alone gives its part of the result, but for float64's own rounding."""
    batch, a = operation.batch(workload), Arithmetic.of("float64")
    (point,) = Case(operation, "cpu", "float64", workload).points(5)
    evaluate = operation.forward.evaluate
    (whole,) = plain(evaluate, point.inputs, point.options)
    assert len(batch.inputs) == len(point.inputs)
    sizes = {x.shape[d] for x, d in zip(point.inputs, batch.inputs, strict=True) if d is not None}
    assert sizes == {whole.shape[batch.output]}, "inputs and result hold as many calls"
    for i in range(whole.shape[batch.output]):
        part = tuple(
            x if d is None else np.take(x, [i], axis=d)
            for x, d in zip(point.inputs, batch.inputs, strict=True)
        )
        (alone,) = plain(evaluate, part, point.options)
        bound = a.stored(alone, operation.forward.bound(a, *part, **point.options))
        assert (np.abs(alone - np.take(whole, [i], axis=batch.output)) <= 2 * bound).all()


def test_inputs_that_hang_together_are_no_batch():
    """The test above sees a batch that is none: a softmax over the dimension that is called independent."""
    softmax = catalogue()["softmax"]
    wrong = dataclasses.replace(softmax, batch=lambda workload: Batch((workload.options["dim"],), 0))
    with pytest.raises(AssertionError):
        test_the_calls_of_a_batch_are_independent(wrong, softmax.check[2])


@pytest.mark.parametrize("name", catalogue())
def test_a_record_is_complete(name):
    operation = catalogue()[name]
    assert operation.forward.text
    assert operation.forward.source
    assert operation.identities, "every operation has an identity to be held to"
    assert operation.bench, "every operation is timed"
    assert any(hard.far for hard in operation.domain.hard), "every operation is asked far out"
    assert ordinary(operation).endswith("."), "the sampler of ordinary inputs tells what it draws"
    assert operation.refuses, "every operation has a call that torch documents as an error"
    if operation.vjp is not None:
        assert operation.vjp.text
        assert operation.vjp.source
    for workload in (*operation.check, *operation.bench):
        assert operation.cost(workload).flops >= 0
        assert operation.cost(workload).elements > 0
    for identity in operation.identities:
        assert any(identity.applies(w) for w in operation.check), f"{identity.name!r} is never asked"
