"""Running errors against what rounding really does: every step rounded, beside the exact value in balls."""

from __future__ import annotations

import functools
import itertools
from typing import ClassVar

import flint
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.mixins import NDArrayOperatorsMixin

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.formulas.elementary import ELEMENTARY, ln2, pi
from verify.formulas.reference import certify
from verify.formulas.running_error import Computed

fewer = settings(max_examples=60)


class Stepwise(NDArrayOperatorsMixin):
    """A slow oracle: every step of a formula computed by torch in a dtype, and so rounded to it.

    What is added is added in the working type, float32 for narrower ones, as `Arithmetic.w` says.
    """

    NAMES: ClassVar = {
        "absolute": "abs",
        "subtract": "sub",
        "divide": "div",
        "negative": "neg",
        "power": "pow",
    }

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if ufunc is np.matmul:
            left, right = (Stepwise(x._working()) for x in inputs)
            return Stepwise((left * right).sum().tensor.to(inputs[0].tensor.dtype))
        assert method == "__call__"
        tensors = [
            x.tensor if isinstance(x, Stepwise) else torch.tensor(x, dtype=self.tensor.dtype) for x in inputs
        ]
        return Stepwise(getattr(torch, self.NAMES.get(ufunc.__name__, ufunc.__name__))(*tensors))

    def through(self, function):
        return Stepwise(getattr(torch, function.name)(self.tensor))

    def sum(self):
        """One entry after the other: of all orders the one that rounds most."""
        total = functools.reduce(torch.add, self._working())
        return Stepwise(total.to(self.tensor.dtype))

    def prod(self):
        return Stepwise(functools.reduce(torch.mul, self.tensor))

    def mean(self):
        """The sum times the rounded reciprocal, as some kernels form it: one rounding more."""
        return Stepwise(self.sum().tensor * torch.tensor(1 / len(self.tensor), dtype=self.tensor.dtype))

    def cumsum(self, axis):
        sums = itertools.accumulate(self._working(), torch.add)
        return Stepwise(torch.stack(list(sums)).to(self.tensor.dtype))

    def _working(self):
        wide = self.tensor.dtype in (torch.float64, torch.float32)
        return self.tensor if wide else self.tensor.float()


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
@fewer
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


# Each rule alone, on what is exact and, divided by 3 first, on what is not.
RULES = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "reciprocal": lambda x, y: 1 / x,
    "absolute": lambda x, y: abs(x),
    "maximum": lambda x, y: np.maximum(x, y),
    "power 3": lambda x, y: x**3,
    "power −2": lambda x, y: x**-2,
    "sum": lambda x, y: x.sum(),
    "mean": lambda x, y: x.mean(),
    "product": lambda x, y: x.prod(),
    "running sum": lambda x, y: x.cumsum(0),
    "inner product": lambda x, y: x @ y,
    **{name: lambda x, y, name=name: ELEMENTARY[name](x) for name in ("exp", "expm1", "sin", "tanh", "erf")},
    "sqrt": lambda x, y: np.sqrt(abs(x)),
    "log1p": lambda x, y: np.log1p(abs(x)),
}
# Ordinary numbers, and some whose products lie below the normal numbers of float32 and float64.
SIZES = {"float32": (1.0, 2.0**-66, 2.0**-74), "float64": (1.0, 2.0**-516, 2.0**-536)}


def reached(rule, dtype, size, exact_inputs, generator):
    """The largest share of its bound that the error of a rule uses, computed one entry after the other."""
    a, steps = Arithmetic.of(dtype), RULES[rule]
    formula = analysed(rule, steps if exact_inputs else lambda x, y: steps(x / 3, y / 3), "a test")
    signs = generator.choice((-1.0, 1.0), size=(2, 24))
    values = signs * generator.uniform(1, 2, size=(2, 24)) * size
    tensors = [torch.from_numpy(v).to(getattr(torch, dtype)) for v in values]
    x, y = (t.double().numpy() for t in tensors)
    given = [Stepwise(t if exact_inputs else t / 3) for t in tensors]
    computed = steps(*given).tensor.double().numpy()
    exact = certify(formula.evaluate, (x, y), {}, a)[0]
    error, bound = exact.error(computed, a), formula.bound(a, x, y)
    assert (error <= a.stored(exact.value, bound)).all(), (rule, size, (error / bound).max())
    with np.errstate(all="ignore"):
        return float(np.nanmax(np.where(error > 0, error / a.stored(exact.value, bound), 0)))


@pytest.mark.parametrize("exact_inputs", [True, False], ids=["exact", "inexact"])
@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_alone_covers_what_its_step_rounds_and_is_given(rule, dtype, exact_inputs):
    generator = np.random.default_rng(3)
    for size in SIZES[dtype]:
        for _ in range(12):
            reached(rule, dtype, size, exact_inputs, generator)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("absolute", "maximum")])
def test_a_rule_is_no_wider_than_it_need_be(rule):
    """A hundredth of the bound is used, on what is given exactly; of a sum's, which any order has, less."""
    generator = np.random.default_rng(4)
    used = max(reached(rule, "float32", 1.0, True, generator) for _ in range(40))
    assert used > (0.01 if rule in ("sum", "mean", "running sum", "inner product", "product") else 0.1)


def test_a_power_below_1_has_no_bound_where_its_base_may_be_0():
    a = Arithmetic.of("float32")
    x = Computed(np.array([1e-3, 1.0]), np.array([2e-3, 2e-3]), a)
    assert np.isinf((x**-2.0).error).tolist() == [True, False]
    assert np.isfinite((x**2).error).all()


@pytest.mark.parametrize("name", sorted(ELEMENTARY))
@fewer
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
    # The documented error of float64's own function, and the rounding of the midpoint.
    allowed = Arithmetic.of("float64").of_function(function.documented) + 2.0**-53
    middle = np.array([float(b.mid()) for b in balls])
    assert (np.abs(function(x) - middle) <= allowed * np.abs(middle)).all()


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
