from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.case import round_to
from verify.formulas.arithmetic import DTYPES
from verify.operation import Workload
from verify.operations import catalogue
from verify.records import sampling

# A busy machine is slow; that is no fault of what is tested.

SAMPLERS = ("normal", "off_zero", "distinct", "near_one")
SHAPES = ((), (1,), (7,), (3, 4), (2, 0), (16, 16), (2, 3, 5))
seeds = st.integers(0, 2**32 - 1)


def drawn(name: str, *shapes: tuple[int, ...], seed: int = 0):
    return getattr(sampling, name)(np.random.default_rng(seed), Workload("any", shapes))


@pytest.mark.parametrize("name", SAMPLERS)
def test_there_is_one_array_of_float64_a_shape(name):
    made = drawn(name, *SHAPES)
    assert [np.shape(x) for x in made] == list(SHAPES)
    assert all(np.asarray(x).dtype == np.float64 for x in made)


@pytest.mark.parametrize("name", [*SAMPLERS, "logits_and_targets"])
def test_a_sample_depends_on_the_generator_alone(name):
    shapes = ((6, 5), (6,)) if name == "logits_and_targets" else ((40,), (3, 4))
    first, again, other = (drawn(name, *shapes, seed=seed) for seed in (1, 1, 2))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_the_inputs_of_one_sample_are_not_each_other():
    for name in SAMPLERS:
        first, second = drawn(name, (50,), (50,))
        assert (first != second).any(), name


def test_normal_entries_have_mean_0_and_deviation_1():
    (x,) = drawn("normal", (10_000,))
    # Six standard errors of a mean of n, and of a variance of n, where n = 10⁴: 6/√n and 6√(2/n).
    assert abs(x.mean()) < 0.06
    assert abs(x.var() - 1) < 0.085


@given(seeds)
def test_off_zero_keeps_its_distance_on_both_sides(seed):
    (x,) = drawn("off_zero", (64,), seed=seed)
    (plain,) = drawn("normal", (64,), seed=seed)
    assert np.abs(x).min() >= 0.25
    np.testing.assert_array_equal(x, plain + np.copysign(0.25, plain))


@pytest.mark.parametrize("dtype", DTYPES)
@given(seed=seeds, size=st.integers(1, 256))
def test_distinct_entries_are_half_apart_in_every_dtype(dtype, seed, size):
    (x,) = drawn("distinct", (size,), seed=seed)
    np.testing.assert_array_equal(round_to(x, dtype), x)
    np.testing.assert_array_equal(np.diff(np.sort(x)), 0.5)
    assert x.min() <= 0 <= x.max()


def test_distinct_entries_stand_in_any_order():
    places = {int(drawn("distinct", (5, 5), seed=seed)[0].argmax()) for seed in range(64)}
    assert len(places) > 12


def test_a_large_array_of_distinct_entries_is_normal():
    (x,) = drawn("distinct", (257,))
    np.testing.assert_array_equal(x, np.random.default_rng(0).standard_normal(257))


@given(seed=seeds, size=st.integers(1, 4096))
def test_a_product_of_entries_near_one_stays_near_one(seed, size):
    (x,) = drawn("near_one", (size,), seed=seed)
    logarithms = np.log(np.abs(x))
    # log|product| is standard normal whatever the size, and 8 deviations are never seen.
    assert abs(logarithms.sum()) < 8
    assert np.abs(logarithms).max() < 8 / math.sqrt(size)


def test_entries_near_one_have_either_sign():
    (x,) = drawn("near_one", (1000,))
    assert 400 < (x > 0).sum() < 600


@given(seed=seeds, rows=st.integers(1, 9), classes=st.integers(1, 9))
def test_targets_are_class_indices_one_a_row(seed, rows, classes):
    logits, targets = drawn("logits_and_targets", (rows, classes), (rows,), seed=seed)
    assert logits.shape == (rows, classes)
    assert targets.shape == (rows,)
    assert targets.dtype == np.int64
    assert ((targets >= 0) & (targets < classes)).all()


def test_every_class_is_a_target_and_logits_have_spread_2():
    logits, targets = drawn("logits_and_targets", (2000, 5), (2000,))
    assert set(targets) == set(range(5))
    # Six standard errors of a deviation of n = 10⁴ entries: 6·2/√(2n).
    assert abs(logits.std() - 2) < 0.085


@pytest.mark.parametrize("shape", [(), (64,), (1023, 1025)], ids=str)
def test_an_elementwise_cost_reads_and_writes_each_entry_once(shape):
    cost = sampling.elementwise_cost(5)(Workload("any", (shape,)))
    n = math.prod(shape)
    assert (cost.flops, cost.elements, cost.written) == (5 * n, 2 * n, n)


@pytest.mark.parametrize("operation", catalogue().values(), ids=lambda operation: operation.name)
def test_every_operation_draws_one_array_a_shape(operation):
    for workload in operation.check:
        made = operation.domain.sample(np.random.default_rng(0), workload)
        assert tuple(np.shape(x) for x in made) == workload.shapes
        assert {np.asarray(x).dtype for x in made} <= {np.dtype(float), np.dtype(np.int64)}
