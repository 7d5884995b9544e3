"""Running errors against what rounding really does: every step rounded, beside the exact value in balls."""

from __future__ import annotations

from typing import ClassVar

import flint
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.lib.mixins import NDArrayOperatorsMixin

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.formulas.elementary import ELEMENTARY, ln2, pi
from verify.formulas.reference import certify
from verify.formulas.running_error import Computed

unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class Stepwise(NDArrayOperatorsMixin):
    """A slow oracle: every step of a formula computed by torch in a dtype, and so rounded to it."""

    NAMES: ClassVar = {"absolute": "abs", "subtract": "sub", "divide": "div", "negative": "neg"}

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        assert method == "__call__"
        tensors = [
            x.tensor if isinstance(x, Stepwise) else torch.tensor(x, dtype=self.tensor.dtype) for x in inputs
        ]
        return Stepwise(getattr(torch, self.NAMES.get(ufunc.__name__, ufunc.__name__))(*tensors))

    def through(self, function):
        return Stepwise(getattr(torch, function.name)(self.tensor))

    def sum(self):
        return Stepwise(self.tensor.sum())


FORMULAS = {
    "polynomial": lambda x, y: x * x * x - 2 * x * y + y,
    "quotient": lambda x, y: (x - y) / (x * x + 3 * y * y + 1),
    "sigmoid": lambda x, y: 1 / (1 + np.exp(-x)) + y,
    "logarithm": lambda x, y: np.log(1 + x * x) - np.log1p(np.abs(y)),
    "waves": lambda x, y: np.sin(3 * x) * np.cos(x * y),
    "tanh of a difference": lambda x, y: np.tanh(8 * x - 8 * y),
    "roots": lambda x, y: np.sqrt(x * x + y * y + 1) - np.sqrt(np.abs(x)),
    "expm1": lambda x, y: np.expm1(x * y) * np.exp(-y * y),
    "sum": lambda x, y: (x * y).sum() / np.sqrt((x * x).sum() + 1),
    "softmax": lambda x, y: np.exp(x) / np.exp(x).sum() * y,
    "product": lambda x, y: (x - y) @ (x + y),
    "gelu": lambda x, y: x / 2 * (1 + ELEMENTARY["erf"](x / np.sqrt(2 + 0 * y))),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FORMULAS)
@unhurried
@given(seed=st.integers(0, 2**31))
def test_no_rounding_goes_beyond_its_bound(name, dtype, seed):
    generator, a = np.random.default_rng(seed), Arithmetic.of(dtype)
    steps = FORMULAS[name]
    scales = 2.0 ** generator.integers(-4, 1, size=2)  # float16 must not overflow on the way
    tensors = [torch.from_numpy(s * generator.standard_normal(9)).to(getattr(torch, dtype)) for s in scales]
    x, y = (t.double().numpy() for t in tensors)
    formula = analysed(name, steps, "a test")
    computed = steps(*(Stepwise(t) for t in tensors)).tensor.double()
    (exact,) = certify(formula.evaluate, (x, y), {}, a)
    error = exact.error(computed.numpy(), a)
    bound = a.stored(exact.value, formula.bound(a, x, y))
    assert np.isfinite(bound).all()
    assert (error <= bound).all(), (error / bound).max()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_bound_is_within_reach_of_the_worst_that_is_seen(name):
    """A bound that nothing comes near would let a fault pass: a hundredth of it is reached in float32."""
    generator, a = np.random.default_rng(5), Arithmetic.of("float32")
    steps, reached = FORMULAS[name], 0.0
    for _ in range(40):
        x, y = (generator.standard_normal(9).astype(np.float32).astype(float) for _ in range(2))
        tensors = [torch.from_numpy(v).float() for v in (x, y)]
        computed = steps(*(Stepwise(t) for t in tensors)).tensor
        formula = analysed(name, steps, "a test")
        (exact,) = certify(formula.evaluate, (x, y), {}, a)
        bound = a.stored(exact.value, formula.bound(a, x, y))
        reached = max(reached, float((exact.error(computed.double().numpy(), a) / bound).max()))
    assert reached > 0.01


