"""Cross-entropy, with class indices and with probabilities, and the negative log-likelihood."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.arithmetic import Arithmetic, compounded
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    Formula,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.softmax import (
    confident,
    exponential_error,
    log_softmax,
    log_softmax_bound,
    overflowing,
    softmax,
    vanishing,
)
from verify.records.loss import UNKNOWN_REDUCTION
from verify.records.refusals import not_a_tensor
from verify.records.sampling import first_of_all, logits_and_targets

# Powers of two: a weight then scales without rounding, and what is measured is the loss itself.
_WEIGHT = (0.5, 1.0, 2.0, 0.25, 1.0, 4.0, 0.5, 1.0)

_INDEX_CHECK = (
    Workload("6x10", ((6, 10), (6,))),
    Workload("5x8-sum", ((5, 8), (5,)), {"reduction": "sum"}),
    Workload("4x37", ((4, 37), (4,))),
    Workload("4x8-none-weight", ((4, 8), (4,)), {"reduction": "none", "weight": _WEIGHT}),
    Workload("9x3-ignore", ((9, 3), (9,)), {"ignore_index": 1}),
    Workload(
        "12x8-weight-ignore-strided", ((12, 8), (12,)), {"weight": _WEIGHT, "ignore_index": 2}, "strided"
    ),
    Workload("5x4-none-ignore", ((5, 4), (5,)), {"reduction": "none", "ignore_index": 0}),
)
_INDEX_BENCH = (
    Workload("1024x1000", ((1024, 1000), (1024,))),
    Workload("32x10", ((32, 10), (32,))),
    Workload("64x50257", ((64, 50257), (64,))),
    Workload("1023x1025-strided", ((1023, 1025), (1023,)), layout="strided"),
)


def _of_rows(workload: Workload) -> Batch | None:
    """Rows are independent as long as they are not reduced."""
    return first_of_all(workload) if workload.options.get("reduction") == "none" else None


def _classes(tensor: Any, *indices: int) -> torch.Tensor:
    return torch.tensor(indices, device=tensor().device)


def _reduces_as_unknown(f: Any, tensor: Any) -> Any:
    return f(tensor(2, 3), _classes(tensor, 0, 1), reduction="max")


# A device that does not look at an index reads outside of its row, and may not come back.
_INDEX_REFUSES = (
    Refusal(
        "a class too high",
        lambda f, tensor: f(tensor(2, 3), _classes(tensor, 0, 3)),
        (IndexError, RuntimeError),
        crashes=True,
    ),
    Refusal(
        "a class below 0",
        lambda f, tensor: f(tensor(2, 3), _classes(tensor, 0, -1)),
        (IndexError, RuntimeError),
        crashes=True,
    ),
    Refusal("one class for two rows", lambda f, tensor: f(tensor(2, 3), _classes(tensor, 0)), (ValueError,)),
    Refusal("classes that are no whole numbers", lambda f, tensor: f(tensor(2, 3), tensor(2))),
    Refusal("reduction='max'", _reduces_as_unknown, (ValueError,)),
)


def _row_by_row(
    name: str, source: str, *rows: tuple[tuple[float, float], int, float], **options: Any
) -> Special:
    x, target, loss = zip(*rows, strict=True)
    return Special(
        name, (np.array(x), np.array(target)), np.array(loss), source, {"reduction": "none", **options}
    )


_IGNORED = "torch.nn.CrossEntropyLoss and NLLLoss: an ignored target contributes nothing"
_INDEX_SPECIAL = (
    _row_by_row("nan", "IEEE 754-2019, 6.2", ((math.nan, -1.0), 0, math.nan)),
    _row_by_row("nan in an ignored row", _IGNORED, ((math.nan, -1.0), 1, 0.0), ignore_index=1),
    _row_by_row("impossible", "log 0 = −∞ (IEEE 754-2019, 9.2.1)", ((-math.inf, 0.0), 0, math.inf)),
    Special(
        "empty",
        (np.zeros((0, 3)), np.zeros(0, dtype=np.int64)),
        np.zeros(()),
        "an empty sum is 0",
        {"reduction": "sum"},
    ),
)


def _with_weight(loss: Any) -> Any:
    """A torch loss that takes its class weights as plain numbers, in the dtype of its input."""

    def function(x: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
        weight = options.pop("weight", None)
        tensor = None if weight is None else torch.tensor(weight, dtype=x.dtype, device=x.device)
        result: torch.Tensor = loss(x, target, weight=tensor, **options)
        return result

    return function


def _coefficients(x: Array, target: Array, options: dict[str, Any]) -> tuple[Array, Array]:
    """The weight with which each log-probability enters its row's loss, and each row's share of a mean.

    Rows whose target is ignored weigh nothing. Shapes: (rows, classes) and (rows,).
    """
    weight = np.array(options.get("weight") or np.ones(x.shape[1]))
    kept = target != options.get("ignore_index", -100)
    chosen = np.where(kept, target, 0)
    share = kept * weight[chosen]
    onehot = np.arange(x.shape[1]) == chosen[:, None]
    smoothing = options.get("label_smoothing", 0.0)
    rows = (1 - smoothing) * onehot * share[:, None]
    if smoothing:
        # ε/C is rounded in float64; ε·w is exact and is divided by C in the arithmetic of x.
        rows = rows + (0 * x + smoothing * kept[:, None] * weight) / x.shape[1]
    return rows, share


def _reduced(rows: Array, share: Array, reduction: str) -> Array:
    if reduction == "none":
        return rows
    return rows.sum() / share.sum() if reduction == "mean" else rows.sum()


def _spread_cotangent(g: Array, share: Array, reduction: str) -> Array:
    """The cotangent of each row's loss. Shapes: (rows, 1)."""
    rows = np.broadcast_to(np.asarray(g), share.shape)
    return (rows / share.sum() if reduction == "mean" else rows)[:, None]


