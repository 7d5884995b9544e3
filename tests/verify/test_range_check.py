"""The range check's bands, held to the exponents at which torch is known to lose a value."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from verify.case import Case
from verify.checks.range import CHECK, Band, _finding
from verify.examination import examine
from verify.operation import Domain
from verify.operations import catalogue
from verify.outcome import Status
from verify.scaled import scalings, workloads


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
    assert abs(float.fromhex(found.worst.input[0])) < 2.0 ** (first + 1), "the place is in the first of them"


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


def test_a_call_that_is_refused_at_every_magnitude_fails():
    def refusing(x):
        raise RuntimeError("no such thing")

    operation = dataclasses.replace(catalogue()["tanh"], function=refusing)
    case = Case(operation, "cpu", "float64", workloads(operation, thorough=False)[0])
    (found,) = examine(case, CHECK, 1)
    assert found.status is Status.FAIL
    assert "RuntimeError: no such thing" in found.message


def test_an_error_that_is_no_refusal_fails():
    def broken(x):
        return [torch.tanh(x)][int(x.abs().max() > 2.0**20)]

    operation = dataclasses.replace(catalogue()["tanh"], function=broken)
    case = Case(operation, "cpu", "float64", workloads(operation, thorough=False)[0])
    (found,) = examine(case, CHECK, 1)
    assert found.status is Status.FAIL
    assert "IndexError" in found.message


def test_where_the_condition_explains_every_loss_nothing_was_seen():
    """A sine of angles from 1/u on alone, of which no digit is known."""
    case = Case(catalogue()["sin"], "cpu", "float64", catalogue()["sin"].check[0])
    explained = Band(60, 1023, "explained")
    seen = _finding(case, "forward", (explained,), 0, None)
    assert seen.blind
    assert not _finding(case, "forward", (Band(0, 59, "right"), explained), 0, None).blind


def test_every_binade_in_which_some_entries_are_in_range_is_looked_at():
    """What is lost in one binade alone is found there, while one entry after the other comes into range."""
    spread = np.ldexp(np.linspace(1.1, 1.9, 7) * (-1.0) ** np.arange(7), -2 * np.arange(7))
    domain = Domain(lambda generator, workload: (spread, np.linspace(1.2, 1.8, 7)))
    multiply = dataclasses.replace(catalogue()["mul"], domain=domain)
    case = Case(multiply, "cpu", "float32", workloads(multiply, thorough=False)[0])
    (scaling,) = scalings(case, each=False)

    def losing(exponent):
        def function(x, y):
            largest = float(torch.maximum(x.detach().abs().max(), y.detach().abs().max()))
            return x * y * (0.0 if 2.0**exponent <= largest < 2.0 ** (exponent + 1) else 1.0)

        return dataclasses.replace(multiply, function=function)

    partly = 0
    for exponent in range(-66, -50):
        x, y = scaling.at(exponent).inputs
        inside = abs(x * y) >= 2.0**-126
        if inside.any() and not inside.all():
            partly += 1
            found = outcomes(losing(exponent), "float32")["forward", "every input scaled"]
            assert found.figures["binades lost"] == 1, exponent
    assert partly >= 6


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
