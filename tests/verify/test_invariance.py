from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from verify.call import Call, results
from verify.case import HARD, Case, Point
from verify.checks import checks
from verify.examination import examine
from verify.invariance.difference import DIFFER, LARGEST, compared
from verify.invariance.question import Question, asked, instead, without_signs
from verify.layout import laid_out
from verify.operations import catalogue
from verify.outcome import Status
from verify.run import one_thread
from verify.variations import variations


def case(name, dtype="float64", workload=0, function=None, thorough=False):
    operation = catalogue()[name]
    chosen = HARD if workload is HARD else operation.check[workload]
    if function is not None:
        operation = dataclasses.replace(operation, function=function)
    return Case(operation, "cpu", dtype, chosen, thorough=thorough)


def finding(c, name):
    variation = variations()[name]
    (question,) = asked(c, variation.asks[0], 1)
    return compared(c, question, variation)


def test_a_batch_holds_many_calls_and_what_they_share_once():
    c = case("mm")
    (question,) = asked(c, "batch", 1)
    call, batch = question.call, question.batch
    assert call.inputs[0].shape[batch.inputs[0]] >= 67
    assert tuple(call.inputs[1].shape) == c.workload.shapes[1]
    assert len(call.inputs[0].unique(dim=0)) == call.inputs[0].shape[0]


def test_a_large_call_is_worth_more_than_one_thread():
    for name in ("sigmoid", "mm", "softmax", "cross_entropy"):
        (question,) = asked(case(name, "float32"), "large", 1)
        assert sum(x.numel() for x in question.call.inputs) > 2**16


def test_a_large_call_is_made_once_for_an_operation():
    assert not list(asked(case("sigmoid", "float32", workload=1), "large", 1))
    assert not list(asked(case("sigmoid", "float64"), "large", 1))
    assert list(asked(case("sigmoid", "float64", thorough=True), "large", 1))


def test_hard_inputs_are_asked_one_by_one_and_are_no_batch():
    c = case("softmax", workload=HARD)
    assert [question.point.name for question in asked(c, "one", 1)] == [
        h.name for h in c.operation.domain.hard
    ]
    assert not list(asked(c, "batch", 1))


def test_the_same_bits_are_no_difference():
    found = finding(case("relu"), "memory")
    assert found.measured == 0
    assert set(found.figures.values()) == {0.0}
    assert all(name.endswith(DIFFER) for name in found.figures)


def within_rounding(x):
    y = torch.exp(x)
    return y if x.is_contiguous() else torch.nextafter(y, 2 * y)


def test_a_difference_that_rounding_explains_passes_and_is_told():
    found = finding(case("exp", function=within_rounding), "memory")
    assert 0 < found.measured <= 1
    assert found.figures[f"strided{DIFFER}"] > 0
    assert 0 < found.figures[f"strided{LARGEST}"] < 2**-50
    assert float.fromhex(found.worst.computed) != float.fromhex(found.worst.expected)


def test_a_difference_that_rounding_does_not_explain_fails():
    found = finding(
        case("exp", function=lambda x: torch.exp(x) * (1 + 1e-9 * (not x.is_contiguous()))), "memory"
    )
    assert found.measured > 1
    assert "strided, forward" in found.remark


def test_the_furthest_entry_of_several_answers_counts():
    def function(x):
        y = within_rounding(x)
        unaligned = x.storage_offset() == 1 and x.is_contiguous()
        return y * (1 + 1e-9 * (torch.arange(len(x)) == 2).double()) if unaligned else y

    found = finding(case("exp", function=function), "memory")
    assert found.measured > 1
    assert "offset, forward" in found.remark
    assert found.worst.index == (2,)
    assert {found.figures[f"{layout}{DIFFER}"] > 0 for layout in ("strided", "offset")} == {True}


@pytest.mark.parametrize("other", [math.inf, math.nan])
def test_a_lost_number_is_infinitely_far(other):
    c = case("exp", function=lambda x: torch.exp(x) * (1 if x.is_contiguous() else other))
    lost = finding(c, "memory")
    assert lost.measured == math.inf
    assert lost.figures[f"strided{LARGEST}"] == math.inf


def test_repetition_must_give_the_bits():
    calls = []

    def function(x):
        calls.append(x)
        return torch.exp(x) if len(calls) <= 2 else torch.nextafter(torch.exp(x), 9 * torch.ones_like(x))

    outcomes = examine(case("exp", function=function), checks()["invariance"], 1)
    assert any(o.question == "repetition" and o.status is Status.FAIL for o in outcomes)


def test_a_repeated_call_that_gives_the_other_zero_fails():
    calls = []

    def function(x):
        calls.append(x)
        return 0 * x.abs() if len(calls) <= 2 else -0.0 * x.abs()

    found = finding(case("exp", function=function), "repetition")
    assert found.measured > 0
    assert found.bound == 0


def vague(bound):
    """exp that is not rounded alike in every layout, with another bound and no gradient."""
    c = case("exp", function=within_rounding)
    forward = dataclasses.replace(c.operation.forward, bound=bound)
    return dataclasses.replace(c, operation=dataclasses.replace(c.operation, forward=forward, vjp=None))


def memory(c):
    return [o.status for o in checks()["invariance"].examine(c, 1) if o.question == "memory"]


def test_within_a_bound_that_zeros_would_pass_nothing_is_seen():
    assert memory(vague(lambda a, x: np.exp(x))) == [Status.INCONCLUSIVE]
    assert memory(vague(lambda a, x: np.exp(x) / 2)) == [Status.PASS]


