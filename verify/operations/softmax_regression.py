"""Softmax regression: the probabilities softmax(xW + b), trained on the cross-entropy of several classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import analysed, between
from verify.formulas.arithmetic import compounded
from verify.formulas.running_error import Computed
from verify.operation import Array, Domain, HardInput, Identity, Inputs, Operation, Refusal, Special, Workload
from verify.operations.logistic_regression import LOGISTIC_REGRESSION, mean_cross_entropy_steps
from verify.records.derivation import same_gradient
from verify.records.logits import confident, log_softmax, overflowing, softmax, vanishing
from verify.records.refusals import not_a_tensor
from verify.records.regression import cost, no_rows, shapes, share, to_inputs, vectors

_STEPS = (
    "matmul and b, then log_softmax and nll_loss; backwards d − exp(log p) Σd with d = −g/n at the target"
)


def _many_classes(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal rows, class indices, and weights with which Σ xw has spread 1 for any number."""
    x, t, w, b = vectors(generator, workload)
    return x, generator.integers(0, b.size, size=t.shape), w, b


def _softmax_regression(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(x @ w + b, t)


def _chosen(y: Any, t: Array) -> Any:
    return -y[np.arange(t.size), t]


def _mean_negative_log(x: Any, t: Array, w: Any, b: Any) -> Any:
    """The mean of −log p_t. Any shift serves log_softmax, so a maximum of overlapping balls does too."""
    return _chosen(log_softmax(x @ w + b, 1), t).sum() / x.shape[0]


def _log_softmax_steps(z: Any) -> Computed:
    """log_softmax of stored logits, each of which is off by e, at most.

    A change δ of the logits moves z − max z and log p by no more than eₖ + max e: |δₖ − Σ pⱼ δⱼ|. To move
    the exact logits first adds that to what the steps themselves do, and changes every term of theirs by
    exp(eₖ + max e) at most, and their shift and logarithm by that much of their roundings.
    """
    a = z.arithmetic
    logits: Any = Computed(z.value, np.zeros(z.shape), a)
    own: Any = log_softmax(logits, 1)
    moved = z.read + z.read.max(axis=1, keepdims=True)
    furthest = moved.max(axis=1, keepdims=True)
    grown = own.error + (a.of_function("log") + 3 * a.w) * furthest
    return Computed(own.value, moved + np.exp(furthest) * grown, a)


def _exp_steps(y: Computed) -> Computed:
    """exp y. Where float64, in which the analysis is made, has only a 0 for it, it is no exact zero."""
    p, a = np.exp(y), y.arithmetic
    return Computed(p.value, p.error + np.where(p.value == 0, a.smallest_normal, 0.0), a)


def _mean_negative_log_steps(x: Any, t: Array, w: Any, b: Any) -> Any:
    return _summed_as_stored(_chosen(_log_softmax_steps(x @ w + b), t)) / x.shape[0]


def _summed_as_stored(terms: Computed) -> Computed:
    """Σ in any order, each partial sum rounded to the stored type: nll_loss has no wider accumulator."""
    a = terms.arithmetic
    size = (np.abs(terms.value) + terms.read).sum()
    own = compounded((terms.size - 1) * a.u) * size
    return Computed(terms.value.sum(), terms.read.sum() + own + a.smallest, a)


def _gradients(probabilities: Any, g: Any, x: Any, onehot: Any, w: Any, b: Any) -> tuple[Any, None, Any, Any]:
    """The chain rule of the cross-entropy of P = softmax(Z), row by row; runs on arrays, balls and tensors.

        Eᵢ = −log p_t = log Σₖ exp zₖ − z_t    ∂Eᵢ/∂zₖ = exp zₖ / Σ exp − [k = t] = pₖ − [k = t]

    With Y the one-hot targets, E = (1/n) Σᵢ Eᵢ and Z = XW + b,

        ∂E/∂W = (1/n) Xᵀ (P − Y),              ∂E/∂b = (1/n) Σᵢ (pᵢ − yᵢ),    ∂E/∂X = (1/n) (P − Y) Wᵀ.
    """
    e = (probabilities(x @ w + b) - onehot) * share(g, 1, x.shape[0])
    of_x, of_w, of_b = to_inputs(e, x, w)
    return of_x, None, of_w, of_b


def _gradients_as_torch(g: Any, x: Any, onehot: Any, w: Any, b: Any) -> tuple[Any, ...]:
    """d − exp(log p) Σd, with d = −g/n at the target and 0 elsewhere."""
    each = g / x.shape[0]
    e = _exp_steps(_log_softmax_steps(x @ w + b)) * each - onehot * each
    of_x, of_w, of_b = to_inputs(e, x, w)
    return of_x, None, of_w, of_b


def _onehot(t: Array, b: Any) -> Array:
    return np.eye(b.shape[0])[t]


_FORWARD = analysed(
    "E = −(1/n) Σᵢ log softmax(xᵢW + b)_tᵢ",
    _mean_negative_log,
    _STEPS,
    algorithm=_mean_negative_log_steps,
)
_VJP = analysed(
    "∂W = (g/n) Xᵀ(P − Y), ∂b = (g/n) Σ(p − y), ∂X = (g/n) (P − Y) Wᵀ",
    lambda g, x, t, w, b: _gradients(lambda z: softmax(z, 1), g, x, _onehot(t, b), w, b),
    _STEPS,
    algorithm=lambda g, x, t, w, b: _gradients_as_torch(g, x, _onehot(t, b), w, b),
)


def _as_logistic(x: Any, t: Any, w: Any, b: Any) -> tuple[Any, ...]:
    """Two classes as one: the probability of the second is σ of the difference of the logits."""
    return x, t, w[:, 1] - w[:, 0], b[1] - b[0]


_OF_DIFFERENCES = analysed(
    _FORWARD.text,
    _mean_negative_log,
    _STEPS,
    algorithm=lambda *inputs: mean_cross_entropy_steps(*_as_logistic(*inputs)),
)
_SHIFTED = analysed(
    _FORWARD.text,
    _mean_negative_log,
    _STEPS,
    algorithm=lambda x, t, w, b: _mean_negative_log_steps(x, t, w, b + 1),
)


def _textbook_softmax(x: torch.Tensor, t: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return -torch.softmax(x @ w + b, 1).gather(1, t[:, None]).log().mean()


def _logits(target: int, *logits: float) -> Inputs:
    """One row whose only input is 1, and weights that are its logits."""
    return np.array([[1.0]]), np.array([target]), np.array([logits]), np.zeros(len(logits))


def _biases(target: int, *logits: float) -> Inputs:
    """The same logits as biases, which no product rounds."""
    x, t, w, b = _logits(target, *logits)
    return x, t, 0 * w, b + w[0]


SOFTMAX_REGRESSION = Operation(
    name="softmax_regression",
    subject="networks",
    function=_softmax_regression,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        _many_classes,
        (
            HardInput("equal", lambda a: _logits(1, 0.0, 0.0, -0.0)),
            # Every class once, and nothing to tell them by: the gradient is 0.
            HardInput(
                "balanced",
                lambda a: (np.array([[1.0], [1.0]]), np.array([0, 1]), np.zeros((1, 2)), np.zeros(2)),
            ),
            HardInput("sure and right", lambda a: _logits(0, confident(a), 0.0), far=True),
            HardInput("sure and wrong", lambda a: _logits(1, confident(a), 0.0), far=True),
            HardInput("vanishing", lambda a: _logits(1, vanishing(a), 0.0), far=True),
            HardInput(
                "large and close",
                lambda a: _biases(0, overflowing(a), overflowing(a) - 1, overflowing(a) + 1),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("6x5x3", shapes(6, 5, 3)),
        Workload("5x5x5-transposed", shapes(5, 5, 5), layout="transposed"),
        Workload("9x4x2", shapes(9, 4, 2)),
        Workload("4x33x2-strided", shapes(4, 33, 2), layout="strided"),
        Workload("37x2x4", shapes(37, 2, 4)),
        Workload("1x3x35", shapes(1, 3, 35)),
    ),
    bench=(
        Workload("1024x784x10", shapes(1024, 784, 10)),
        Workload("100x4x3", shapes(100, 4, 3)),
        Workload("256x512x5003", shapes(256, 512, 5003)),
        Workload("1023x785x11-strided", shapes(1023, 785, 11), layout="strided"),
    ),
    cost=cost(6),
    identities=(
        same_gradient(
            _VJP,
            lambda x, t, w, b: _gradients(
                lambda z: torch.softmax(z, 1), 1, x, F.one_hot(t, len(b)).to(x.dtype), w, b
            ),
            lambda x, t, w, b: _gradients(lambda z: softmax(z, 1), np.ones(()), x, _onehot(t, b), w, b),
        ),
        Identity(
            "two classes are logistic regression on the difference of the logits",
            lambda f, *inputs: f(*inputs),
            lambda f, x, t, w, b: LOGISTIC_REGRESSION.function(*_as_logistic(x, t.to(x.dtype), w, b)),
            between(_FORWARD, _OF_DIFFERENCES),
            applies=lambda workload: workload.shapes[-1] == (2,),
        ),
        Identity(
            "a constant added to every logit changes nothing",
            lambda f, x, t, w, b: f(x, t, w, b),
            lambda f, x, t, w, b: f(x, t, w, b + 1),
            between(_FORWARD, _SHIFTED),
        ),
    ),
    naive=_textbook_softmax,
    special=(
        Special("nan", _logits(0, 1.0, np.nan), np.array(np.nan), "IEEE 754-2019, 6.2"),
        no_rows(np.zeros(0, dtype=np.int64), np.ones((2, 3)), np.zeros(3)),
    ),
    refuses=(
        Refusal(
            "another number of weights",
            lambda f, tensor: f(tensor(3, 2), _targets(tensor, 0, 1, 0), tensor(4, 2), tensor(2)),
        ),
        Refusal(
            "fewer targets than rows",
            lambda f, tensor: f(tensor(3, 2), _targets(tensor, 0, 1), tensor(2, 2), tensor(2)),
            (ValueError,),
        ),
        Refusal(
            "a target beyond the classes",
            lambda f, tensor: f(tensor(3, 2), _targets(tensor, 0, 2, 1), tensor(2, 2), tensor(2)),
            (IndexError, RuntimeError),
            crashes=True,
        ),
        Refusal(
            "a negative target",
            lambda f, tensor: f(tensor(3, 2), _targets(tensor, 0, -1, 1), tensor(2, 2), tensor(2)),
            (IndexError, RuntimeError),
            crashes=True,
        ),
        not_a_tensor(4),
    ),
)


def _targets(tensor: Any, *classes: int) -> torch.Tensor:
    return torch.tensor(classes, device=tensor().device)
