"""Softmax shift: what is left of softmax and its kin without the shift by the maximum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.reference import certify
from verify.lesson import Demonstration, Figure, Lesson
from verify.operation import Array
from verify.picture import Picture, Series
from verify.records.logits import log_softmax, logsumexp, softmax

A = Arithmetic.of("float64")
# Eight logits that sum to 0, so that log Σ exp x ≥ log n at every scale (Jensen); exact at powers of two.
LOGITS = (1.0, -0.75, 0.5, -1.0, 0.25, -0.5, 0.75, -0.25)
TARGET = 3
SCALES = range(-10, 15)
# Of a result that is no number: an error as large as the value.
LOST = 1 / A.u

Row = Callable[[Tensor], Tensor]


def _shifted(x: Tensor) -> Tensor:
    return x - x.max()


# Each function of one row: the exact one in NumPy, then torch's, the shifted and the naive formula.
FUNCTIONS: Mapping[str, tuple[Callable[[Array], Array], Mapping[str, Row]]] = {
    "softmax": (
        lambda x: softmax(x, 0),
        {
            "torch": lambda x: torch.softmax(x, 0),
            "shifted": lambda x: _shifted(x).exp() / _shifted(x).exp().sum(),
            "naive": lambda x: x.exp() / x.exp().sum(),
        },
    ),
    "log_softmax": (
        lambda x: log_softmax(x, 0),
        {
            "torch": lambda x: torch.log_softmax(x, 0),
            "shifted": lambda x: _shifted(x) - _shifted(x).exp().sum().log(),
            "naive": lambda x: (x.exp() / x.exp().sum()).log(),
        },
    ),
    "logsumexp": (
        lambda x: np.asarray(logsumexp(x, 0)),
        {
            "torch": lambda x: torch.logsumexp(x, 0),
            "shifted": lambda x: x.max() + _shifted(x).exp().sum().log(),
            "naive": lambda x: x.exp().sum().log(),
        },
    ),
    "cross_entropy": (
        lambda x: np.asarray(-log_softmax(x, 0)[TARGET]),
        {
            "torch": lambda x: torch.nn.functional.cross_entropy(x[None], torch.tensor([TARGET])),
            "shifted": lambda x: _shifted(x).exp().sum().log() - _shifted(x)[TARGET],
            "naive": lambda x: -(x[TARGET].exp() / x.exp().sum()).log(),
        },
    ),
}
WAYS = ("torch", "shifted", "naive")


def _error(name: str, way: str, scale: int) -> float:
    """The largest error of any entry, in units of u times the largest exact entry; `LOST` at most."""
    x = np.array(LOGITS) * 2.0**scale
    exact, ways = FUNCTIONS[name]
    (enclosure,) = certify(exact, (x,), {}, A)
    assert enclosure is not None  # the formula returns one array
    computed = ways[way](torch.tensor(x)).numpy()
    error = float(np.max(enclosure.error(computed, A))) / float(np.max(np.abs(enclosure.value)))
    return min(error / A.u, LOST) if math.isfinite(error) else LOST


def _bound() -> float:
    """What a shifted formula may err by, in the same unit, whatever the scale.

    With d = max − x ≥ 0, exp(−d) errs relative to the largest of all, 1, by exp's error and, from the
    rounded difference, by u d exp(−d) ≤ u/e. So Σ exp(−d) has the relative error s = elementary + n u/e +
    (n − 1) u; softmax, beside its largest entry, elementary + u/e + s + u; and log Σ the error s +
    elementary log n. The largest of log-softmax's entries and log Σ exp x are at least log n, and add three
    roundings.
    """
    n = len(LOGITS)
    s = A.elementary + n * A.u / math.e + (n - 1) * A.u
    of_log = (s + A.elementary * math.log(n)) / math.log(n) + 3 * A.u
    return max(of_log, A.elementary + A.u / math.e + s + A.u) / A.u


def _first_lost(errors: list[float]) -> float:
    """The exponent of the first scale at which nothing is left."""
    lost = [scale for scale, error in zip(SCALES, errors, strict=True) if error >= LOST / 2]
    return float(lost[0]) if lost else math.inf


def _show() -> Demonstration:
    errors = {
        (name, way): [_error(name, way, scale) for scale in SCALES] for name in FUNCTIONS for way in WAYS
    }
    overflow = math.ceil(math.log2(math.log(A.largest / max(LOGITS))))
    # Half of the smallest number rounds to 0; its logarithm is taken where the number itself exists.
    gap = (math.log(2) - math.log(A.smallest)) / (max(LOGITS) - min(LOGITS))
    underflow = math.ceil(math.log2(gap))
    first = {"softmax": overflow, "logsumexp": overflow, "log_softmax": underflow, "cross_entropy": underflow}
    figures = [
        Figure(
            f"{name}, {way}: the largest error at any scale",
            max(errors[name, way]),
            0.0,
            _bound(),
            "exp's and log's error, and a rounding each of eight differences, seven sums and a quotient",
            "u of the largest entry",
        )
        for name in FUNCTIONS
        for way in ("torch", "shifted")
    ]
    figures += [
        Figure(
            f"{name}, naive: the exponent of the first scale at which it is lost",
            _first_lost(errors[name, "naive"]),
            float(first[name]),
            0.0,
            "exp overflows from ln of the largest number on, 2^9.47; a share of which the logarithm is taken "
            "is 0 from a gap of 745 on, twice a scale of 2^8.54",
        )
        for name in FUNCTIONS
    ]
    worst = {
        way: [max(errors[name, way][i] for name in FUNCTIONS) for i in range(len(SCALES))] for way in WAYS
    }
    picture = Picture(
        "Without the shift by the maximum nothing is left of logits of 2^10",
        "scale of the logits (power of 2)",
        "largest error (u of the largest entry)",
        tuple(
            # Correctly rounded results have no error to be drawn on a logarithmic axis: a hundredth of u.
            Series.of(f"{way}, the worst of four", SCALES, [max(e, 0.01) for e in worst[way]])
            for way in WAYS
        ),
        y_log=True,
    )
    return Demonstration(tuple(figures), picture)


LESSON = Lesson(
    name="softmax_shift",
    title="Does softmax need its shift by the maximum?",
    claim="softmax(x) = exp x / Σ exp x can be computed as it is written.",
    formula="softmax(x) = softmax(x − c);  log Σ exp x = c + log Σ exp(x − c), c = max x",
    holds=False,
    source="Blanchard, Higham & Higham, Accurately computing the log-sum-exp and softmax functions, 2021, §2",
    show=_show,
    condition=(
        "Exactly while no exp overflows and the largest does not underflow; the logarithm of a share, while "
        "no share underflows. Shifted, the error stays below a few roundings of the largest entry at every "
        "scale."
    ),
    counterexample=(
        "Logits up to 1024 in float64: the naive softmax and log-sum-exp are nan and inf, where the shifted "
        "ones err by a few roundings; log-softmax and cross-entropy are lost at 512 already."
    ),
)
