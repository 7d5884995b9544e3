"""The range check's bands, held to the exponents at which torch is known to lose a value."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from verify.case import Case
from verify.checks.range import CHECK
from verify.operations import catalogue
from verify.outcome import Status
from verify.scaled import workloads


def outcomes(operation, dtype, thorough=False):
    case = Case(operation, "cpu", dtype, workloads(operation, thorough=False)[0], thorough=thorough)
    return {(o.question, o.point): o for o in CHECK.examine(case, 1)}


def one(name, question, dtype):
    return outcomes(catalogue()[name], dtype)[question, "every input scaled"]


@pytest.mark.parametrize(
    ("name", "question", "dtype", "first"),
    [
        # σ' = 0 from x = 16.6 on, tanh' from 9.01, expm1' from −16.6 down: binades 4, 3 and 4.
        ("sigmoid", "gradient of input 0", "float32", 4),
        ("tanh", "gradient of input 0", "float32", 3),
        ("expm1", "gradient of input 0", "float32", 4),
        # From log(2^53) = 36.7 on in float64.
        ("sigmoid", "gradient of input 0", "float64", 5),
        # The square of 2^64 is beyond float32, that of 2^512 beyond float64.
        ("vector_norm", "forward", "float32", -126),
    ],
)
def test_a_loss_that_is_known_is_found_in_its_binade(name, question, dtype, first):
    found = one(name, question, dtype)
    assert found.status is Status.FAIL
    assert found.figures["first lost"] == first
    assert found.measured == found.figures["binades lost"] >= 1
    assert f"from 2^{first} " in found.message
    assert float.fromhex(found.worst.expected) != 0


def test_a_norm_is_right_where_its_squares_are():
    found = one("vector_norm", "forward", "float64")
    # Of squares that are summed none may leave 2^±1022; that of the sum of 29 may not reach 2^1024.
    assert -540 < found.figures["first right"] < -500
    assert 505 < found.figures["last right"] <= 511


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize(
    "name", ["exp", "sin", "sqrt", "mul", "log", "atan", "erfc", "logsumexp", "mm", "sum"]
)
def test_what_is_right_loses_nothing(name, dtype):
    for found in outcomes(catalogue()[name], dtype, thorough=True).values():
        assert found.status is Status.PASS, found.message
        assert found.figures["binades lost"] == 0
        assert found.figures["binades right"] >= 1


def test_a_call_that_is_refused_is_not_lost():
    def refusing(x):
        if x.abs().max() > 2.0**20:
            raise RuntimeError("too large")
        return torch.tanh(x)

    operation = dataclasses.replace(catalogue()["tanh"], function=refusing)
    found = outcomes(operation, "float64")["forward", "every input scaled"]
    assert found.status is Status.PASS
    assert found.figures["last right"] == 19


def test_the_condition_of_a_large_angle_explains_its_loss():
    """From 1/u on no digit of a sine is known, whatever computes it; one that is 0 is none the worse."""
    wrong = dataclasses.replace(
        catalogue()["sin"], function=lambda x: torch.where(x.abs() > 2.0**60, 0.0, torch.sin(x))
    )
    found = outcomes(wrong, "float64")["forward", "every input scaled"]
    assert found.status is Status.PASS
    assert found.figures["last right"] < found.figures["last in range"]


def test_a_thorough_case_scales_each_input_alone():
    points = {point for _, point in outcomes(catalogue()["mul"], "float32", thorough=True)}
    assert points == {"every input scaled", "input 0 scaled", "input 1 scaled"}
    assert {point for _, point in outcomes(catalogue()["mul"], "float32")} == {"every input scaled"}
