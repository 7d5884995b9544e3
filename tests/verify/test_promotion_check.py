"""What the check of promotion asks beyond the rule: dtypes, shapes, values and errors, one at a time."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from verify.case import Case
from verify.checks import promotion
from verify.examination import examine
from verify.operations import catalogue
from verify.outcome import Status


def answers(name, function=None):
    """What is measured of each question of an operation, with another function in its place."""
    operation = catalogue()[name]
    operation = dataclasses.replace(operation, function=function or operation.function)
    found = examine(Case(operation, "cpu", "float32", operation.check[0]), promotion.CHECK, 1)
    return {o.question: o for o in found}


def failed(name, function):
    """The questions that find more wrong than they find of torch's own function, and what they say."""
    right = answers(name)
    found = answers(name, function)
    assert found.keys() == right.keys()
    return {q: o.message for q, o in found.items() if o.measured > right[q].measured}


def whole(x):
    return not (x.is_floating_point() or x.is_complex())


def test_a_wider_dtype_than_is_due_is_a_wrong_one():
    def wide(x, y):
        z = torch.maximum(x, y)
        return z.double() if z.dtype == torch.float32 else z

    found = failed("maximum", wide)
    assert set(found) == {"dtype of the result"}
    assert "the result is float64 where float32 is due" in found["dtype of the result"]


@pytest.mark.parametrize(
    ("of", "question"),
    [(torch.is_floating_point, "values of converted inputs"), (whole, "whole numbers")],
)
def test_another_shape_is_a_wrong_answer(of, question):
    def deeper(x, y):
        z = torch.maximum(x, y)
        return z[None] if of(z) and x.dtype != y.dtype else z

    found = failed("maximum", deeper)
    assert set(found) == {question}
    assert "the result has shape (1, " in found[question]


def test_whole_numbers_of_two_dtypes_are_exact():
    def off(x, y):
        z = torch.maximum(x, y)
        return z + 1 if whole(z) and z.dtype != torch.bool and x.dtype != y.dtype else z

    assert set(failed("maximum", off)) == {"whole numbers"}


@pytest.mark.parametrize(
    ("change", "question"),
    [
        (lambda z: z.to(torch.complex128), "dtype beside a complex number"),
        (lambda z: z + 1, "values beside a complex number"),
    ],
)
def test_a_number_beside_a_complex_tensor_is_asked_about(change, question):
    def other(x, y):
        z = torch.mul(x, y)
        return change(z) if isinstance(y, float) and z.dtype == torch.complex64 else z

    assert set(failed("mul", other)) == {question}


def test_an_error_where_a_result_is_due_is_told():
    def refusing(x, y):
        if x.dtype == torch.uint8 and y.dtype == torch.bool:
            raise RuntimeError("no such pair\nand more")
        return torch.maximum(x, y)

    found = failed("maximum", refusing)
    assert set(found) == {"dtype of the result", "whole numbers"}
    assert all("it raised RuntimeError (no such pair)" in said for said in found.values())


def test_what_torch_says_of_the_larger_of_two_is_passed():
    assert {o.status for o in answers("maximum").values()} == {Status.PASS}
