"""Sums of too few bits or terms, in another order than the documented one, or through other blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, Row, faults, through, wrong_backward, wrong_value


def planted() -> tuple[Fault, ...]:
    """Faults that `summation` must see."""
    return (*faults("summation", _TABLE, wrong_value), *faults("summation", _BACKWARD, wrong_backward))


def strassen(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """One level of Strassen's algorithm where the sizes are even: seven products of sums of blocks."""
    if any(size % 2 for size in (*a.shape, b.shape[1])):
        return torch.mm(a, b)
    (p, q), (r, s) = ([*half.chunk(2, 1)] for half in a.chunk(2))
    (e, f), (g, h) = ([*half.chunk(2, 1)] for half in b.chunk(2))
    m = torch.mm
    both, left, low = m(p + s, e + h), m(r + s, e), m(p + q, h)
    right, down = m(p, f - h), m(s, g - e)
    upper, lower = m(q - s, g + h), m(r - p, e + f)
    top = torch.cat([both + down - low + upper, right + low], 1)
    return torch.cat([top, torch.cat([left + down, both - left + right + lower], 1)])


def truncated(x: torch.Tensor, bits: int) -> torch.Tensor:
    """float32 operands cut to so many bits of precision, as TF32 hardware cuts them to 11."""
    return (x.view(torch.int32) & -(1 << (24 - bits))).view(torch.float32)


def pairwise(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The sum along the last dimension in pairs, every one rounded to a type."""
    x = x.to(dtype)
    while x.shape[-1] > 1:
        half = x.shape[-1] // 2
        x = torch.cat([x[..., :half] + x[..., half : 2 * half], x[..., 2 * half :]], -1)
    return x[..., 0] if x.shape[-1] else x.sum(-1)


def cut_towards_zero(x: torch.Tensor) -> torch.Tensor:
    """The sum in sequence, every partial sum cut towards 0 to float32's bits."""
    total = 0.0
    for term in x.double().flatten().tolist():
        mantissa, exponent = math.frexp(total + term)
        total = math.ldexp(math.trunc(mantissa * 2**24), exponent - 24)
    return x.new_tensor(total)


def _from_the_last(x: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.add.accumulate(x.numpy()[::-1])[-1:].copy())[0]


def _in_half(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    products = (a[..., :, None, :] * b.mT[..., None, :, :]).numpy()
    return torch.from_numpy(np.add.accumulate(products, -1)[..., -1].copy())


def _halves_stored(a: torch.Tensor, b: torch.Tensor, **options: Any) -> torch.Tensor:
    half = a.shape[1] // 2
    return torch.mm(a[:, :half], b[:half]) + torch.mm(a[:, half:], b[half:])


def _whole(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    """A sum over everything; over dimensions it is torch's."""
    return lambda x, **options: torch.sum(x, **options) if options else function(x)


def _narrow_tail(x: torch.Tensor) -> torch.Tensor:
    body = len(x.flatten()) // 64 * 64
    return x.flatten()[:body].sum() + x.flatten()[body:].bfloat16().sum().to(x.dtype)


def _cut_after(x: torch.Tensor, most: int) -> torch.Tensor:
    return x.flatten()[:most].sum()


def _narrow_carry(x: torch.Tensor, dim: int) -> torch.Tensor:
    """Blocks of 128 whose sums are carried on in float32."""
    blocks = [torch.cumsum(block, dim) for block in torch.split(x, 128, dim)]
    carry = torch.zeros_like(blocks[0].select(dim, 0))
    for place, block in enumerate(blocks):
        blocks[place] = block + carry.unsqueeze(dim)
        carry = blocks[place].select(dim, -1).float().to(x.dtype)
    return torch.cat(blocks, dim)


_TF32 = 11
_TABLE: tuple[Row, ...] = (
    ("mm", "Strassen's algorithm", strassen, "float64"),
    ("matmul", "bfloat16 operands", through("matmul", torch.bfloat16), "float32"),
    ("mm", "TF32 operands", lambda a, b: torch.mm(truncated(a, _TF32), truncated(b, _TF32)), "float32"),
    ("bmm", "a float16 accumulator", _in_half, "float16"),
    ("sum", "a bfloat16 accumulator", _whole(lambda x: pairwise(x.flatten(), torch.bfloat16)), "bfloat16"),
    ("sum", "one after the other from the last on", _whole(_from_the_last), "float64"),
    ("sum", "partial sums cut towards 0", _whole(cut_towards_zero), "float32"),
    ("sum", "a tail added in bfloat16", _whole(_narrow_tail), "float32"),
    ("sum", "a term dropped beyond 512", _whole(lambda x: _cut_after(x, 999)), "float64"),
    ("mean", "a vector of terms dropped beyond 256", lambda x, **o: torch.mean(x[:256], **o), "float32"),
    ("cumsum", "blocks carried on in float32", _narrow_carry, "float64"),
    ("einsum", "halves stored in bfloat16", _halves_stored, "bfloat16"),
    ("mv", "through float32", through("mv", torch.float32), "float64"),
    ("conv1d", "through float16", through("conv1d", torch.float16), "float32"),
    ("linear", "without the last feature of an odd number", lambda x, w, b=None: _even(x, w, b), "float32"),
    ("dot", "a lane added twice", lambda a, b: torch.dot(a, b) + (a[512:520] * b[512:520]).sum(), "float64"),
    ("addmm", "the products rounded to bfloat16", lambda c, a, b, **o: _rounded(c, a, b), "float32"),
)


def _even(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None) -> torch.Tensor:
    kept = x.shape[-1] // 2 * 2
    return catalogue()["linear"].function(x[..., :kept], w[..., :kept], b)


def _rounded(c: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return c + pairwise((a[:, None, :] * b.mT[None]).bfloat16(), torch.float32)


def _bias(total: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    """The gradient of the last of three inputs is another sum, over all but the second dimension."""

    def backward(
        g: torch.Tensor, y: torch.Tensor, x: list[torch.Tensor], right: tuple[torch.Tensor, ...], options: Any
    ) -> tuple[torch.Tensor, ...]:
        if len(right) < 3 or x[2].ndim != 1:
            return right
        columns = g.movedim(1, 0).flatten(1)
        return (*right[:2], total(columns).to(g.dtype))

    return backward


def _in_sequence(columns: torch.Tensor) -> torch.Tensor:
    """Every partial sum is stored."""
    total = torch.zeros_like(columns[:, 0])
    for column in columns.T:
        total = total + column
    return total


def _without_odd_row(
    g: torch.Tensor, y: torch.Tensor, x: list[torch.Tensor], right: tuple[torch.Tensor, ...], options: Any
) -> tuple[torch.Tensor, ...]:
    kept = len(g) // 2 * 2
    return right[0], torch.mm(x[0][:kept].T, g[:kept])


_BACKWARD: tuple[Row, ...] = (
    # As torch 1.10 had it (https://github.com/pytorch/pytorch/issues/68048).
    ("conv2d", "the gradient of the bias stored after every image", _bias(_in_sequence), "bfloat16"),
    (
        "linear",
        "the gradient of the bias in bfloat16",
        _bias(lambda c: pairwise(c, torch.bfloat16)),
        "float32",
    ),
    ("layer_norm", "the gradient of the bias in float32", _bias(lambda c: c.float().sum(1)), "float64"),
    ("batch_norm", "no gradient of what is beyond 512 images", _bias(lambda c: c[:, :512].sum(1)), "float32"),
    ("mm", "the gradient of the right without the last row of an odd number", _without_odd_row, "float64"),
)
