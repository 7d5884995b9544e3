"""Attention: scaled_dot_product_attention."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify.formulas.analysis import Store, analysed_in_working_type, either, twice
from verify.formulas.axes import summed_to
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    HardInput,
    Identity,
    Inputs,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.records.logits import confident, overflowing, vanishing
from verify.records.refusals import not_a_tensor
from verify.records.sampling import normal

_NAN, _INF = np.nan, np.inf


def _scores(q: Any, k: Any, scale: float | None) -> Any:
    product = np.matmul(q, np.swapaxes(k, -1, -2))
    return product / np.sqrt(0 * product + q.shape[-1]) if scale is None else scale * product


def _root_of_scale(q: Any, scale: float | None) -> Any:
    """In the arithmetic of q. Shapes: (1, ..., 1)."""
    one = 0 * q[(slice(1),) * q.ndim] + 1
    return 1 / np.sqrt(np.sqrt(one * q.shape[-1])) if scale is None else np.sqrt(one * scale)


def _weights(s: Any, masks: tuple[Any, ...], is_causal: bool) -> Any:
    """The softmax of each row of scores; a causal row i sees the keys 0 to i."""
    s = s + masks[0] if masks else s
    allowed = np.tril(np.ones(s.shape[-2:], dtype=bool)) if is_causal else np.ones(s.shape[-2:], dtype=bool)
    # What is not seen may not be the largest either: the first key, which every row sees, stands in.
    s = np.where(allowed, s, s[..., :1])
    # Any shift gives the same quotient, so that it does not matter which of two balls is the larger.
    e = np.where(allowed, np.exp(s - s.max(axis=-1, keepdims=True)), 0 * s)
    return e / e.sum(axis=-1, keepdims=True)


def _attention(
    q: Any, k: Any, v: Any, *masks: Any, is_causal: bool = False, scale: float | None = None
) -> Any:
    return np.matmul(_weights(_scores(q, k, scale), masks, is_causal), v)


def _attention_in_steps(
    store: Store, q: Any, k: Any, v: Any, *masks: Any, is_causal: bool = False, scale: float | None = None
) -> Any:
    left, right = _scaled(q, k, scale)
    p = _weights(np.matmul(left, np.swapaxes(right, -1, -2)), masks, is_causal)
    return np.matmul(store(p), v)


def _scaled(q: Any, k: Any, scale: float | None) -> tuple[Any, Any]:
    """Both factors take the root of the scale: no product is then larger than a score."""
    root = _root_of_scale(q, scale)
    return q * root, k * root


def _attention_vjp(
    g: Any, q: Any, k: Any, v: Any, *masks: Any, is_causal: bool = False, scale: float | None = None
) -> tuple[Any, ...]:
    p = _weights(_scores(q, k, scale), masks, is_causal)
    of_p = np.matmul(g, np.swapaxes(v, -1, -2))
    of_s = p * (of_p - (p * of_p).sum(axis=-1, keepdims=True))
    root = _root_of_scale(q, scale)
    of_product = of_s * root * root
    return (
        np.matmul(of_product, k),
        np.matmul(np.swapaxes(of_product, -1, -2), q),
        np.matmul(np.swapaxes(p, -1, -2), g),
        *(summed_to(of_s, mask.shape) for mask in masks),
    )


def _attention_vjp_in_steps(
    store: Store,
    g: Any,
    q: Any,
    k: Any,
    v: Any,
    *masks: Any,
    is_causal: bool = False,
    scale: float | None = None,
    from_result: bool = False,
) -> tuple[Any, ...]:
    """Σ p ∂p is formed as such, or as Σ g y from the stored result."""
    (left, right), root = _scaled(q, k, scale), _root_of_scale(q, scale)
    p = _weights(np.matmul(left, np.swapaxes(right, -1, -2)), masks, is_causal)
    of_p = np.matmul(g, np.swapaxes(v, -1, -2))
    inner = g * store(np.matmul(store(p), v)) if from_result else p * of_p
    of_s = p * (of_p - inner.sum(axis=-1, keepdims=True))
    return (
        np.matmul(store(of_s), right) * root,
        np.matmul(np.swapaxes(store(of_s), -1, -2), left) * root,
        np.matmul(np.swapaxes(store(p), -1, -2), g),
        *(summed_to(of_s, mask.shape) for mask in masks),
    )


_SOURCE = (
    "Vaswani et al., Attention is all you need (2017), eq. 1; in float32 for narrower types "
    "(torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp), but for the stored factor of a product"
)
_FORWARD = analysed_in_working_type(
    "softmax(scale q kᵀ + mask) v, scale = 1/√E", _attention, _SOURCE, _attention_in_steps
)
_GRADIENT = "∂s = p (g vᵀ − Σ p g vᵀ), ∂q = scale ∂s k, ∂k = scale ∂sᵀ q, ∂v = pᵀ g, ∂mask = ∂s"
_VJP = either(
    analysed_in_working_type(_GRADIENT, _attention_vjp, "softmax's backward", _attention_vjp_in_steps),
    analysed_in_working_type(
        _GRADIENT,
        _attention_vjp,
        "Dao et al., FlashAttention (2022), algorithm 4: Σ p ∂p as Σ g y",
        functools.partial(_attention_vjp_in_steps, from_result=True),
    ),
)


def _column(*numbers: float) -> Array:
    return np.array(numbers).reshape(1, 1, -1, 1)


def _by_score(scores: list[float], *values: float) -> Inputs:
    """One query whose scores are these numbers."""
    return _column(1.0), _column(*scores), _column(*values)


def _by_mask(*mask: float) -> Inputs:
    """One query with moderate scores, to which these numbers are added."""
    return _column(1.0), _column(0.5, -0.5, 0.25), _column(1.0, 2.0, -0.5), np.array([mask])


def _cost(workload: Workload) -> Cost:
    q, k, v = workload.shapes[:3]
    rows = float(math.prod(q[:-1]))
    written = rows * v[-1]
    flops = 2.0 * rows * k[-2] * (q[-1] + v[-1])
    return Cost(flops, sum(math.prod(shape) for shape in workload.shapes) + written, written)


def _batch(workload: Workload) -> Batch | None:
    q, masks = workload.shapes[0], workload.shapes[3:]
    if len(q) < 3:
        return None
    return Batch((0, 0, 0, *(0 if len(m) == len(q) and m[0] == q[0] else None for m in masks)))


def _in_steps(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    *masks: torch.Tensor,
    is_causal: bool = False,
    scale: float | None = None,
) -> torch.Tensor:
    """Step by step, with nothing stored in a type narrower than float32."""
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = q.to(wide) @ k.to(wide).mT * (1 / math.sqrt(q.shape[-1]) if scale is None else scale)
    scores = sum((mask.to(wide) for mask in masks), start=scores)
    if is_causal:
        scores = scores.masked_fill(torch.ones_like(scores[0, 0]).tril() == 0, -torch.inf)
    return (torch.softmax(scores, -1) @ v.to(wide)).to(q.dtype)


def _causal_by_mask(
    f: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, is_causal: bool
) -> torch.Tensor:
    seen = torch.ones(q.shape[-2], k.shape[-2], device=q.device).tril() > 0
    result: torch.Tensor = f(q, k, v, seen)
    return result


def _textbook(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *masks: torch.Tensor) -> torch.Tensor:
    e = sum(masks, start=q @ k.mT / math.sqrt(q.shape[-1])).exp()
    return e / e.sum(-1, keepdim=True) @ v


_PLAIN = ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6))

SCALED_DOT_PRODUCT_ATTENTION = Operation(
    name="scaled_dot_product_attention",
    subject="attention",
    function=F.scaled_dot_product_attention,
    forward=_FORWARD,
    vjp=_VJP,
    domain=Domain(
        normal,
        (
            HardInput("equal scores", lambda a: _by_score([0.5, 0.5, 0.5], 1.0, -2.0, 4.0)),
            HardInput("one key", lambda a: _by_score([2.0], -1.5)),
            HardInput(
                "large and close",
                lambda a: _by_mask(overflowing(a), overflowing(a) - 1, overflowing(a) + 1),
                far=True,
            ),
            HardInput(
                "very negative",
                lambda a: _by_mask(-vanishing(a), -vanishing(a) - 1, 1 - vanishing(a)),
                far=True,
            ),
            HardInput("one wins", lambda a: _by_score([confident(a), 0.0], 1.0, 2.0), far=True),
            HardInput("vanishing", lambda a: _by_score([0.0, -vanishing(a), -1.0], 1.0, 2.0, -0.5), far=True),
        ),
    ),
    check=(
        Workload("2x3x5x4-7", _PLAIN),
        Workload("1x2x6x8-causal", ((1, 2, 6, 8), (1, 2, 6, 8), (1, 2, 6, 8)), {"is_causal": True}),
        # The mask begins at the first query and key, whichever are more: torch's own documentation.
        Workload("1x1x4x5-7-causal", ((1, 1, 4, 5), (1, 1, 7, 5), (1, 1, 7, 5)), {"is_causal": True}),
        Workload("1x1x35x18-37", ((1, 1, 35, 18), (1, 1, 37, 18), (1, 1, 37, 18))),
        Workload("1x1x3x5-37-scale", ((1, 1, 3, 5), (1, 1, 37, 5), (1, 1, 37, 5)), {"scale": 0.3}),
        Workload("2x2x4x3-6-mask", ((2, 2, 4, 3), (2, 2, 6, 3), (2, 2, 6, 3), (4, 6))),
        Workload(
            "2x3x3-5-mask-of-each-transposed",
            ((2, 3, 3), (2, 5, 3), (2, 5, 3), (2, 3, 5)),
            layout="transposed",
        ),
        Workload(
            "2x2x5x5-5-causal-strided", ((2, 2, 5, 5),) * 3, {"is_causal": True, "scale": 0.25}, "strided"
        ),
    ),
    bench=(
        Workload("2x8x512x64", ((2, 8, 512, 64),) * 3),
        Workload("1x2x32x16", ((1, 2, 32, 16),) * 3),
        Workload("2x8x512x64-causal", ((2, 8, 512, 64),) * 3, {"is_causal": True}),
        Workload("2x8x1x64-1023", ((2, 8, 1, 64), (2, 8, 1023, 64), (2, 8, 1023, 64))),
    ),
    cost=_cost,
    identities=(
        Identity(
            "attention = softmax of the scores times the values",
            lambda f, *x, **options: f(*x, **options),
            lambda f, *x, **options: _in_steps(*x, **options),
            twice(_FORWARD),
            applies=lambda workload: len(workload.shapes[0]) == 4,
        ),
        Identity(
            "the order of keys does not matter",
            lambda f, q, k, v, **options: f(q, k, v, **options),
            lambda f, q, k, v, **options: f(q, k.flip(-2), v.flip(-2), **options),
            twice(_FORWARD),
            applies=lambda workload: len(workload.shapes) == 3 and "is_causal" not in workload.options,
        ),
        Identity(
            "is_causal = a mask that lets row i see keys 0 to i",
            lambda f, *x, is_causal: f(*x, is_causal=is_causal),
            _causal_by_mask,
            twice(_FORWARD),
            applies=lambda workload: set(workload.options) == {"is_causal"},
        ),
    ),
    naive=_textbook,
    special=(
        Special(
            "a mask of −inf",
            (
                _column(0.5, -1.0),
                _column(1.0, 3.0),
                _column(4.0, -2.0),
                np.array([[0.0, -_INF], [-_INF, 0.0]]),
            ),
            _column(4.0, -2.0),
            "torch.nn.functional.scaled_dot_product_attention: the mask is added to the scores; exp −∞ = 0",
        ),
        Special(
            "a query of nan",
            (_column(_NAN, 1.0), _column(0.0, 0.0), _column(1.0, 3.0)),
            _column(_NAN, 2.0),
            "IEEE 754-2019, 6.2",
        ),
    ),
    refuses=(
        Refusal(
            "a mask beside is_causal",
            lambda f, tensor: f(*[tensor(1, 1, 2, 3)] * 3, attn_mask=tensor(2, 2), is_causal=True),
        ),
        Refusal(
            "widths 3 and 4",
            lambda f, tensor: f(tensor(1, 1, 2, 3), tensor(1, 1, 2, 4), tensor(1, 1, 2, 4)),
        ),
        Refusal(
            "2 keys and 3 values",
            lambda f, tensor: f(tensor(1, 1, 2, 4), tensor(1, 1, 2, 4), tensor(1, 1, 3, 4)),
            crashes=True,
        ),
        Refusal("vectors", lambda f, tensor: f(tensor(3), tensor(3), tensor(3))),
        Refusal(
            "a mask of int64",
            lambda f, tensor: f(*[tensor(1, 1, 2, 3)] * 3, attn_mask=torch.ones(2, 2, dtype=torch.int64)),
        ),
        Refusal(
            "values of int64",
            lambda f, tensor: f(*[tensor(1, 1, 2, 3)] * 2, torch.ones(1, 1, 2, 3, dtype=torch.int64)),
        ),
        not_a_tensor(3),
    ),
    batch=_batch,
)
