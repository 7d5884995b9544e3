"""Linear against logistic regression: what each minimises, and what a far point does to either."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.lessons.descent import descend, held_off
from verify.operation import Formula
from verify.operations.linear_regression import LINEAR_REGRESSION
from verify.operations.logistic_regression import LOGISTIC_REGRESSION
from verify.picture import Note, Picture, Series

A = Arithmetic.of("float64")
# Two rows lie on the wrong side of 0, so that no line parts the classes and the logistic loss has a minimum.
X = (-3.0, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 3.0)
T = (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0)
# A row on the right side, only further out.
FAR_X, FAR_T = (*X, 20.0), (*T, 1.0)
# Each rate is below 1/L, and each number of steps shrinks any distance from the minimum by 2⁶⁰ or more.
LINEAR_RATE, LINEAR_STEPS = 0.15, 150
FAR_LINEAR_RATE, FAR_LINEAR_STEPS = 1 / 80, 1900
LOGISTIC_RATE, LOGISTIC_STEPS = 1.0, 400

Loss = Callable[[Tensor], Tensor]


def _tensors(x: tuple[float, ...], t: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    return torch.tensor(x, dtype=torch.float64)[:, None], torch.tensor(t, dtype=torch.float64)


def _linear(x: Tensor, t: Tensor) -> Loss:
    """The mean squared error of the line with slope and intercept `place`."""
    return lambda place: functional.mse_loss(x @ place[:1] + place[1], t)


def _logistic(x: Tensor, t: Tensor) -> Loss:
    """The cross-entropy of σ of that line."""
    return lambda place: functional.binary_cross_entropy_with_logits(x @ place[:1] + place[1], t)


def _linear_gradient(x: Tensor, t: Tensor, place: Tensor) -> Tensor:
    """(2/n) Xᵀ(Xw + b − t), by hand; the bias is the weight of an input that is always 1."""
    inputs = torch.cat((x, torch.ones_like(x)), 1)
    return 2 * (inputs.T @ (x @ place[:1] + place[1] - t)) / len(t)


def _logistic_gradient(x: Tensor, t: Tensor, place: Tensor) -> Tensor:
    """(1/n) Xᵀ(p − t), by hand."""
    inputs = torch.cat((x, torch.ones_like(x)), 1)
    return inputs.T @ (torch.sigmoid(x @ place[:1] + place[1]) - t) / len(t)


def _curvatures(x: Tensor, weights: Tensor) -> tuple[float, float]:
    """The least and the greatest eigenvalue of (1/n) Xᵀ diag(weights) X, the Hessian of a loss."""
    inputs = torch.cat((x, torch.ones_like(x)), 1)
    least, greatest = torch.linalg.eigvalsh((inputs * weights[:, None]).T @ inputs / len(x))
    return float(least), float(greatest)


def _slope_error(vjp: Formula, x: Tensor, t: Tensor, place: Tensor) -> float:
    """What rounding does to the gradient in slope and intercept, in norm."""
    w, b = place.numpy()[:1], place.numpy()[1:].reshape(())
    _, _, of_w, of_b = vjp.bound(A, np.ones(()), x.numpy(), t.numpy(), w, b)
    return float(np.hypot(of_w[0], of_b))


def _least_squares(x: tuple[float, ...], t: tuple[float, ...]) -> tuple[Fraction, Fraction]:
    """Slope and intercept from the normal equations, in fractions."""
    xs, ts, n = [Fraction(v) for v in x], [Fraction(v) for v in t], len(x)
    products = sum((a * b for a, b in zip(xs, ts, strict=True)), Fraction(0))
    total = sum(xs, Fraction(0))
    slope = (n * products - total * sum(ts, Fraction(0))) / (n * sum(v * v for v in xs) - total**2)
    return slope, (sum(ts, Fraction(0)) - slope * total) / n


def _distance_left(vjp: Formula, x: Tensor, t: Tensor, place: Tensor, rate: float, least: float) -> float:
    """How far from the minimum rounding holds a trained line: each step rounds its place and its gradient."""
    return held_off(least, rate, A.u * float(place.norm()), _slope_error(vjp, x, t, place))


def _crossing(place: Tensor) -> float:
    """Where a line is ½ (for a target of 0 and 1) if it is linear."""
    return float((0.5 - place[1]) / place[0])


def _show() -> Demonstration:
    x, t = _tensors(X, T)
    far_x, far_t = _tensors(FAR_X, FAR_T)
    start = torch.zeros(2, dtype=torch.float64)
    line = descend(_linear(x, t), start, LINEAR_RATE, LINEAR_STEPS)[-1]
    curve = descend(_logistic(x, t), start, LOGISTIC_RATE, LOGISTIC_STEPS)[-1]
    far_line = descend(_linear(far_x, far_t), line, FAR_LINEAR_RATE, FAR_LINEAR_STEPS)[-1]
    far_curve = descend(_logistic(far_x, far_t), curve, LOGISTIC_RATE, LOGISTIC_STEPS)[-1]
    figures = (
        *_gradients_by_hand(x, t),
        *_trained(x, t, line, curve),
        *_dragged(far_x, far_t, far_line, curve, far_curve),
    )
    return Demonstration(figures, _picture((line, far_line), (curve, far_curve)))


def _gradients_by_hand(x: Tensor, t: Tensor) -> tuple[Figure, ...]:
    place = torch.tensor((1.0, -0.25), dtype=torch.float64)
    figures = []
    for name, loss, by_hand, operation in (
        ("linear: (2/n) Xᵀ(Xw + b − t)", _linear(x, t), _linear_gradient, LINEAR_REGRESSION),
        ("logistic: (1/n) Xᵀ(p − t)", _logistic(x, t), _logistic_gradient, LOGISTIC_REGRESSION),
    ):
        leaf = place.clone().requires_grad_()
        found = torch.autograd.grad(loss(leaf), leaf)[0]
        assert operation.vjp is not None  # both have a gradient
        figures.append(
            Figure(
                f"distance of the gradient by hand from autograd's, {name}",
                float((found - by_hand(x, t, place)).norm()),
                0.0,
                2 * _slope_error(operation.vjp, x, t, place),
                "either takes the roundings of the closed form, by running error analysis",
            )
        )
    return tuple(figures)


def _trained(x: Tensor, t: Tensor, line: Tensor, curve: Tensor) -> tuple[Figure, ...]:
    slope, intercept = _least_squares(X, T)
    assert LINEAR_REGRESSION.vjp is not None
    assert LOGISTIC_REGRESSION.vjp is not None
    least, _ = _curvatures(x, torch.full_like(t, 2.0))
    left = _distance_left(LINEAR_REGRESSION.vjp, x, t, line, LINEAR_RATE, least)
    why = "a step rounds its place and its gradient, and forgets both by 1 − αμ a step; the start is gone"
    p = torch.sigmoid(x @ curve[:1] + curve[1])
    low, high = _curvatures(x, p * (1 - p))
    logistic_error = _slope_error(LOGISTIC_REGRESSION.vjp, x, t, curve)
    logistic_left = _distance_left(LOGISTIC_REGRESSION.vjp, x, t, curve, LOGISTIC_RATE, low)
    return (
        Figure("slope of the trained line, 5/33", float(line[0]), float(slope), left + A.u, why),
        Figure("its intercept, 1/2", float(line[1]), float(intercept), left + A.u, why),
        Figure(
            "length of (1/n) Xᵀ(p − t) where logistic regression has been trained to",
            float(_logistic_gradient(x, t, curve).norm()),
            0.0,
            high * logistic_left + logistic_error,
            "the place is as far off as a step's roundings hold it, times the greatest curvature, and the "
            "gradient by its own roundings",
        ),
    )


def _dragged(x: Tensor, t: Tensor, line: Tensor, curve: Tensor, far_curve: Tensor) -> tuple[Figure, ...]:
    slope, intercept = _least_squares(FAR_X, FAR_T)
    crossing = (Fraction(1, 2) - intercept) / slope
    assert LINEAR_REGRESSION.vjp is not None
    least, _ = _curvatures(x, torch.full_like(t, 2.0))
    left = _distance_left(LINEAR_REGRESSION.vjp, x, t, line, FAR_LINEAR_RATE, least)
    near, targets = _tensors(X, T)
    wrong = (((near @ line[:1] + line[1]) > 0.5) != (targets == 1)).sum()
    before = (((near @ curve[:1] + curve[1]) > 0) != (targets == 1)).sum()
    after = (((near @ far_curve[:1] + far_curve[1]) > 0) != (targets == 1)).sum()
    # Newton's step from the old minimum: only the far row pulls there, by p − 1 = −σ(−z).
    p = torch.sigmoid(x @ curve[:1] + curve[1])
    low, _ = _curvatures(x, p * (1 - p))
    pull = float(torch.sigmoid(-(FAR_X[-1] * curve[0] + curve[1]))) * float(np.hypot(FAR_X[-1], 1)) / len(t)
    return (
        Figure(
            "where the line crosses ½ once a far, right row is added (it was 0)",
            _crossing(line),
            float(crossing),
            left * (1 + abs(float(crossing))) / float(slope) + 4 * A.u * (1 + 0.5 / float(slope)),
            "(½ − b)/w: an error of b counts 1/w times, one of w crossing/w times; both steps round",
        ),
        Figure(
            "how far the same row moves the logistic slope and intercept",
            float((far_curve - curve).norm()),
            0.0,
            2 * pull / low,
            "Newton's step is at most the pull, σ(−z)‖(20, 1)‖/n, over the least curvature, which does not "
            "halve on so short a way",
        ),
        Figure("of the ten rows, wrong by the dragged line", float(wrong), 3.0, 0.0, "a count; 2 before"),
        Figure("of the ten rows, wrong by the logistic curve before", float(before), 2.0, 0.0, "a count"),
        Figure("and after", float(after), 2.0, 0.0, "a count"),
    )


def _picture(lines: tuple[Tensor, Tensor], curves: tuple[Tensor, Tensor]) -> Picture:
    x = torch.linspace(-4, 22, 105, dtype=torch.float64)
    return Picture(
        "A far point drags the line and leaves the logistic curve where it was",
        "x",
        "target and prediction",
        (
            Series.of("line, ten points", x[:33], (lines[0][0] * x + lines[0][1])[:33]),
            Series.of("line, with the far point", x, lines[1][0] * x + lines[1][1]),
            Series.of("logistic, ten points", x, torch.sigmoid(curves[0][0] * x + curves[0][1])),
            Series.of("logistic, with the far point", x, torch.sigmoid(curves[1][0] * x + curves[1][1])),
            Series.of("points", FAR_X, FAR_T, "points"),
        ),
        notes=(Note(17.5, 1.02, "far, and right"),),
    )


LESSON = Lesson(
    name="regression_linear_against_logistic",
    title="Linear and logistic regression",
    claim=(
        "Linear regression, trained on the squared error, and logistic regression, trained on the "
        "cross-entropy, part two classes alike."
    ),
    formula="z = xw + b;  ∇ MSE = (2/n) Xᵀ(z − t), 0 at the least-squares line;  ∇ CE = (1/n) Xᵀ(σ(z) − t)",
    holds=False,
    source="Bishop 2006, Pattern Recognition and Machine Learning, 4.1.3 and 4.3.2",
    show=_show,
    condition=(
        "With every row (x, t) there is one at (2c − x, 1 − t): then both boundaries are c. Otherwise a row "
        "pulls the line by z − t, the more the further out it is on the right side too, and the curve by "
        "σ(z) − t, which dies away there."
    ),
    counterexample=(
        "Ten points around 0, and one at x = 20 of the right class: the line's boundary goes from 0 to 0.54 "
        "and takes a third point of ten to the wrong side; the logistic one moves by less than 10⁻⁵."
    ),
)
