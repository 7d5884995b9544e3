import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from verify import run
from verify.case import Case
from verify.checks import summation
from verify.examination import examine
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.operations import catalogue
from verify.outcome import Status
from verify.probes.mask import Mask
from verify.probes.summation import reveal
from verify.records.summed import cascade

ADDING = [name for name, operation in catalogue().items() if operation.summations]


def case_of(name, dtype="float32", **changes):
    operation = dataclasses.replace(catalogue()[name], **changes)
    return Case(operation, "cpu", dtype, operation.check[0])


def outcomes(case, seed=3):
    with run.one_thread():
        return examine(case, summation.CHECK, seed)


def failures(case, seed=3):
    return [o for o in outcomes(case, seed) if o.status is Status.FAIL]


def test_the_usual_sums_and_products_are_asked():
    assert {"sum", "mean", "cumsum", "mm", "matmul", "bmm", "addmm", "linear", "dot", "conv1d"} <= set(ADDING)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ADDING)
def test_the_result_of_the_call_is_the_sum_of_the_terms(name, dtype):
    """Of small whole numbers, which nothing rounds; the mean's quotient by a power of 2 neither."""
    n = 16
    terms = torch.arange(-5, n - 5).to(getattr(torch, dtype))
    for how in catalogue()[name].summations:
        added = how.call(catalogue()[name].function, terms)
        assert added.numel() == 1
        assert float(added) * how.parts(n) == float(terms.double().sum()), how.of


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("name", ["sum", "cumsum", "mv"])
def test_no_seed_raises_a_false_alarm(name, dtype):
    for seed in range(4):
        found = outcomes(case_of(name, dtype), seed)
        assert found
        assert not [o.message for o in found if o.status is not Status.PASS]


def test_the_false_alarm_rate_is_the_stated_one():
    assert 2 * math.exp(-(summation.LAMBDA**2) / 2) == pytest.approx(1e-12)


def test_random_roundings_stay_within_the_bound_that_is_derived_and_come_near_it():
    """The martingale itself: δ = ±w at random, on the partial sums of 400 terms in sequence."""
    generator = np.random.default_rng(5)
    sums = np.cumsum(generator.standard_normal(400))[1:]
    errors = np.abs((generator.choice([-1, 1], (20_000, 399)) * sums).sum(axis=1))
    for level in (1.0, 2.0, 3.0):
        beyond = np.mean(errors > level * math.sqrt(np.sum(sums**2)))
        assert 0.001 * math.exp(-(level**2) / 2) < beyond <= 2 * math.exp(-(level**2) / 2)


@pytest.mark.parametrize("terms", [7, 64, 129, 257, 1000, 1500])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_depth_that_is_claimed_of_the_cascade_holds(dtype, terms):
    def add(values):
        return float(torch.from_numpy(values).to(getattr(torch, dtype)).sum())

    assert reveal(add, terms, Mask.of(Arithmetic.of(dtype), terms)).depth <= cascade(terms)


def test_the_claimed_depth_grows_with_the_fourth_root():
    assert cascade(2**16) == 128
    assert cascade(2**24) == 512


def test_the_tree_is_found_once_for_each_length_that_a_count_fits():
    orders = [o.point for o in outcomes(case_of("sum", "bfloat16")) if o.question == "order"]
    assert orders == ["7 terms", "64 terms", "257 terms"]
    orders = [o for o in outcomes(case_of("mm", "float64")) if o.question == "order"]
    assert [o.point for o in orders] == ["7 terms", "64 terms", "257 terms", "1000 terms"]
    assert all(o.figures["depth"] == o.measured for o in orders)


def test_an_order_that_cannot_be_told_is_inconclusive_and_its_error_still_judged():
    generator = torch.Generator().manual_seed(0)

    def shuffled(x):
        return x[torch.randperm(len(x), generator=generator)].cumsum(0)[-1]

    found = outcomes(case_of("sum", function=shuffled))
    order = [o for o in found if o.question == "order"]
    assert order
    assert all(o.status is Status.INCONCLUSIVE for o in order)
    assert "from call to call" in order[0].message
    errors = [o for o in found if "error" in o.question]
    assert errors
    assert all(o.status is Status.PASS for o in errors)


def test_a_range_too_short_is_skipped_with_the_reason():
    (order,) = [o for o in outcomes(case_of("mean", "float16")) if o.question == "order"]
    assert order.status is Status.SKIPPED
    assert "too short" in order.message


