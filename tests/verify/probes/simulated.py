"""Matrix products written on purpose, each of which computes in one way that a probe has to tell."""

from __future__ import annotations

import torch

from verify.wrong_on_purpose.summation import strassen, truncated


def in_sequence(a, b, added=lambda total, x, y: total + x * y):
    """One term of K after the other; `added` rounds."""
    total = a.new_zeros(a.shape[0], b.shape[1])
    for k in range(a.shape[1]):
        total = added(total, a[:, k : k + 1], b[k : k + 1])
    return total


def fused(total, x, y):
    """total + x y with one rounding: exact in float64 but for its own 53 bits."""
    return (total.double() + x.double() * y.double()).to(total.dtype)


def cut(value, bits):
    """float64 cut towards 0 to so many bits."""
    mantissa, exponent = torch.frexp(value)
    return torch.ldexp(torch.trunc(mantissa * 2.0**bits), exponent - bits)


def cutting(total, x, y):
    return cut(total.double() + x.double() * y.double(), 24).float()


def odd_bits(total, x, y):
    """An accumulator of 20 bits, to nearest."""
    exact = total.double() + x.double() * y.double()
    mantissa, exponent = torch.frexp(exact)
    return torch.ldexp(torch.round(mantissa * 2.0**20), exponent - 20).float()


def wide(a, b):
    """Accumulated in float64, stored once."""
    return in_sequence(a.double(), b.double()).to(a.dtype)


def stored_by_cutting(a, b):
    return cut(in_sequence(a.double(), b.double()), 24).float()


def stored_up(a, b):
    exact = in_sequence(a.double(), b.double())
    near = exact.float()
    return torch.where(near.double() < exact, torch.nextafter(near, torch.full_like(near, torch.inf)), near)


def rounded_at_random(a, b, generator=None):
    generator = generator or torch.Generator().manual_seed(0)
    exact = in_sequence(a.double(), b.double())
    mantissa, exponent = torch.frexp(exact)
    lifted = torch.floor(
        mantissa * 2.0**24 + torch.rand(exact.shape, generator=generator, dtype=torch.float64)
    )
    return torch.ldexp(lifted, exponent - 24).float()


class AtRandom:
    """Stochastic rounding with a state of its own: no two calls alike."""

    def __init__(self):
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self, a, b):
        return rounded_at_random(a, b, self.generator)


def flushed(x):
    return torch.where(x.abs() < torch.finfo(x.dtype).smallest_normal, 0 * x, x)


def split(a, b, parts=4):
    """K in parts, each in sequence, then the parts."""
    width = -(-a.shape[1] // parts)
    pieces = [in_sequence(x, y) for x, y in zip(a.split(width, 1), b.split(width, 0), strict=True)]
    return torch.stack(pieces).cumsum(0)[-1] if len(pieces) == 1 else sum(pieces[1:], pieces[0])


def four_at_once(a, b):
    """Blocks of four products aligned with the largest of them and the accumulator, as tensor cores add."""
    total = a.new_zeros(a.shape[0], b.shape[1]).double()
    for k in range(0, a.shape[1], 4):
        members = a[:, k : k + 4, None].double() * b[None, k : k + 4].double()
        members = torch.cat([total[:, None], members], 1)
        _, exponent = torch.frexp(members.abs().amax(1, keepdim=True))
        aligned = torch.ldexp(torch.trunc(torch.ldexp(members, 24 - exponent)), exponent - 24)
        total = cut(aligned.sum(1), 24)
    return total.to(a.dtype)


def by_rows(a, b):
    """Another order for one row than for many."""
    return in_sequence(a.flip(1), b.flip(0)) if len(a) == 1 else in_sequence(a, b)


PRODUCTS = {
    "float32 in sequence": in_sequence,
    "fused multiply-add": lambda a, b: in_sequence(a, b, fused),
    "float64 accumulator": wide,
    "float16 accumulator": lambda a, b: in_sequence(a.half(), b.half()).to(a.dtype),
    "20 bits": lambda a, b: in_sequence(a, b, odd_bits),
    "partial sums cut off": lambda a, b: in_sequence(a, b, cutting),
    "results cut off": stored_by_cutting,
    "results rounded up": stored_up,
    "results rounded at random": AtRandom(),
    "operands cut to 11 bits": lambda a, b: in_sequence(truncated(a, 11), truncated(b, 11), fused),
    "operands rounded to bfloat16": lambda a, b: in_sequence(
        a.bfloat16().float(), b.bfloat16().float(), fused
    ),
    "left operand rounded to bfloat16": lambda a, b: in_sequence(a.bfloat16().float(), b, fused),
    "operands flushed": lambda a, b: in_sequence(flushed(a), flushed(b)),
    "results flushed": lambda a, b: flushed(in_sequence(a, b)),
    "Strassen": strassen,
    "K in four parts": split,
    "four at once": four_at_once,
    "one row in another order": by_rows,
    "an entry lost": lambda a, b: in_sequence(a, b) * (torch.arange(b.shape[1]) != 5),
}
