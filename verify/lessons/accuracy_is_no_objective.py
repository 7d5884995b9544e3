"""Accuracy is no objective: it is flat almost everywhere and jumps in between; cross-entropy does neither."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from verify.formulas.arithmetic import Arithmetic
from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Note, Picture, Series

A = Arithmetic.of("float64")
# What a model gives the right class of five samples, all but the one that moves: three right, one wrong.
OTHERS = (0.9, 0.8, 0.7, 0.2)
SAMPLES = len(OTHERS) + 1
BEFORE, AFTER = 0.499, 0.501
THRESHOLD = 0.5
INTERVALS = 1000
RATE, STEPS = 0.25, 4


def _all(p: Tensor) -> Tensor:
    return torch.cat((torch.tensor(OTHERS, dtype=torch.float64), p.reshape(1)))


def _accuracy(p: Tensor) -> Tensor:
    """The share of samples of which the right class has more than half of the probability."""
    return (_all(p) > THRESHOLD).to(torch.float64).mean()


def _cross_entropy(p: Tensor) -> Tensor:
    """The mean of −log p: binary cross-entropy with the right class as target."""
    probabilities = _all(p)
    return functional.binary_cross_entropy(probabilities, torch.ones_like(probabilities))


def _at(function: Callable[[Tensor], Tensor], p: float) -> float:
    return float(function(torch.tensor(p, dtype=torch.float64)))


def _derivative(function: Callable[[Tensor], Tensor], p: float) -> float:
    """Autograd's derivative; 0 where it hands out none."""
    place = torch.tensor(p, dtype=torch.float64, requires_grad=True)
    value = function(place)
    return float(torch.autograd.grad(value, place)[0]) if value.requires_grad else 0.0


def _quotient(function: Callable[[Tensor], Tensor], low: float, high: float) -> float:
    return (_at(function, high) - _at(function, low)) / (high - low)


def _descended(function: Callable[[Tensor], Tensor]) -> float:
    """The probability 0.40 after a few steps against the derivative of a loss."""
    p = 0.40
    for _ in range(STEPS):
        p -= RATE * _derivative(function, p)
    return p


def _entropy_error() -> float:
    """What rounding does to the cross-entropy: a log of each sample, their sum and the quotient."""
    size = sum(-math.log(p) for p in (*OTHERS, 0.40)) / SAMPLES
    return (A.elementary + float(A.gamma(SAMPLES + 1))) * size


def _show() -> Demonstration:
    figures = (*_flat(), *_jump(), *_smooth())
    places = torch.linspace(0.05, 0.95, 181, dtype=torch.float64).tolist()
    edges = (0.05, THRESHOLD, 0.95)
    picture = Picture(
        "Accuracy is flat, and jumps where p passes ½; cross-entropy slopes everywhere",
        "probability p of the right class of one of five samples",
        "accuracy, loss",
        (
            Series.of("accuracy", edges, [_at(_accuracy, p + 1e-9) for p in edges], "steps"),
            Series.of("cross-entropy", places, [_at(_cross_entropy, p) for p in places]),
            Series.of(
                "p = 0.40, 0.45, 0.499 and 0.501",
                2 * (0.40, 0.45, BEFORE, AFTER),
                [_at(f, p) for f in (_accuracy, _cross_entropy) for p in (0.40, 0.45, BEFORE, AFTER)],
                "points",
            ),
        ),
        notes=(Note(AFTER, 0.8, "0.6 → 0.8"),),
    )
    return Demonstration(figures, picture)


def _flat() -> tuple[Figure, ...]:
    steps = [k / INTERVALS for k in range(INTERVALS + 1)]
    values = [_at(_accuracy, p) for p in steps]
    return (
        Figure(
            "what p from 0.40 to 0.45 adds to the accuracy",
            _at(_accuracy, 0.45) - _at(_accuracy, 0.40),
            0.0,
            0.0,
            "three of five before and after: the same number",
        ),
        Figure(
            "derivative of the accuracy at 0.40",
            _derivative(_accuracy, 0.40),
            0.0,
            0.0,
            "a count has no derivative but 0; torch hands out none",
        ),
        Figure(
            "intervals of 1000 from p = 0 to 1 in which the accuracy changes",
            float(_changes(values)),
            1.0,
            0.0,
            "a count: the interval that starts at ½",
        ),
        Figure(
            "p = 0.40 after four steps along the derivative of the accuracy",
            _descended(lambda p: -_accuracy(p)),
            0.40,
            0.0,
            "0.40 − 0 is exact",
        ),
    )


def _changes(values: Sequence[float]) -> int:
    return sum(a != b for a, b in itertools.pairwise(values))