def test_a_deeper_order_than_documented_fails_and_names_both():
    def one_by_one(x):
        return torch.from_numpy(np.add.accumulate(x.numpy())[-1:].copy())[0]

    failed = failures(case_of("sum", function=one_by_one))
    assert {o.question for o in failed} == {"order"}
    assert "256 roundings exceeds the bound 128" in failed[0].message
    assert "SumKernel" in failed[0].message


def test_bfloat16_arithmetic_that_the_worst_case_lets_pass_is_seen_in_random_terms():
    """Of 1000 terms γ_n is no bound at all in bfloat16; the probabilistic one still is."""
    a, n = Arithmetic.of("bfloat16"), 1000
    assert n * a.u > 1

    def narrow(x):
        total = x.new_zeros(())
        for term in x:
            total = total + term
        return total

    assert any(o.question == "random error" for o in failures(case_of("sum", "bfloat16", function=narrow)))


def test_a_full_run_asks_of_thousands_of_terms_too():
    case = dataclasses.replace(case_of("mm", "bfloat16"), thorough=True)
    found = [o for o in outcomes(case) if o.point.endswith(f"{summation.LONG} terms")]
    assert len(found) == 5 * len(case.operation.summations)
    assert all(o.status is Status.PASS for o in found)

    def dropping(a, b):
        return torch.mm(a[:, :8191], b[:8191])

    failed = failures(dataclasses.replace(case_of("mm", "float64", function=dropping), thorough=True))
    assert {o.point.partition(", ")[2] for o in failed} == {"8192 terms"}


def test_no_more_than_the_documented_depth_is_allowed_of_millions():
    case = dataclasses.replace(case_of("sum"), thorough=True)
    (found,) = [o for o in outcomes(case) if o.point == "2²⁴ tenths"]
    assert found.status is Status.PASS
    assert found.figures["depth"] == cascade(2**24)

    def stagnating(x):
        return x.new_tensor(2.0**18) if len(x) == 2**24 else x.sum()

    failed = failures(dataclasses.replace(case_of("sum", function=stagnating), thorough=True))
    assert [o.point for o in failed] == ["2²⁴ tenths"]


def test_the_exact_sum_is_exact():
    terms = np.array([1e300, 1.0, 2.0**-60, -1e300])
    assert summation._exact(terms) == 1 + Fraction(1, 2**60)
    nothing = case_of("sum", "float64", function=lambda x: x.new_zeros(()))
    assert {o.point.partition(",")[0] for o in failures(nothing)} >= {"random signs", "positive", "tenths"}


@pytest.mark.parametrize("name", ["sum", "mean"])
def test_an_error_a_little_beyond_what_the_order_explains_fails(name):
    """Seven terms pass through six additions at most, and a quotient through three more roundings."""
    right = catalogue()[name].function
    failed = failures(case_of(name, "float64", function=lambda x, **o: right(x, **o) * (1 + 20 * 2.0**-53)))
    assert {"tenths, 7 terms", "a large offset, 7 terms"} <= {o.point for o in failed}


def test_an_error_that_the_worst_case_explains_and_random_roundings_do_not_fails():
    """Eight roundings of Σ|x|, always upwards: any order of a thousand terms has ten."""

    def drifting(x):
        small = x.abs() * (x.abs() < 2.0**30)  # no probe is changed
        return x.sum() + 8 * 2.0**-53 * small.sum() * (len(x) == 1000)

    failed = failures(case_of("sum", "float64", function=drifting))
    assert {(o.question, o.point) for o in failed} == {("random error", "random signs, 1000 terms")}


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_sum_that_is_lost_is_infinitely_wrong(lost):
    found = [o for o in outcomes(case_of("sum", function=lambda x: x.sum() + lost)) if "error" in o.question]
    assert {(o.status, o.measured) for o in found} == {(Status.FAIL, math.inf)}


def test_a_depth_that_explains_as_much_as_all_terms_shows_nothing():
    """γ of 2²³ roundings of 2⁻²⁴ is 1."""
    (how,) = catalogue()["sum"].summations
    case = case_of("sum", summations=(dataclasses.replace(how, depth=lambda n: 2**23),))
    found = summation._errors(case, *case.operation.summations, 3, 7, None)
    assert {o.point: o.status for o in found if o.question == "error"} == dict.fromkeys(
        ("a large offset, 7 terms", "cancelling, 7 terms", "tenths, 7 terms"), Status.INCONCLUSIVE
    )
