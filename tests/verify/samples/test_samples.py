"""Torch's samples: which are chosen, what an outcome says of one, and how it is seen again."""

from __future__ import annotations

import importlib
import math
import shlex

import pytest
import torch

from verify.gradients.check import examine_second_order
from verify.gradients.questions import Questions
from verify.outcome import Status
from verify.samples import operators as torch_operators
from verify.samples.checks import sample_checks
from verify.samples.outcomes import GRADIENT
from verify.samples.outcomes import outcomes as outcomes_of
from verify.samples.sample import samples
from verify.selection import UnknownName

HARDSIGMOID = "nn.functional.hardsigmoid"
KNOWN = {"fmod": None, "fmax": None, "linalg.norm": None, HARDSIGMOID: None}
# The samples are torch's and private; where they cannot be imported, there is nothing to test them on.
pytest.importorskip("expecttest")


@pytest.fixture(scope="module")
def operators():
    return torch_operators.operators()


def outcomes(operators, name, only=None, seed=1):
    return list(outcomes_of(sample_checks()[GRADIENT], operators[name], only, "cpu", "float64", seed))


def told(outcome):
    """An outcome without the seconds that it took."""
    return {key: value for key, value in outcome.to_json().items() if key != "figures"}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), dict.fromkeys(KNOWN)),
        (("fm*",), {"fmod": None, "fmax": None}),
        (("fm*", "linalg.norm"), {"fmod": None, "fmax": None, "linalg.norm": None}),
        (("fmod[cpu-float64-sample-7]",), {"fmod": frozenset({7})}),
        (("fmax", "fmod[cpu-float64-sample-7]"), {"fmod": frozenset({7}), "fmax": None}),
    ],
)
def test_globs_and_whole_names_choose_operators(patterns, expected):
    assert torch_operators.chosen(patterns, KNOWN) == expected


@pytest.mark.parametrize("pattern", ["fmodd", "fmodd[cpu-float64-sample-7]"])
def test_an_unknown_name_is_answered_with_the_nearest(pattern):
    with pytest.raises(UnknownName, match=r"no operator matches 'fmodd': did you mean fmod"):
        torch_operators.chosen((pattern,), KNOWN)


def test_samples_that_cannot_be_imported_name_what_to_install(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'expecttest'", name="expecttest")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(
        torch_operators.Missing, match=r"expecttest.*pip install 'torchstone\[samples\]'"
    ) as caught:
        torch_operators.operators()
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_operators_have_a_gradient_in_the_dtype(operators):
    assert len(operators) > 400  # 540 in torch 2.13; the number moves with torch
    assert {"linalg.norm", "nn.functional.conv2d", HARDSIGMOID} <= set(operators)
    assert "isnan" not in operators  # it has no gradient
    narrow = torch_operators.operators("float16")
    assert "cholesky" in operators
    assert "cholesky" not in narrow  # LAPACK knows no float16
    assert HARDSIGMOID in narrow


def test_a_wrong_gradient_fails_with_its_figure_bound_and_seed(operators):
    found = outcomes(operators, HARDSIGMOID, seed=5)
    failed = [o for o in found if o.status is Status.FAIL]
    assert failed
    for outcome in failed:
        # The slope 1/6 is held as a float32, which is off by 2⁻²⁵ of it, half a unit in the last place.
        assert outcome.measured == pytest.approx(2.0**-25, rel=1e-3)
        assert outcome.measured > outcome.bound > 0
        assert outcome.unit == "of the derivative along the line"
        assert outcome.seed == 5
        assert outcome.message.startswith(f"{outcome.case}: reverse mode")
        assert "Worst: d output 0" in outcome.message
        assert outcome.figures["seconds"] > 0


def test_the_command_that_an_outcome_names_selects_that_sample_alone(operators):
    (first, *_) = (o for o in outcomes(operators, HARDSIGMOID) if o.status is Status.FAIL)
    command = shlex.split(first.reproduce)
    assert command[:4] == ["torchstone", "verify", "--ops", "torch"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {"--select": first.case, "--seed": "1"}
    ((name, only),) = torch_operators.chosen((options["--select"],), operators).items()
    (again,) = outcomes(operators, name, only, int(options["--seed"]))
    assert told(again) == told(first)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(operators):
    first, again, other = (outcomes(operators, "logsumexp", seed=seed) for seed in (1, 1, 2))
    assert [told(o) for o in first] == [told(o) for o in again]
    assert [o.status for o in first] == [Status.PASS] * len(first)
    assert [o.measured for o in first] != [o.measured for o in other]


def test_one_sample_alone_is_the_same_as_among_all(operators):
    every = outcomes(operators, "logsumexp")
    assert len(every) > 3
    (alone,) = outcomes(operators, "logsumexp", only=frozenset({3}))
    assert told(alone) == told(every[3])
    assert outcomes(operators, "logsumexp", only=frozenset({len(every)})) == []


def test_a_sparse_operator_is_skipped_with_the_reason(operators):
    found = outcomes(operators, "sparse.mm.reduce")
    assert found
    for outcome in found:
        assert outcome.status is Status.SKIPPED
        assert (outcome.measured, outcome.bound) == (None, None)
        assert "skipped, input 0 has the layout torch.sparse_cs" in outcome.message


def test_a_function_that_cannot_be_judged_is_inconclusive_with_the_reason(operators):
    sample = next(samples(operators["exp"], "cpu", "float64", 1))

    class Broken:
        name, variant_test_name = "broken", ""
        gradcheck_nondet_tol = 0.0

        @staticmethod
        def gradcheck_wrapper(op, *arguments, **options):
            return op(*arguments) * float("nan")

        op = staticmethod(torch.exp)

        @staticmethod
        def sample_inputs(device, dtype, requires_grad):
            class Input:
                input, args, kwargs = sample.arguments[0], (), {}
                output_process_fn_grad = staticmethod(lambda y: y)

            return [Input]

    (found,) = outcomes_of(sample_checks()[GRADIENT], Broken, None, "cpu", "float64", 1)
    assert found.status is Status.INCONCLUSIVE
    reason = "broken[cpu-float64-sample-0]: could not be judged, the function returns nothing but nan or inf"
    assert found.message.startswith(reason)


def test_no_entry_of_a_smooth_operator_is_given_up(operators):
    # Of 250 entries near 0 one or two are rounded less beside 0 than at the steps, and for that look as if
    # they had a corner: a slope that the short steps find within their error is no other one.
    name = "_softmax_backward_data"
    found = [o for seed in range(30) for o in outcomes(operators, name, frozenset({2}), seed)]
    assert {o.status for o in found} == {Status.PASS}


def test_a_rounding_inside_is_no_fault_of_forward_mode():
    # In float64 too the backward of attention rounds as coarsely as float32 does: short steps see a slope
    # between the jumps, and forward mode the one across them.
    name = "nn.functional.scaled_dot_product_attention"
    sample = list(samples(torch_operators.operators()[name], "cpu", "float64", 1))[14]
    questions = Questions(reverse=False, forward=True, undefined=False, nondeterminism=math.inf)
    report = examine_second_order(sample.function, sample.arguments, questions, seed=1)
    assert report.status is Status.INCONCLUSIVE, str(report)
    assert "finite differences along lines of other lengths contradict each other" in str(report)