@pytest.mark.parametrize("name", sorted(ELEMENTARY))
@unhurried
@given(seed=st.integers(0, 2**31))
def test_a_slope_is_the_steepest_in_its_interval(name, seed):
    function, generator = ELEMENTARY[name], np.random.default_rng(seed)
    x = generator.uniform(0.05, 0.9, size=16) * 2.0 ** generator.integers(-2, 1, size=16)
    e = generator.uniform(0, 0.02, size=16) * x
    with flint.ctx.workprec(200):
        for middle, radius in zip(x, e, strict=True):
            slope = float(function.slope(np.array([middle]), np.array([radius]))[0])
            moved = [flint.arb(middle) + flint.arb(radius) * side for side in (-1, 1)]
            change = abs(function.ball(moved[1]) - function.ball(flint.arb(middle)))
            other = abs(function.ball(moved[0]) - function.ball(flint.arb(middle)))
            for difference in (change, other):
                if not np.isinf(slope):
                    allowed = flint.arb(slope) * flint.arb(radius) * (1 + flint.arb(2) ** -40)
                    assert not difference > allowed


@pytest.mark.parametrize("name", sorted(ELEMENTARY))
def test_floats_and_balls_are_the_same_function(name):
    function, x = ELEMENTARY[name], np.array([0.5, 0.25, 0.75, 0.1, -0.5, 0.99])
    x = np.abs(x) if name.startswith("log") or name == "sqrt" else x
    balls = function(np.array([flint.arb(v) for v in x], dtype=object))
    assert np.allclose([float(b.mid()) for b in balls], function(x), rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    ("x", "nearest"), [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (2.6, 3), (-2.4, -2), (3.0, 3)]
)
def test_halves_are_rounded_to_even(x, nearest):
    assert ELEMENTARY["rint"](flint.arb(x)) == nearest
    assert ELEMENTARY["rint"](np.array([x]))[0] == nearest


def test_a_constant_is_enclosed_rounded_or_charged_with_its_rounding():
    a = Arithmetic.of("float32")
    x = Computed(np.ones(2), np.zeros(2), a)
    assert pi(x).error == a.w * np.pi
    assert pi(np.ones(2)) == np.pi
    assert pi(np.array([flint.arb(1)], dtype=object)).rad() > 0
    assert ln2(flint.arb(1)).overlaps(flint.arb(2).log())
    assert (x * 0.1).error[0] > 0
    assert (x * 0.5).error[0] == 0


def test_a_formula_branches_on_a_result_only_where_rounding_cannot_turn_it():
    x = Computed(np.array([1.0, 3.0]), np.zeros(2), Arithmetic.of("float32"))
    assert np.where(x > 2, x, 0 * x).value.tolist() == [0, 3]
    assert (x / 3 > 0.5).tolist() == [False, True]
    with pytest.raises(ValueError, match="rounding may turn the branch"):
        np.where(x / 3 >= 1, x, 0 * x)
    with pytest.raises(ValueError, match="rounding may exchange them"):
        np.argmax(x / 3)


def test_a_function_without_a_rule_is_refused_by_name():
    x = Computed(np.array([1.0, 3.0]), np.zeros(2), Arithmetic.of("float32"))
    with pytest.raises(TypeError, match=r"no rule for numpy\.median"):
        np.median(x)


def test_what_a_product_loses_on_the_way_later_factors_make_larger():
    a = Arithmetic.of("float16")
    x = torch.tensor([2.0**-13, 2.0**-13, 2.0**15, 1.5], dtype=torch.float16)
    exact = x.double().prod().item()
    assert torch.stack([x[0] * x[1] * x[2] * x[3]]).double().item() == 0
    product = Computed(x.double().numpy(), np.zeros(4), a).prod()
    assert float(product.error) >= exact > 0


def test_what_vanishes_in_float64_is_charged():
    tiny = Computed(np.array([5e-324, 1e-200]), np.zeros(2), Arithmetic.of("float64"))
    assert (tiny * tiny).error.all()
    assert (tiny / 1e300).error.all()
    assert not (0 * tiny).error.any()


def test_exact_steps_stay_exact():
    x = Computed(np.array([1.25, -3.0]), np.zeros(2), Arithmetic.of("bfloat16"))
    for same in (-x, 2 * x, x / 4, x + 0, abs(x), np.maximum(x, 0 * x), x.reshape(2, 1), x * (x > 0)):
        assert not same.error.any()
    assert (3 * x).error.all()
