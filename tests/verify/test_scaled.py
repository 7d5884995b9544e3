"""Scaled points hold what the dtype holds, whatever the exponent; every operation has one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from verify.case import Case, round_to
from verify.checks.range import CHECK
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.operations import catalogue
from verify.scaled import scalings, workloads


def cases():
    for name, operation in catalogue().items():
        for dtype in (d for d in DTYPES if d in operation.dtypes):
            yield pytest.param(
                Case(operation, "cpu", dtype, workloads(operation, thorough=False)[0]), id=f"{name}-{dtype}"
            )


@pytest.mark.parametrize("case", list(cases()))
def test_scaled_inputs_are_normal_numbers_of_the_dtype(case):
    a = case.arithmetic
    least, greatest = a.exponents
    for scaling in scalings(case, each=True):
        for exponent in (least, least + 1, -1, 0, greatest - 1, greatest):
            point = scaling.at(exponent)
            if point is None:
                assert exponent < 0, "only what would be too small has no point"
                continue
            for position, x in enumerate(point.inputs):
                if position not in scaling.positions:
                    assert x is scaling.unit.inputs[position]
                    continue
                np.testing.assert_array_equal(round_to(x, case.dtype), x)
                assert np.isfinite(x).all()
                assert (np.abs(x[x != 0]) >= a.smallest_normal).all()
                assert np.unique(x).size == np.unique(scaling.unit.inputs[position]).size
            largest = max(float(np.abs(point.inputs[i]).max()) for i in scaling.positions)
            assert 2.0**exponent <= largest < 2 * 2.0**exponent


def test_the_topmost_binade_has_both_signs():
    operation = catalogue()["gelu"]
    case = Case(operation, "cpu", "float32", workloads(operation, thorough=False)[0])
    (scaling,) = scalings(case, each=True)
    (x,) = scaling.at(127).inputs
    assert (x >= 2.0**127).any()
    assert (x <= -(2.0**127)).any()


def test_the_plainest_call_has_the_fewest_options():
    chosen = {
        name: workloads(catalogue()[name], thorough=False) for name in ("vector_norm", "mse_loss", "gelu")
    }
    assert all(len(those) == 1 and not those[0].options for those in chosen.values())
    orders = {w.options.get("ord") for w in workloads(catalogue()["vector_norm"], thorough=True)}
    assert {None, 1, 3, 2.5, 0.5, np.inf} == orders


@pytest.mark.parametrize("name", catalogue())
def test_a_call_has_entries_enough_for_both_signs_where_the_record_has_one(name):
    def entries(workload):
        return sum(math.prod(shape) for shape in workload.shapes)

    (chosen,) = workloads(catalogue()[name], thorough=False)
    assert entries(chosen) >= min(5, max(map(entries, catalogue()[name].check)))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_a_place_has_no_magnitude(name):
    operation = catalogue()[name]
    assert not any(CHECK.applies(Case(operation, "cpu", "float32", w)) for w in operation.check)


def test_a_seed_changes_nothing():
    operation = catalogue()["tanh"]
    case = Case(operation, "cpu", "float32", workloads(operation, thorough=False)[0])
    one, other = (list(CHECK.examine(case, seed)) for seed in (1, 2))
    assert [o.figures for o in one] == [o.figures for o in other]
    assert Arithmetic.of("float32") == case.arithmetic