def _jump() -> tuple[Figure, ...]:
    # Places and accuracies are rounded by u, which their differences feel; the differences are exact.
    relative = (BEFORE + AFTER) / (AFTER - BEFORE) + (0.6 + 0.8) / 0.2 + 1
    return (
        Figure(
            "accuracy at p = 0.499",
            _at(_accuracy, BEFORE),
            3 / SAMPLES,
            2 * A.u * 3 / SAMPLES,
            "3/5, a quotient rounded here and there",
        ),
        Figure(
            "accuracy at p = 0.501",
            _at(_accuracy, AFTER),
            4 / SAMPLES,
            2 * A.u * 4 / SAMPLES,
            "4/5, a quotient rounded here and there",
        ),
        Figure(
            "difference quotient of the accuracy from 0.499 to 0.501",
            _quotient(_accuracy, BEFORE, AFTER),
            100.0,
            A.u * relative * 100,
            "0.2/0.002: the places are rounded by 500 u of their difference, the accuracies by 7 u of "
            "theirs, and the quotient once more",
        ),
        Figure(
            "the same from ½ − 2⁻²⁰ to ½ + 2⁻²⁰, times their distance",
            _quotient(_accuracy, THRESHOLD - 2.0**-20, THRESHOLD + 2.0**-20) * 2.0**-19,
            0.2,
            A.u * ((0.6 + 0.8) / 0.2 + 1) * 0.2,
            "the jump is 1/5 at any distance, rounded by 7 u, and u here: there is no slope to settle at",
        ),
    )


def _smooth() -> tuple[Figure, ...]:
    why = "−1/(np): the place, the quotient and the share 1/n round, here and there"
    slopes = tuple(
        Figure(
            f"derivative of the cross-entropy at {p:g}",
            _derivative(_cross_entropy, p),
            -1 / (SAMPLES * p),
            # torch divides p − 1 by p (1 − p): three more roundings, one of them of a difference.
            8 * A.u / (SAMPLES * p),
            f"{why}; torch divides p − 1 by (1 − p) p",
        )
        for p in (0.40, BEFORE, AFTER)
    )
    exact = -math.log(AFTER / BEFORE) / (SAMPLES * (AFTER - BEFORE))
    place = 2 * A.u * (BEFORE + AFTER) / (AFTER - BEFORE) * abs(exact)
    return (
        *slopes,
        Figure(
            "difference quotient of the cross-entropy from 0.499 to 0.501",
            _quotient(_cross_entropy, BEFORE, AFTER),
            exact,
            2 * _entropy_error() / (AFTER - BEFORE) + place + _log_error() * abs(exact),
            "−ln(0.501/0.499)/0.01: two losses, each with a log's error and the sum's, over the distance",
        ),
        Figure(
            "what p from 0.40 to 0.45 takes off the cross-entropy",
            _at(_cross_entropy, 0.40) - _at(_cross_entropy, 0.45),
            math.log(0.45 / 0.40) / SAMPLES,
            2 * _entropy_error() + 5 * A.u,
            "ln(9/8)/5: two losses, each with a log's error and the sum's, and the roundings of the places",
        ),
        Figure(
            "p = 0.40 after four steps against the derivative of the cross-entropy",
            _descended(_cross_entropy),
            _descended_exactly(),
            STEPS * 4 * A.u,
            "a step p + 0.05/p shrinks errors; it adds 8 u of 1/8 or less, and u of p here and there",
        ),
    )


def _log_error() -> float:
    """The relative error of ln(0.501/0.499): a quotient near 1, whose rounding the log feels."""
    return 3 * A.u / math.log(AFTER / BEFORE) + A.elementary


def _descended_exactly() -> float:
    p = 0.40
    for _ in range(STEPS):
        p += RATE / (SAMPLES * p)
    return p


LESSON = Lesson(
    name="accuracy_is_no_objective",
    title="Accuracy is no objective",
    claim="Accuracy is what is wanted, so accuracy is what descent should be run on.",
    formula="(1/n) Σ [pᵢ > ½] has slope 0 and jumps of 1/n;  −(1/n) Σ log pᵢ has slope −1/(n p) everywhere",
    holds=False,
    source="Goodfellow, Bengio & Courville 2016, Deep Learning, 8.1.2, surrogate loss functions",
    show=_show,
    condition=(
        "The search takes no derivative. The accuracy's is 0 wherever no sample has a probability of exactly "
        "½, and there it has none."
    ),
    counterexample=(
        "Five samples, three right: p from 0.40 to 0.45 changes nothing, p from 0.499 to 0.501 takes the "
        "accuracy from 0.6 to 0.8, a slope of 100; the cross-entropy's slopes there are −0.5 and −0.4."
    ),
)
