"""Special values: which gradients are looked at, and that nothing is left out that has no number."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from verify.case import HARD, Case
from verify.checks import special
from verify.examination import examine
from verify.operation import Special
from verify.operations import catalogue
from verify.outcome import Status
from verify.wrong_on_purpose.fault import wrong_backward

ROOTS = Special("three numbers", (np.array([0.0, 1.0, 4.0]),), np.array([0.0, 1.0, 2.0]), "A source.")


def failed(operation, *specials):
    case = Case(dataclasses.replace(operation, special=specials), "cpu", "float64", HARD)
    return [o for o in examine(case, special.CHECK, 1) if o.status is not Status.PASS]


def test_one_entry_of_a_gradient_that_is_nan_fails():
    where = torch.tensor([1.0, torch.nan, 1.0])
    (found,) = failed(wrong_backward("sqrt", lambda g, y, x, right, o: (where.to(g) * right[0],)), ROOTS)
    assert (found.status, found.measured, found.bound) == (Status.FAIL, 1.0, 0.0)
    assert "input 0: [inf, nan, 0.25]" in found.message


def test_the_gradient_of_every_input_is_looked_at():
    ones = np.ones(2)
    told = Special("ones", (ones, ones), ones, "A source.")
    (found,) = failed(wrong_backward("mul", lambda g, y, x, right, o: (right[0], right[1] * torch.nan)), told)
    assert (found.status, found.measured) == (Status.FAIL, 2.0)
    assert "input 1: [nan, nan]" in found.message


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: torch.sqrt(x.detach()), "does not require grad"),
        (lambda x: torch.sqrt(x)[None], "the result has shape (1, 3), required is (3,)"),
    ],
)
def test_a_result_cut_off_from_its_inputs_or_of_another_shape_is_not_passed(function, said):
    (found,) = failed(dataclasses.replace(catalogue()["sqrt"], function=function), ROOTS)
    assert found.status is Status.FAIL
    assert said in found.message


def test_of_inputs_without_entries_no_gradient_is_asked():
    nothing = Special("nothing", (np.empty(0),), np.empty(0), "A source.")
    operation = dataclasses.replace(catalogue()["sqrt"], special=(nothing, ROOTS))
    found = examine(Case(operation, "cpu", "float64", HARD), special.CHECK, 1)
    gradients = [o.point for o in found if o.question == "a gradient that is a number"]
    assert gradients == ["three numbers"]
    assert len(found) == 3
