"""The gradient checker: right gradients pass, wrong ones fail where they are wrong."""

from __future__ import annotations

import collections
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.gradients.functions import altered, drawn, in_a_batch, sine, softmax
from verify.gradients.check import check_gradient
from verify.gradients.function import UnusableFunction
from verify.gradients.point import UnusableInput
from verify.outcome import Status

F = torch.nn.functional


RIGHT = {
    "softmax": (softmax, lambda: drawn(64)),
    "product": (torch.mm, lambda: (drawn(5, 7), drawn(7, 4, seed=1))),
    "complex product": (torch.mm, lambda: [drawn(*s, dtype=torch.complex128) for s in ((3, 4), (4, 2))]),
    "complex to real": (torch.abs, lambda: drawn(6, dtype=torch.complex128)),
    "real to complex": (torch.fft.fft, lambda: drawn(6)),
    "conjugated": (lambda x: x.conj() * x.conj().sin(), lambda: drawn(6, dtype=torch.complex128)),
    "several outputs": (torch.linalg.qr, lambda: drawn(4, 4)),
    "one output used by none": (lambda x: (x.sin(), x.argmax(), x.cos()), lambda: drawn(5)),
    "index held fixed": (lambda x, i: x[i], lambda: (drawn(5), torch.tensor([0, 3, 3]))),
    "other arguments": (lambda x, dim, scale: scale * x.sum(dim), lambda: (drawn(3, 4), 1, 2.5)),
    "a list of tensors": (lambda xs: torch.cat(xs), lambda: ([drawn(3), drawn(2, seed=1)],)),
    "random": (lambda x: F.dropout(x.exp(), 0.5), lambda: drawn(40)),
    "transposed": (torch.tanh, lambda: drawn(4, 3).detach().T.requires_grad_()),
    "strided": (torch.tanh, lambda: drawn(9).detach()[::2].requires_grad_()),
    "expanded": (torch.tanh, lambda: drawn(1, 3).detach().expand(4, 3).requires_grad_()),
    "empty": (lambda x: x * 2, lambda: drawn(0, 3)),
    "empty to a number": (lambda x: x.sum(), lambda: drawn(0, 3)),
    "a number": (torch.exp, lambda: drawn()),
    "no dependence": (lambda x, y: x.sin(), lambda: (drawn(3), drawn(4))),
    "in place on a copy": (lambda x: x.clone().mul_(x).exp_(), lambda: drawn(7)),
    "differentiates inside": (
        lambda x: torch.autograd.grad(x.sin().sum(), x, create_graph=True)[0],
        lambda: drawn(5),
    ),
    "near the edge of its domain": (torch.log, lambda: torch.tensor([1e-2, 2.0]).double().requires_grad_()),
    "raises outside its domain": (
        lambda x: torch.linalg.cholesky(x @ x.mT - 0.9 * torch.eye(2, dtype=x.dtype)),
        lambda: torch.eye(2, dtype=torch.float64, requires_grad=True),
    ),
    "steps": (torch.floor, lambda: torch.tensor([0.001, 3.7, -2.2]).double().requires_grad_()),
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("seed", range(5))
def test_a_right_gradient_passes_in_every_way_that_can_be_asked(name, seed):
    function, inputs = RIGHT[name]
    report = check_gradient(function, inputs(), seed=seed, forward="inside" not in name, second_order=True)
    assert report.status is Status.PASS, str(report)
    assert report.smallest_visible_error < 1e-6
    assert report.evaluations >= 25


def test_a_gradient_that_vanishes_everywhere_passes():
    report = check_gradient(lambda x: softmax(x).sum(), drawn(9), seed=1, forward=True)
    assert report.status is Status.PASS
    assert report.smallest_visible_error < 1e-10


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, 1e-8])
def test_close_to_a_pole_a_shorter_line_decides(distance):
    x = torch.tensor([distance, 2.0], dtype=torch.float64).requires_grad_()
    for seed in range(10):
        right = check_gradient(torch.reciprocal, x, seed=seed)
        assert right.status is Status.PASS, str(right)
        wrong = check_gradient(altered(torch.reciprocal, lambda v: 1.01 * v), x, seed=seed)
        assert wrong.status is Status.FAIL, str(wrong)