def _nll(y: Array, target: Array, **options: Any) -> Array:
    coefficients, share = _coefficients(y, target, options)
    return _reduced(-(coefficients * y).sum(axis=1), share, options.get("reduction", "mean"))


def _nll_bound(a: Arithmetic, y: Array, target: Array, **options: Any) -> Array:
    # Each term rounds once, the rows are summed in any order and in the stored type, the mean divides.
    coefficients, share = _coefficients(y, target, options)
    size = _reduced((coefficients * np.abs(y)).sum(axis=1), share, options.get("reduction", "mean"))
    return compounded((target.size + 3) * a.u) * size


def _nll_vjp(g: Array, y: Array, target: Array, **options: Any) -> tuple[Array, None]:
    coefficients, share = _coefficients(y, target, options)
    return -coefficients * _spread_cotangent(g, share, options.get("reduction", "mean")), None


def _nll_vjp_bound(a: Arithmetic, g: Array, y: Array, target: Array, **options: Any) -> tuple[Array, None]:
    # The share of a mean is a rounded sum and a quotient; then one product.
    gradient, _ = _nll_vjp(g, y, target, **options)
    return compounded((target.size + 3) * a.u) * np.abs(gradient), None


def _index_cost(flops: float) -> Any:
    def cost(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, n)

    return cost