def test_one_answer_that_cannot_be_judged_is_not_passed_for_the_others():
    """The gradient is judged, and differs by no more than rounding explains; the result is not."""
    c = case("exp", function=lambda x: torch.exp(x) * (1 if x.is_contiguous() else 1 + 2.0**-52))
    forward = dataclasses.replace(c.operation.forward, bound=lambda a, x: np.exp(x))
    c = dataclasses.replace(c, operation=dataclasses.replace(c.operation, forward=forward))
    found = finding(c, "memory")
    assert "gradient of input 0" in found.remark
    assert found.measured <= 1
    assert found.blind


def test_a_failure_is_not_hidden_by_an_entry_that_cannot_be_judged():
    bounds = vague(lambda a, x: np.where(np.arange(x.size) == 0, np.inf, 0.0))
    assert memory(bounds) == [Status.FAIL]


def test_an_entry_that_cannot_be_judged_is_not_passed_for_the_others():
    bounds = vague(lambda a, x: np.where(np.arange(x.size) == 0, np.inf, np.exp(x) / 2))
    assert memory(bounds) == [Status.INCONCLUSIVE]


def test_where_rounding_explains_anything_nothing_is_seen():
    assert memory(vague(lambda a, x: math.inf * x * x)) == [Status.INCONCLUSIVE]


def by_threads(name, dtype, change):
    """What is said of an operation whose result three threads change."""
    operation = catalogue()[name]

    def function(*inputs, **options):
        y = operation.function(*inputs, **options)
        return y + (change(y) - y).detach() if torch.get_num_threads() == 3 else y

    c = case(name, dtype, function=function, thorough=dtype != "float32")
    with one_thread():
        (found,) = (o for o in checks()["invariance"].examine(c, 7) if o.question == "threads")
    return found


def test_what_rounding_hides_of_a_sum_that_cancels_is_asked_again_of_magnitudes():
    moved = by_threads("dot", "float32", lambda y: torch.nextafter(y, 2 * y))
    assert (moved.status, moved.point) == (Status.PASS, "ordinary")
    halved = by_threads("dot", "float32", lambda y: y / 2)
    assert halved.status is Status.FAIL
    assert "magnitudes: by 3 threads" in halved.message


def test_a_difference_of_more_terms_than_have_a_bound_is_no_question():
    found = by_threads("nll_loss", "bfloat16", lambda y: y / 2)
    assert found.status is Status.SKIPPED, found.message
    assert found.figures["threads" + DIFFER] == 1


def question_of(x, function, cotangents=()):
    call = Call(function, (x,), {}, cotangents)
    return Question(Point("ordinary", (x.numpy(),), {}), call, None, results(call))


def test_magnitudes_lie_in_memory_as_the_numbers_did():
    x = laid_out(-torch.arange(6.0).view(2, 3), "strided")
    again = without_signs(question_of(x, torch.neg, (x,)))
    assert again.call.inputs[0].stride() == x.stride()
    assert torch.equal(again.call.inputs[0], -x)
    assert torch.equal(again.call.cotangents[0], -x)
    assert torch.equal(again.answer.outputs[0], x)
    assert (again.point.inputs[0] == -x.numpy()).all()
    assert float(x[0, 1]) == -1  # those of the first call are left as they were


def test_where_an_operation_has_no_value_of_magnitudes_it_is_not_asked_of_them():
    x = -torch.arange(6.0)
    assert without_signs(question_of(x, lambda y: torch.log(-y))) is None


def test_what_rounding_hides_of_a_large_call_is_asked_of_a_small_one_if_size_does_not_matter():
    c = case("dot", "float32")
    ((large,), (small,)) = (asked(c, kind, 1) for kind in ("large", "one"))
    for name, sizes in (("compiled", [large, small]), ("threads", [large])):
        others = list(instead(c, large, variations()[name], 1))
        assert [each.call.inputs[0].shape for each in others] == [each.call.inputs[0].shape for each in sizes]
        assert (others[0].call.inputs[0] >= 0).all()


def test_compiling_is_left_to_thorough_cases_of_one_dtype():
    for dtype, thorough, compiled in (("float32", False, 0), ("float64", True, 0), ("float32", True, 1)):
        outcomes = checks()["invariance"].examine(case("relu", dtype, thorough=thorough), 1)
        assert sum(o.question == "compiled" for o in outcomes) == compiled


def test_a_variation_that_did_not_take_place_is_inconclusive(monkeypatch):
    if variations()["compiled"].absence():  # asked before, and kept
        pytest.skip("nothing can be compiled here")
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    outcomes = checks()["invariance"].examine(case("relu", "float32", thorough=True), 1)
    (found,) = (o for o in outcomes if o.question == "compiled")
    assert found.status is Status.INCONCLUSIVE
    assert "compiled no part" in found.message


def test_where_nothing_can_be_compiled_it_is_skipped_with_the_reason(monkeypatch):
    absent = dataclasses.replace(variations()["compiled"], absence=lambda: "there is no compiler")
    monkeypatch.setattr("verify.invariance.question.variations", lambda: {"compiled": absent})
    (found,) = checks()["invariance"].examine(case("relu", "float32", thorough=True), 1)
    assert found.status is Status.SKIPPED
    assert found.message.endswith("skipped, there is no compiler")


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_what_an_operation_is_asked_has_a_question_a_variation(dtype):
    c = case("sigmoid", dtype)
    questions = {o.question for o in checks()["invariance"].examine(c, 1)}
    quick = {"memory", "repetition", "tail", "position", "expanded"}
    assert questions == quick | ({"threads"} if dtype == "float32" else set())