@pytest.mark.parametrize("narrow", [torch.float32, torch.float16])
def test_a_narrow_dtype_inside_is_no_wrong_gradient(narrow):
    for seed in range(20):
        report = check_gradient(lambda x: x + x.to(narrow).sin().double(), drawn(20, seed=seed), seed=seed)
        assert report.status is not Status.FAIL, str(report)


def test_a_steep_function_is_no_rounding_inside():
    # Forty steps of the logistic map: long lines tell another slope than short ones, here and elsewhere.
    def iterated(x):
        for _ in range(40):
            x = 3.9 * x * (1 - x)
        return x

    for seed in range(4):
        x = drawn(5, seed=seed).detach().sigmoid().requires_grad_()
        report = check_gradient(iterated, x, seed=seed)
        assert report.status is Status.PASS, str(report)


def test_networks_of_piecewise_functions_are_judged():
    # Close by and far out their slopes differ, as those of a staircase do.
    for seed in range(5):
        x, *weights = (drawn(16, 16, seed=10 * seed + k) for k in range(5))
        report = check_gradient(
            lambda x, *w: F.relu(F.relu(F.relu(x @ w[0]) @ w[1]) @ w[2]), (x, *weights[:3])
        )
        assert report.status is Status.PASS, str(report)
        report = check_gradient(lambda x: x.cummax(0).values, drawn(200, seed=seed), seed=seed)
        assert report.status is Status.PASS, str(report)


@pytest.mark.parametrize("narrow", [torch.float32, torch.bfloat16])
def test_a_branch_in_a_narrow_dtype_that_is_left_out_is_no_pass(narrow):
    def detached(x):
        return x + x.detach().to(narrow).sin().to(x.dtype)

    for seed in range(20):
        report = check_gradient(detached, drawn(20, seed=seed), seed=seed)
        assert report.status is not Status.PASS, str(report)


def test_where_no_entry_can_be_differenced_no_question_passes():
    x = torch.zeros(3, dtype=torch.float64).requires_grad_()
    report = check_gradient(lambda x: torch.where(x > 0, x + 1, x), x, seed=1, forward=True)
    assert report.answers
    assert {a.status for a in report.answers} == {Status.INCONCLUSIVE}


def test_an_infinite_derivative_is_not_judged():
    x = torch.tensor([0.0, 1.0], dtype=torch.float64).requires_grad_()
    assert check_gradient(torch.sqrt, x, seed=1).status is Status.INCONCLUSIVE