def _log_probabilities(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Logarithms of probabilities, and one class index a row."""
    logits, target = logits_and_targets(generator, workload)
    return log_softmax(logits, 1), target


NLL_LOSS = Operation(
    name="nll_loss",
    subject="losses",
    function=_with_weight(F.nll_loss),
    forward=Formula("−Σᵢ w_tᵢ yᵢ,tᵢ / Σᵢ w_tᵢ", _nll, _nll_bound, "γₙ of a weighted sum, Higham 2002, §4.2"),
    vjp=Formula(
        "∂yᵢ,c = −g w_c [c = tᵢ] / Σ w", _nll_vjp, _nll_vjp_bound, "two roundings and the sum of weights"
    ),
    domain=Domain(
        _log_probabilities,
        (
            HardInput("certain", lambda a: (np.array([[0.0, -100.0], [-100.0, 0.0]]), np.array([0, 1]))),
            HardInput("far", lambda a: (np.array([[-1.0, -3e4], [-2.0, -5e4]]), np.array([1, 1])), far=True),
        ),
    ),
    check=_INDEX_CHECK,
    bench=_INDEX_BENCH,
    # Only the chosen entries are read.
    cost=lambda workload: Cost(2.0 * workload.shapes[0][0], 2.0 * workload.shapes[0][0]),
    identities=(
        Identity(
            "nll_loss(4y) = 4 nll_loss(y)",
            lambda f, y, t, **options: f(4 * y, t, **options),
            lambda f, y, t, **options: 4 * f(y, t, **options),
        ),
        Identity(
            "nll_loss = −mean of the picked entries",
            lambda f, y, t: f(y, t),
            lambda f, y, t: -y.gather(1, t[:, None]).mean(),
            lambda a, y, t: 2 * a.stored(_nll(y, t), _nll_bound(a, y, t)),
            applies=lambda workload: not workload.options,
        ),
    ),
    special=_INDEX_SPECIAL,
    refuses=_INDEX_REFUSES,
    batch=_of_rows,
)


def _cross_entropy(x: Array, target: Array, **options: Any) -> Array:
    return _nll(log_softmax(x, 1), target, **options)


def _cross_entropy_bound(a: Arithmetic, x: Array, target: Array, **options: Any) -> Array:
    # torch stores log_softmax and hands it to nll_loss: the first's error enters with nll's coefficients.
    y = log_softmax(x, 1)
    coefficients, share = _coefficients(y, target, options)
    entry = log_softmax_bound(a, x, 1) + a.u * np.abs(y)
    carried = _reduced((coefficients * entry).sum(axis=1), share, options.get("reduction", "mean"))
    terms = target.size + (x.shape[1] if options.get("label_smoothing") else 0)
    size = _reduced((coefficients * np.abs(y)).sum(axis=1), share, options.get("reduction", "mean"))
    return carried + compounded((terms + 7) * a.u) * (size + carried)


def _cross_entropy_vjp(g: Array, x: Array, target: Array, **options: Any) -> tuple[Array, None]:
    coefficients, share = _coefficients(x, target, options)
    rows = _spread_cotangent(g, share, options.get("reduction", "mean"))
    return (softmax(x, 1) * coefficients.sum(axis=1, keepdims=True) - coefficients) * rows, None


def _cross_entropy_vjp_bound(
    a: Arithmetic, g: Array, x: Array, target: Array, **options: Any
) -> tuple[Array, None]:
    # d − exp(ŷ)Σd with d the stored gradient of nll_loss and ŷ the stored log_softmax.
    coefficients, share = _coefficients(x, target, options)
    d = np.abs(coefficients * _spread_cotangent(g, share, options.get("reduction", "mean")))
    total = d.sum(axis=1, keepdims=True)
    y = log_softmax(x, 1)
    p = np.exp(y)
    of_d = compounded((target.size + 7) * a.u)
    of_p = exponential_error(a, y, log_softmax_bound(a, x, 1) + a.u * np.abs(y))
    of_total = compounded(a.gamma(x.shape[1]) + of_d)
    product_error = total * (of_p + of_total * (p + of_p))
    return of_d * d + product_error * (1 + a.u) + a.u * (d + 2 * p * total) + a.smallest, None


def _pair(gap: float, target: int) -> Inputs:
    return np.array([[gap, 0.0]]), np.array([target])


_FAR_LOGITS = (
    HardInput("sure and right", lambda a: _pair(confident(a), 0), far=True),
    HardInput("sure and wrong", lambda a: _pair(confident(a), 1), far=True),
    HardInput("vanishing", lambda a: _pair(vanishing(a), 1), far=True),
    HardInput(
        "large and close",
        lambda a: (np.array([[overflowing(a) + step for step in (0, -1, 1)]]), np.array([0])),
        far=True,
    ),
    HardInput("equal", lambda a: (np.array([[2.0, 2.0, 2.0, 2.0]]), np.array([3]))),
)


def _rows_of_gradient(f: Any, x: torch.Tensor, t: torch.Tensor, **options: Any) -> torch.Tensor:
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x, t, **options).sum(), x)
    return gradient.double().sum(1)


def _one(x: Array, options: dict[str, Any]) -> Array:
    return np.ones(x.shape[0] if options.get("reduction") == "none" else ())


CROSS_ENTROPY = Operation(
    name="cross_entropy",
    subject="losses",
    function=_with_weight(F.cross_entropy),
    forward=Formula(
        "−Σᵢ w_tᵢ log softmax(xᵢ)_tᵢ / Σᵢ w_tᵢ",
        _cross_entropy,
        _cross_entropy_bound,
        "log_softmax's bound (Blanchard, Higham & Higham 2021, §3) carried through nll_loss",
    ),
    vjp=Formula(
        "∂xᵢ = g (pᵢ − onehot tᵢ) / n",
        _cross_entropy_vjp,
        _cross_entropy_vjp_bound,
        "d − exp(ŷ)Σd, Higham 2002, §3.1",
    ),
    domain=Domain(logits_and_targets, _FAR_LOGITS),
    check=(
        *_INDEX_CHECK,
        Workload("5x8-smoothing", ((5, 8), (5,)), {"label_smoothing": 0.125, "weight": _WEIGHT}),
        Workload("5x8-smoothing-none", ((5, 8), (5,)), {"label_smoothing": 0.25, "reduction": "none"}),
        Workload("7x3-smoothing-ignore", ((7, 3), (7,)), {"label_smoothing": 0.25, "ignore_index": 1}),
    ),
    bench=_INDEX_BENCH,
    cost=_index_cost(5),
    identities=(
        Identity(
            "cross_entropy = nll_loss of log_softmax",
            lambda f, x, t, **options: f(x, t, **options),
            lambda f, x, t, **options: _with_weight(F.nll_loss)(F.log_softmax(x, 1), t, **options),
            lambda a, x, t, **options: (
                2 * a.stored(_cross_entropy(x, t, **options), _cross_entropy_bound(a, x, t, **options))
            ),
            applies=lambda workload: "label_smoothing" not in workload.options,
        ),
        Identity(
            "class indices = their one-hot probabilities",
            lambda f, x, t: f(x, t),
            lambda f, x, t: F.cross_entropy(x, F.one_hot(t, x.shape[1]).to(x.dtype)),
            lambda a, x, t: 2 * a.stored(_cross_entropy(x, t), _cross_entropy_bound(a, x, t)),
            applies=lambda workload: not workload.options,
        ),
        Identity(
            "rows of the gradient sum to 0",
            _rows_of_gradient,
            lambda f, x, t, **options: torch.zeros(x.shape[0], dtype=torch.float64, device=x.device),
            lambda a, x, t, **options: _cross_entropy_vjp_sum_bound(a, x, t, options),
        ),
    ),
    naive=lambda x, target: -torch.softmax(x, 1).gather(1, target[:, None]).log().mean(),
    special=_INDEX_SPECIAL,
    refuses=_INDEX_REFUSES,
    batch=_of_rows,
)


def _cross_entropy_vjp_sum_bound(a: Arithmetic, x: Array, target: Array, options: dict[str, Any]) -> Array:
    g = _one(x, options)
    gradient, _ = _cross_entropy_vjp(g, x, target, **options)
    bound, _ = _cross_entropy_vjp_bound(a, g, x, target, **options)
    return np.asarray(a.stored(gradient, bound).sum(axis=1))


def _soft(x: Array, q: Array) -> Array:
    return -(q * log_softmax(x, 1)).sum() / x.shape[0]


def _soft_bound(a: Arithmetic, x: Array, q: Array) -> Array:
    y = log_softmax(x, 1)
    carried = (np.abs(q) * (log_softmax_bound(a, x, 1) + a.u * np.abs(y))).sum() / x.shape[0]
    size = (np.abs(q) * np.abs(y)).sum() / x.shape[0]
    return carried + compounded((x.size + 5) * a.u) * (size + carried)


def _soft_vjp(g: Array, x: Array, q: Array) -> tuple[Array, Array]:
    n = x.shape[0]
    return g * (softmax(x, 1) * q.sum(axis=1, keepdims=True) - q) / n, -g * log_softmax(x, 1) / n


def _soft_vjp_bound(a: Arithmetic, g: Array, x: Array, q: Array) -> tuple[Array, Array]:
    n, y = x.shape[0], log_softmax(x, 1)
    d = np.abs(g * q) / n
    total, p, of_d = d.sum(axis=1, keepdims=True), np.exp(y), compounded(4 * a.u)
    of_p = exponential_error(a, y, log_softmax_bound(a, x, 1) + a.u * np.abs(y))
    of_total = compounded(a.gamma(x.shape[1]) + of_d)
    of_x = of_d * d + total * (of_p + of_total * (p + of_p)) * (1 + a.u) + a.u * (d + 2 * p * total)
    of_q = np.abs(g) / n * (log_softmax_bound(a, x, 1) + compounded(4 * a.u) * np.abs(y))
    return of_x + a.smallest, of_q + a.smallest


def _logits_and_probabilities(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal logits of spread 2, and the probabilities of a softmax."""
    logits, weights = (generator.standard_normal(shape) for shape in workload.shapes)
    return 2 * logits, softmax(weights, 1)


CROSS_ENTROPY_PROBABILITIES = Operation(
    name="cross_entropy_probabilities",
    subject="losses",
    function=F.cross_entropy,
    forward=Formula(
        "−Σᵢ Σ_c qᵢ,c log softmax(xᵢ)_c / n",
        _soft,
        _soft_bound,
        "log_softmax's bound (Blanchard, Higham & Higham 2021, §3) in an inner product, Higham 2002, §3.1",
    ),
    vjp=Formula(
        "∂x = g (p Σq − q)/n, ∂q = −g log p / n",
        _soft_vjp,
        _soft_vjp_bound,
        "d − exp(ŷ)Σd, Higham 2002, §3.1",
    ),
    domain=Domain(
        _logits_and_probabilities,
        (
            HardInput(
                "vanishing", lambda a: (np.array([[vanishing(a), 0.0]]), np.array([[0.5, 0.5]])), far=True
            ),
            HardInput(
                "large and close",
                lambda a: (np.array([[overflowing(a), overflowing(a) - 1]]), np.array([[0.25, 0.75]])),
                far=True,
            ),
        ),
    ),
    check=(
        Workload("4x6", ((4, 6), (4, 6))),
        Workload("7x3-strided", ((7, 3), (7, 3)), layout="strided"),
        Workload("2x37", ((2, 37), (2, 37))),
    ),
    bench=(Workload("1024x1000", ((1024, 1000), (1024, 1000))), Workload("32x10", ((32, 10), (32, 10)))),
    cost=lambda workload: Cost(7.0 * math.prod(workload.shapes[0]), 2.0 * math.prod(workload.shapes[0])),
    identities=(
        Identity(
            "the loss is linear in the target",
            lambda f, x, q: f(x, 2 * q),
            lambda f, x, q: 2 * f(x, q),
            lambda a, x, q: 4 * a.stored(_soft(x, q), _soft_bound(a, x, q)),
        ),
    ),
    naive=lambda x, q: -(q * torch.softmax(x, 1).log()).sum() / x.shape[0],
    special=(
        Special(
            "nan",
            (np.array([[0.0, math.nan], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.5, math.nan]])),
            np.array([math.nan, math.nan]),
            "IEEE 754-2019, 6.2",
            {"reduction": "none"},
        ),
    ),
    refuses=(
        Refusal("3 classes and 4", lambda f, tensor: f(tensor(2, 3), tensor(2, 4))),
        Refusal("ignored", lambda f, tensor: f(tensor(2, 3), tensor(2, 3), ignore_index=1)),
        not_a_tensor(2),
        UNKNOWN_REDUCTION,
    ),
)
