"""Lengths: the workloads that records give, and the fast enclosure held to the balls."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from verify.case import Case
from verify.checks.length import CHECK, IN_BALLS, LENGTHS
from verify.comparison import cotangent
from verify.formulas.reference import certified, enclosed_by_float64
from verify.operations import catalogue
from verify.outcome import Status

OPERATIONS = {name: operation for name, operation in catalogue().items() if operation.lengths(1)}


def test_the_operations_over_many_terms_have_lengths():
    assert set(OPERATIONS) >= {
        "softmax", "log_softmax", "logsumexp", "cross_entropy", "binary_cross_entropy", "mse_loss",
        "binary_cross_entropy_with_logits", "vector_norm", "sum", "mean", "var", "std", "prod", "cumsum",
    }  # fmt: skip


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_workload_has_the_length(name, n):
    for workload in OPERATIONS[name].lengths(n):
        assert n in workload.shapes[0]
        assert str(n) in workload.label


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_enclosure_by_float64_contains_the_balls_and_is_fine_enough(name, dtype):
    """Its radius is below 2⁻¹⁰ of the error that the bound of the judged type allows."""
    operation = OPERATIONS[name]
    for workload in operation.lengths(IN_BALLS):
        case = Case(operation, "cpu", dtype, workload)
        (point,) = case.points(5)
        g = cotangent(case, 5, point, np.shape(operation.forward.evaluate(*point.inputs, **point.options)))
        for formula, arguments in ((operation.forward, point.inputs), (operation.vjp, (g, *point.inputs))):
            slow = certified(formula, arguments, point.options, case.arithmetic)
            fast = enclosed_by_float64(formula, arguments, point.options, case.arithmetic)
            allowed = formula.bound(case.arithmetic, *arguments, **point.options)
            allowed = allowed if isinstance(allowed, tuple) else (allowed,)
            for one, other, bound in zip(slow, fast, allowed, strict=True):
                if one is None:
                    assert other is None
                    continue
                assert all(
                    wide.contains(fine.mid())
                    for wide, fine in zip(other.balls.flat, one.balls.flat, strict=True)
                )
                assert (other.radius <= 2.0**-10 * case.arithmetic.stored(one.value, bound)).all()


def test_the_longest_is_asked_thoroughly_alone():
    operation = catalogue()["mse_loss"]
    case = Case(operation, "cpu", "float32", operation.check[0])
    quick = {o.figures["length"] for o in CHECK.examine(case, 1)}
    thorough = {o.figures["length"] for o in CHECK.examine(dataclasses.replace(case, thorough=True), 1)}
    assert quick == set(LENGTHS[:-1])
    assert thorough == set(LENGTHS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_dimension_is_asked(dtype):
    operation = catalogue()["softmax"]
    case = Case(operation, "cpu", dtype, operation.check[0], thorough=dtype == "float32")
    asked = {o.point for o in CHECK.examine(case, 1)}
    lengths = LENGTHS if case.thorough else LENGTHS[:-1]
    assert asked == {w.label for n in lengths for w in operation.lengths(n)}
    assert len(operation.lengths(10)) > 1


def test_a_length_at_which_even_zeros_would_pass_is_not_judged():
    operation = catalogue()["mse_loss"]
    value = operation.forward.evaluate
    forward = dataclasses.replace(operation.forward, bound=lambda a, *x, **o: 2 * value(*x, **o))
    case = Case(dataclasses.replace(operation, forward=forward), "cpu", "float64", operation.check[0])
    assert {o.status for o in CHECK.examine(case, 1) if o.question == "forward"} == {Status.INCONCLUSIVE}


def test_the_message_names_the_length_and_the_command_runs_it_again():
    operation = catalogue()["mse_loss"]
    wrong = dataclasses.replace(operation, function=lambda x, y, **o: operation.function(x, y, **o) * 2)
    case = Case(wrong, "cpu", "float32", operation.check[0])
    failed = [o for o in CHECK.examine(case, 1) if o.measured > o.bound]
    assert any("at '1000'" in o.message for o in failed)
    assert all(f"--select 'mse_loss[cpu-float32-{operation.check[0].label}]'" in o.reproduce for o in failed)