def test_the_wrong_side_of_a_tie_is_seen():
    class Least(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.amax(1)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return torch.zeros_like(x).scatter(1, x.argmin(1, keepdim=True), g[:, None])

    x = torch.randint(0, 3, (12, 9), generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    for seed in range(10):
        assert check_gradient(torch.amax, (x, 1), seed=seed).status is Status.PASS
        assert check_gradient(Least.apply, x, seed=seed).status is Status.FAIL


def test_an_exchange_of_two_entries_never_cancels():
    wrong = altered(lambda x: (x**2).sum(), lambda v: v.flip(0))
    for seed in range(200):
        report = check_gradient(wrong, drawn(2, seed=seed), seed=seed)
        assert report.status is Status.FAIL, str(report)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_what_is_handed_over_and_not_differentiated_keeps_its_values(dtype):
    mean, index = torch.zeros(4, dtype=dtype), torch.zeros(3, dtype=torch.long)

    def function(x, mean, index):
        index.add_(1)
        return F.batch_norm(x, mean, torch.ones_like(mean), training=True) * index.sum()

    report = check_gradient(function, (drawn(8, 4, dtype=dtype), mean, index), seed=1, second_order=True)
    assert report.status is Status.PASS, str(report)
    assert not mean.any()
    assert not index.any()


def test_a_function_that_cannot_run_in_float64_is_told_what_to_do():
    with pytest.raises(UnusableFunction, match=r"not in float64.*module.double\(\)"):
        check_gradient(torch.nn.Linear(5, 2), drawn(3, 5, dtype=torch.float32))
    with pytest.raises(UnusableFunction, match=r"ZeroDivisionError: division by zero$"):
        check_gradient(lambda x: 1 / 0, drawn(3, dtype=torch.float32))


def test_nothing_asked_is_refused():
    with pytest.raises(ValueError, match="nothing is asked"):
        check_gradient(torch.sin, drawn(3), reverse=False)


def test_a_backward_that_raises_is_told():
    def alter(v):
        raise RuntimeError("no such kernel")

    with pytest.raises(UnusableFunction, match="the backward raised RuntimeError: no such kernel"):
        check_gradient(altered(torch.sin, alter), drawn(3))


def test_inference_mode_outside_does_no_harm():
    with torch.inference_mode():
        assert check_gradient(torch.sin, drawn(3), seed=1).status is Status.PASS


NARROW = {
    "two dtypes": lambda: (torch.mul, (drawn(3), drawn(3, dtype=torch.float32))),
    "a bias that cancels": lambda: (
        lambda x, b: F.batch_norm(x + b, None, None, training=True),
        (drawn(8, 4, dtype=torch.float32), drawn(4, dtype=torch.float32)),
    ),
    "sin² + cos²": lambda: (lambda x: x.sin() ** 2 + x.cos() ** 2, drawn(20, dtype=torch.float32)),
    "cancels badly": lambda: (
        lambda x: torch.log(1 - torch.exp(-x * x / 1e3)),
        drawn(10, dtype=torch.float32),
    ),
    "ties": lambda: (lambda x: x.amax(1), drawn(4, 9).detach().round().float().requires_grad_()),
    "close to corners": lambda: (
        lambda x, w: torch.relu(x @ w),
        [drawn(*s).detach().bfloat16().requires_grad_() for s in ((4, 8), (8, 8))],
    ),
}


@pytest.mark.parametrize("name", NARROW)
def test_a_right_gradient_in_a_narrow_dtype_is_no_fault_of_the_function(name):
    function, inputs = NARROW[name]()
    for seed in range(8):
        report = check_gradient(function, inputs, seed=seed)
        assert report.status is Status.PASS, str(report)


@settings(max_examples=60)
@given(
    st.sampled_from(
        [torch.sin, torch.exp, torch.tanh, torch.sigmoid, softmax, torch.relu, torch.abs, torch.cumsum]
    ),
    st.integers(1, 40),
    st.integers(0, 2**31 - 1),
)
def test_right_gradients_pass_whatever_the_inputs(function, n, seed):
    x = drawn(n, seed=seed)
    report = check_gradient(function, (x, 0) if function is torch.cumsum else x, seed=seed)
    assert report.status is Status.PASS, str(report)


@pytest.mark.parametrize("relative", [1e-3, 1e-5, 1e-7, 1e-9])
def test_a_wrong_factor_is_seen(relative):
    report = check_gradient(altered(softmax, lambda v: v * (1 + relative)), drawn(64), seed=1)
    assert report.smallest_visible_error < 1e-9
    assert report.status is Status.FAIL, str(report)


def test_the_place_of_a_single_wrong_entry_is_named():
    def alter(v):
        v = v.clone()
        v[2, 5] *= 1 + 1e-7
        return v

    report = check_gradient(altered(lambda x: x.sin() * x.sum(0), alter), drawn(4, 9), seed=2)
    assert report.status is Status.FAIL
    assert report.worst is not None
    assert report.worst.input_entry == (2, 5)
    assert abs(report.worst.analytic - report.worst.numeric) > report.worst.interval
    assert "[2, 5]" in str(report)


def test_the_dropped_term_of_a_softmax_is_seen_that_gradcheck_passes():
    class Dropped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.softmax(x, 0)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return ctx.saved_tensors[0] * g

    x = (drawn(512).detach() / 10).requires_grad_()
    assert torch.autograd.gradcheck(Dropped.apply, (x,))
    assert check_gradient(Dropped.apply, x, seed=3).status is Status.FAIL


def test_an_all_zero_gradient_is_seen_that_the_fast_mode_passes():
    wrong = altered(F.mse_loss, torch.zeros_like)
    inputs = (drawn(20_000), drawn(20_000, seed=1))
    assert torch.autograd.gradcheck(wrong, inputs, fast_mode=True)
    assert check_gradient(wrong, inputs, seed=4).status is Status.FAIL


def test_the_constant_of_hardsigmoid_is_seen():
    x = torch.linspace(-4, 4, 9, dtype=torch.float64).requires_grad_()
    report = check_gradient(F.hardsigmoid, x, seed=5)
    assert report.status is Status.FAIL
    assert report.worst is not None
    assert report.worst.numeric == pytest.approx(1 / 6, rel=1e-12)


def test_a_wrong_forward_mode_is_seen_and_the_right_reverse_mode_stays_right():
    wrong = altered(softmax, lambda v: v, tangent=lambda t: t * (1 + 1e-8))
    report = check_gradient(wrong, drawn(16), seed=6, forward=True)
    verdicts = {a.question: a.status for a in report.answers}
    assert verdicts["reverse mode"] is Status.PASS
    assert verdicts["forward mode"] is Status.FAIL


def test_a_wrong_second_order_is_seen_and_the_right_first_order_stays_right():
    wrong = altered(torch.sin, lambda v: v)

    class Cosine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, g):
            ctx.save_for_backward(x, g)
            return g * x.cos()

        @staticmethod
        def backward(ctx, h):
            x, g = ctx.saved_tensors
            return -h * g * x.sin() * (1 + 1e-6), h * x.cos()

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return Cosine.apply(ctx.saved_tensors[0], g)

    assert check_gradient(wrong, drawn(8), seed=7, second_order=True).status is Status.PASS
    report = check_gradient(Sine.apply, drawn(8), seed=7, second_order=True)
    assert [a.status for a in report.answers] == [Status.PASS, Status.FAIL]
    assert report.answers[1].question == "second order, reverse mode"


class DropsWhenAlone(torch.autograd.Function):
    """(sin x, cos x), whose backward forgets the sine where the cosine has no cotangent."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.set_materialize_grads(False)
        return x.sin(), x.cos()

    @staticmethod
    def backward(ctx, g, h):
        (x,) = ctx.saved_tensors
        if g is None or h is None:
            return torch.zeros_like(x)
        return g * x.cos() - h * x.sin()


def test_a_gradient_that_vanishes_when_an_output_is_used_alone_is_seen():
    report = check_gradient(DropsWhenAlone.apply, drawn(5), seed=8)
    failed = [a.question for a in report.answers if a.status is Status.FAIL]
    assert failed == ["reverse mode, output 0 alone", "reverse mode, output 1 alone"]
    assert check_gradient(DropsWhenAlone.apply, drawn(5), seed=8, undefined=False).status is Status.PASS


def test_a_backward_that_cannot_do_without_cotangents_is_seen():
    class Demands(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return torch.ones(3, dtype=torch.float64) if g is None else 2 * g

    report = check_gradient(Demands.apply, drawn(3), seed=9)
    assert [a.question for a in report.answers if a.status is Status.FAIL] == ["no cotangent at all"]


def test_a_backward_that_differs_from_run_to_run_is_seen():
    noise = torch.Generator().manual_seed(1)
    wrong = altered(
        torch.sin, lambda v: v * (1 + 1e-15 * torch.rand(v.shape, dtype=v.dtype, generator=noise))
    )
    report = check_gradient(wrong, drawn(200), seed=10)
    assert "the same gradient twice" in {a.question for a in report.answers if a.status is Status.FAIL}
    assert check_gradient(wrong, drawn(200), seed=10, deterministic=False).status is Status.PASS


def test_a_gradient_that_is_wrong_for_a_strided_cotangent_is_seen():
    class Strided(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            return g if g.is_contiguous() else torch.flip(g, (0,))

    report = check_gradient(Strided.apply, drawn(6), seed=11)
    assert [a.question for a in report.answers if a.status is Status.FAIL] == [
        "reverse mode, cotangent not contiguous"
    ]


@pytest.mark.parametrize(
    "lay_out",
    [lambda x: x.T, lambda x: x[:, ::2], lambda x: x[:1].expand(4, 6), lambda x: x.T[::2]],
    ids=["transposed", "gaps", "expanded", "transposed with gaps"],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_layout_of_the_input_reaches_the_function(lay_out, dtype):
    x = lay_out(drawn(4, 6).detach().to(dtype)).requires_grad_()
    seen = []

    def function(y):
        seen.append((y.stride(), y.requires_grad))
        return y * 1

    assert check_gradient(function, x, seed=11).status is Status.PASS
    assert x.stride() in {stride for stride, leaf in seen if leaf}


@pytest.mark.parametrize("mode", ["batched reverse mode", "batched forward mode"])
def test_a_gradient_that_differs_in_a_batch_is_seen(mode):
    off = in_a_batch(lambda v: v * (1 + 1e-8))
    wrong = sine(backward=off) if mode == "batched reverse mode" else sine(tangent=off)
    assert check_gradient(wrong, drawn(6), seed=12, forward=True).status is Status.PASS
    report = check_gradient(wrong, drawn(6), seed=12, forward=True, batched=True)
    assert [a.question for a in report.answers if a.status is Status.FAIL] == [mode]


def test_a_slope_that_is_claimed_of_a_step_function_fails():
    class StraightThrough(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.floor()

        @staticmethod
        def backward(ctx, g):
            return g

    for seed in range(10):
        x = drawn(20, seed=seed)
        assert check_gradient(torch.floor, x, seed=seed).status is Status.PASS
        assert check_gradient(StraightThrough.apply, x, seed=seed).status is Status.FAIL


def test_an_output_without_a_gradient_is_told():
    report = check_gradient(lambda x: (x.sin(), x.detach().cos(), x.exp()), drawn(6), seed=12)
    assert report.status is Status.PASS
    assert report.left_out == (1,)
    assert "no gradient is carried by output 1" in str(report)


def test_what_cannot_be_batched_or_has_no_forward_mode_is_named():
    class Plain(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return torch.from_numpy(2 * g.numpy())

    report = check_gradient(Plain.apply, drawn(3), seed=13, forward=True, batched=True)
    notes = {a.question: a.note for a in report.answers if a.status is Status.FAIL}
    assert set(notes) == {"batched reverse mode", "forward mode", "batched forward mode"}
    assert "forward mode raised" in notes["forward mode"]


@pytest.mark.parametrize("function", [torch.relu, torch.abs, F.hardtanh, lambda x: x.clamp(min=0)])
def test_at_a_corner_any_gradient_between_the_one_sided_ones_passes_and_the_report_says_so(function):
    x = torch.tensor([0.0, 1.0, -1.0, 0.0], dtype=torch.float64).requires_grad_()
    report = check_gradient(function, x, seed=14)
    assert report.status is Status.PASS
    assert report.corners >= 2
    assert "lie on a corner" in str(report)


def test_at_a_corner_a_gradient_beyond_the_one_sided_ones_fails():
    x = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64).requires_grad_()
    wrong = altered(torch.relu, lambda v: torch.where(v == 0, 1.5, v))
    assert check_gradient(wrong, x[:1].detach().requires_grad_(), seed=15).status is Status.FAIL


def test_a_jump_at_the_point_is_not_judged():
    x = torch.tensor([0.0, 0.5], dtype=torch.float64).requires_grad_()
    report = check_gradient(lambda x: torch.where(x > 0, x + 1, x), x, seed=16)
    assert report.status is Status.INCONCLUSIVE
    assert report.unjudged == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.complex64])
def test_a_right_gradient_in_a_narrow_dtype_passes(dtype):
    function = torch.tanh if dtype.is_complex else softmax
    for seed in range(10):
        report = check_gradient(function, drawn(32, seed=seed).detach().to(dtype).requires_grad_(), seed=seed)
        assert report.status is Status.PASS, str(report)


@pytest.mark.parametrize(
    ("dtype", "relative"), [(torch.float32, 1e-4), (torch.float16, 0.5), (torch.bfloat16, 3)]
)
def test_a_gradient_that_is_wrong_in_a_narrow_dtype_alone_fails(dtype, relative):
    wrong = altered(softmax, lambda v: v * (1 + relative) if v.dtype is dtype else v)
    report = check_gradient(wrong, drawn(32).detach().to(dtype).requires_grad_(), seed=17)
    assert [a.status for a in report.answers] == [Status.PASS, Status.FAIL]
    assert "u × scale" in str(report)


def test_a_random_function_in_a_narrow_dtype_is_not_judged_there():
    x = drawn(32).detach().float().requires_grad_()
    report = check_gradient(lambda x: F.dropout(x, 0.5), x, seed=18)
    assert [a.status for a in report.answers] == [Status.PASS, Status.INCONCLUSIVE]


def test_a_vjp_of_ones_own_is_judged():
    def right(g, x):
        y = torch.softmax(x, 0)
        return y * (g - (g * y).sum())

    x = drawn(30)
    assert check_gradient(softmax, x, vjp=right, seed=19).status is Status.PASS
    assert check_gradient(softmax, x, vjp=lambda g, x: right(g, x) + 1e-8, seed=19).status is Status.FAIL
    with pytest.raises(UnusableFunction, match=r"shapes \[\(29,\)\].*\[\(30,\)\]"):
        check_gradient(softmax, x, vjp=lambda g, x: right(g, x)[1:], seed=19)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda x: 3, "returned int: it must return a tensor"),
        (lambda x: None, "returned NoneType"),
        (lambda x: x.add_(1), r"in-place operation.*x.clone\(\)"),
        (lambda x: x.data.add_(1) + x, "changes input 0 in place"),
        (lambda x: x * math.nan, "nothing but nan or inf"),
        (lambda x: x.to_sparse(), "layout torch.sparse_coo"),
        (lambda x: x.argmax(), "no output is floating or complex .int64."),
    ],
    ids=["raises", "number", "nothing", "in place", "in place past autograd", "nan", "sparse", "integer"],
)
def test_a_function_that_cannot_be_checked_is_told_why(function, message):
    with pytest.raises(UnusableFunction, match=message):
        check_gradient(function, drawn(4))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.ones(3, dtype=torch.float64), "no input requires a gradient.*float64"),
        (torch.ones(3, dtype=torch.int64), "no input requires a gradient.*int64"),
        ((1.0, "x"), "there is no tensor among them"),
        (torch.eye(3).to_sparse().requires_grad_(), "layout torch.sparse_coo"),
        (torch.arange(6.0).as_strided((3, 3), (1, 1)).requires_grad_(), r"share memory.*x.clone\(\)"),
        (
            (torch.ones(2, requires_grad=True), torch.ones(2, device="meta", requires_grad=True)),
            "different devices, cpu, meta",
        ),
        (torch.ones(2, device="meta", requires_grad=True), "device meta and has no values"),
        (
            torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged, requires_grad=True),
            "nested tensor",
        ),
        (torch.ones(2).to(torch.float8_e5m2).requires_grad_(), "dtype torch.float8_e5m2"),
    ],
    ids=[
        "no gradient",
        "integer",
        "no tensor",
        "sparse",
        "overlapping",
        "devices",
        "meta",
        "nested",
        "eight bits",
    ],
)
def test_inputs_that_cannot_be_differentiated_are_told_why(inputs, message):
    with pytest.raises(UnusableInput, match=message):
        check_gradient(lambda *x: x[0] * 2, inputs)


Pair = collections.namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda a, of: a * of["w"], lambda a, b: (a, {"w": b})),
        (lambda pair: pair.first * pair.second, lambda a, b: (Pair(a, b),)),
        (torch.mul, Pair),
        (lambda a, b: {"product": a * b}, lambda a, b: (a, b)),
    ],
    ids=["dict", "named tuple", "named tuple of all inputs", "dict returned"],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_tensors_in_dicts_and_named_tuples_are_variables(function, inputs, dtype):
    a, b = drawn(3).detach().to(dtype), drawn(3, seed=1).detach().to(dtype).requires_grad_()
    assert check_gradient(function, inputs(a, b), seed=24).status is Status.PASS


@pytest.mark.parametrize("make", [lambda: np.random.default_rng(), lambda: None], ids=["numpy", "a counter"])
def test_a_function_that_wavers_is_told(make):
    source, runs = make(), []

    def function(x):
        runs.append(1)
        return x * (len(runs) if source is None else float(source.random()))

    report = check_gradient(function, drawn(3), seed=25)
    assert report.status is Status.INCONCLUSIVE
    assert "two runs at the same inputs differ" in str(report)


def test_a_detached_output_fails_with_a_hint():
    report = check_gradient(lambda x: (2 * x).detach(), drawn(3), seed=20)
    assert report.status is Status.FAIL
    assert "detach()" in str(report)


def test_a_gradient_of_nan_fails():
    report = check_gradient(altered(torch.sin, lambda v: v * math.nan), drawn(3), seed=21)
    assert report.status is Status.FAIL
    assert "nan" in str(report)


def test_inputs_and_random_numbers_are_left_as_they_were():
    x = drawn(16)
    before, state = x.detach().clone(), torch.get_rng_state()
    check_gradient(lambda x: F.dropout(x, 0.5) * torch.rand(16, dtype=x.dtype), x, seed=22)
    assert torch.equal(x.detach(), before)
    assert x.grad is None
    assert torch.equal(torch.get_rng_state(), state)


def test_a_seed_repeats_the_figures():
    first, second = (check_gradient(softmax, drawn(20), seed=23) for _ in range(2))
    assert first == second
    assert first.seed == 23
    assert check_gradient(softmax, drawn(20)).seed != check_gradient(softmax, drawn(20)).seed


def test_the_stated_visible_error_is_what_is_caught_and_no_more_than_ten_times_less():
    caught = []
    for seed in range(40):
        visible = check_gradient(softmax, drawn(64, seed=seed), seed=seed).smallest_visible_error
        for factor in (1.05, 0.05):
            wrong = altered(softmax, lambda v, e=factor * visible: v * (1 + e))
            report = check_gradient(wrong, drawn(64, seed=seed), seed=seed)
            caught.append((factor, report.status is Status.FAIL))
    assert all(fail for factor, fail in caught if factor > 1)
    assert np.mean([fail for factor, fail in caught if factor < 1]) < 0.5


@pytest.mark.parametrize("seed", range(5))
def test_the_tangent_of_a_staircase_is_no_fault_of_forward_mode(seed):
    # Long steps see the slope of the stairs, and short ones that of a step, which is what autograd says.
    report = check_gradient(
        lambda x: torch.div(x, 1e-3, rounding_mode="floor"),
        torch.linspace(1.0, 2.0, 60, dtype=torch.float64, requires_grad=True),
        seed=seed,
        reverse=False,
        forward=True,
    )
    assert report.status is not Status.FAIL, str(report)
