"""Lessons: every figure holds, a torch that is wrong on purpose is noticed, and the records are whole."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import math

import pytest
import torch
from torch.nn.utils import clip_grad_value_

from reports.pictures import svg
from verify.lesson import LESSONS_SCHEMA, Demonstration, Figure, Lesson, document
from verify.lessons import lessons
from verify.outcome import Status
from verify.picture import Picture

NAMES = tuple(lessons())
SGD, SOFTMAX, SIGMOID, STACK, MATMUL, CLAMP = (
    torch.optim.SGD,
    torch.softmax,
    torch.sigmoid,
    torch.stack,
    torch.matmul,
    torch.clamp,
)
HESSIAN, JVP, VECTOR_NORM = torch.func.hessian, torch.func.jvp, torch.linalg.vector_norm
MSE, BCE = torch.nn.functional.mse_loss, torch.nn.functional.binary_cross_entropy
# What is put in place of a function of torch's, and the lesson that must then fail.
FAULTS = {
    "softmax_shift": ("torch.logsumexp", lambda x, dim: x.exp().sum(dim).log()),
    "softmax_gap": ("torch.softmax", lambda x, dim: SOFTMAX(2 * x, dim)),
    "vanishing_gradient": ("torch.sigmoid", lambda x: SIGMOID(1.0001 * x)),
    "convex_from_any_start": ("torch.optim.SGD", lambda p, lr, momentum: SGD(p, lr=3 * lr)),
    "himmelblau": ("torch.optim.SGD", lambda p, lr, momentum: SGD(p, lr=lr / 100)),
    "saddle": ("torch.func.hessian", lambda f: lambda x: HESSIAN(f)(x).abs()),
    "learning_rate_threshold": ("torch.optim.SGD", lambda p, lr, momentum: SGD(p, lr=lr * 0.99999)),
    "momentum": ("torch.optim.SGD", lambda p, lr, momentum: SGD(p, lr=lr)),
    "polyak": (
        "torch.optim.SGD",
        lambda p, lr, momentum: SGD(p, lr=lr, momentum=momentum, nesterov=momentum > 0),
    ),
    "mse_against_norm": ("torch.nn.functional.mse_loss", lambda a, b: MSE(a, b).sqrt()),
    "vector_against_matrix_norm": (
        "torch.linalg.matrix_norm",
        lambda a, order: VECTOR_NORM(a, 2 if isinstance(order, str) else order),
    ),
    "norm_against_normalisation": (
        "verify.lessons.norm_against_normalisation.layer_norm",
        lambda x, shape: x - x.mean(-1, keepdim=True),
    ),
    "stack_against_cat": ("torch.stack", lambda blocks, dim=0: STACK(blocks[::-1], dim)),
    "matrix_products": ("torch.matmul", lambda a, b: MATMUL(a, b) * (1 + 2.0**-50)),
    "rounding": ("torch.round", lambda x: torch.floor(x + 0.5)),
    "clamp_against_clip": ("torch.clamp", lambda x, low, high: CLAMP(x, low, high).nan_to_num(0.0)),
    "accuracy_is_no_objective": (
        "torch.nn.functional.binary_cross_entropy",
        lambda p, t, **o: BCE(p, t, **o) * (1 + 1e-12),
    ),
    "regression_linear_against_logistic": (
        "torch.nn.functional.mse_loss",
        lambda a, b, **o: MSE(a, b, **o) * (1 + 1e-12),
    ),
    "directional_derivative": ("torch.func.jvp", lambda f, x, v: JVP(f, x, tuple(t.abs() for t in v))),
    "gradient_clipping": ("verify.lessons.gradient_clipping.clip_grad_norm_", clip_grad_value_),
}


def test_every_lesson_has_a_torch_that_it_must_notice():
    assert FAULTS.keys() == lessons().keys()


@functools.cache
def shown(name: str) -> Demonstration:
    return lessons()[name].show()


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_holds(name):
    wrong = [
        f"{f.name}: {f.measured!r}, not {f.claimed!r}" for f in shown(name).figures if f.status != "pass"
    ]
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_can_fail(name):
    for figure in shown(name).figures:
        beyond = math.nextafter(figure.claimed + figure.bound, math.inf) + figure.bound
        for wrong in (beyond, math.nan, math.inf, -math.inf):
            assert dataclasses.replace(figure, measured=wrong).status is Status.FAIL, figure.name
        # A bound as large as the claim would pass a measurement of nothing.
        assert figure.bound < abs(figure.claimed) or figure.claimed == 0, figure.name


@pytest.mark.parametrize("name", FAULTS)
def test_a_lesson_notices_a_torch_that_is_wrong_on_purpose(name, monkeypatch):
    monkeypatch.setattr(*FAULTS[name])
    assert any(figure.status is not Status.PASS for figure in lessons()[name].show().figures)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_shows_the_same_each_time(name):
    assert lessons()[name].show() == shown(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_whole(name):
    lesson, figures = lessons()[name], shown(name).figures
    assert lesson.show.__module__ == f"verify.lessons.{name}"
    assert all([lesson.title, lesson.claim, lesson.formula, lesson.source])
    assert figures
    assert all(figure.name and figure.because for figure in figures)
    assert len({figure.name for figure in figures}) == len(figures)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_can_be_drawn(name):
    picture = shown(name).picture
    assert picture.title
    assert picture.x_label
    assert picture.y_label
    labels = [series.label for series in picture.series]
    assert all(labels)
    assert len(set(labels)) == len(labels)
    for series in picture.series:
        assert series.x
        assert len(series.x) == len(series.y)
    assert all(map(math.isfinite, numbers(picture)))
    if picture.y_log:
        assert all(y > 0 for series in picture.series for y in series.y)
    if picture.x_log:
        assert all(x > 0 for series in picture.series for x in series.x)
    assert len(svg(picture).encode()) < 60_000


def numbers(picture: Picture):
    """Every number of a picture."""
    for series in picture.series:
        yield from itertools.chain(series.x, series.y)
    for note in picture.notes:
        yield from (note.x, note.y)
    if field := picture.field:
        yield from itertools.chain(field.x, field.y, field.levels, *field.heights)


def test_a_document_is_json_and_keeps_every_bit_of_a_number():
    lesson = Lesson("third", "A third", "1/3 is 1/3", "1/3", True, "arithmetic", lambda: None)
    figures = (Figure("third", 1 / 3, 0.1, 0.0, "exact"), Figure("gone", math.nan, math.inf, 1.0, "infinite"))
    stored = document([(lesson, Demonstration(figures, Picture("t", "x", "y", ())))])
    read = json.loads(json.dumps(stored, allow_nan=False))
    assert read["schema"] == LESSONS_SCHEMA
    (record,) = read["lessons"]
    assert record["figures"][0]["measured"] == 1 / 3
    assert record["figures"][0]["status"] == "fail"
    assert (record["figures"][1]["measured"], record["figures"][1]["claimed"]) == ("nan", "inf")


def test_a_claim_that_is_false_as_said_needs_its_counterexample():
    with pytest.raises(ValueError, match=r"false: .*counterexample and a condition"):
        Lesson("false", "t", "1 is 2", "1 = 2", False, "none", lambda: None, condition="never")
