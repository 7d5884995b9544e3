"""Rounding: how a product's operands, partial sums and results are rounded, told from single entries.

Source: Fasi, Higham, Mikaitis & Pranesh, Numerical behavior of NVIDIA tensor cores, 2021, §3; Muller et al.,
Handbook of Floating-Point Arithmetic, 2nd ed., §4.2 (the residual of a fused multiply-add).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from verify.probes.fact import Fact
from verify.probes.multiplication import Multiplication

# No accumulator that is known has more bits; more are not looked for.
MOST_BITS = 64


def operand(m: Multiplication, side: str) -> Fact:
    """How many bits of an operand's significand reach the product: 1 + 2⁻ᵗ times 1 comes back or does not.

    Fewer than are stored: TF32 keeps 11 of float32's 24, a bfloat16 product 8.
    """
    bits = kept_bits(m, side)
    if bits == m.precision:
        proof = f"(1 + 2^−{bits - 1}) · 1 = 1 + 2^−{bits - 1}"
        return Fact(f"{side} operand, bits", f"all {bits}", proof)
    # Three quarters of the spacing of what is kept above 1.
    came = _one_by(m, side, 1 + 0.75 * 2.0 ** (1 - bits))
    how = (
        "rounded to nearest" if came == 1 + 2.0 ** (1 - bits) else "cut off" if came == 1 else "rounded oddly"
    )
    lost = _one_by(m, side, 1 + 2.0**-bits)
    proof = f"(1 + 2^−{bits}) · 1 = {lost:.9g}, (1 + ¾·2^−{bits - 1}) · 1 = {came:.9g}"
    return Fact(f"{side} operand, bits", f"{bits} of {m.precision}, {how}", proof, regular=False)


def kept_bits(m: Multiplication, side: str) -> int:
    """The most bits p such that 1 + 2^(1−p) times 1 is itself."""
    kept = (t for t in range(1, m.precision) if _one_by(m, side, 1 + 2.0**-t) != 1 + 2.0**-t)
    return next(kept, m.precision)


def _one_by(m: Multiplication, side: str, x: float) -> float:
    return m.entry([x], [1.0]) if side == "left" else m.entry([1.0], [x])


def subnormal_operand(m: Multiplication) -> Fact:
    """Whether the smallest number of all, as an operand, takes part or counts as 0."""
    a = m.arithmetic
    up = a.smallest_normal / a.smallest
    return _kept_or_flushed(
        "subnormal operands", m.entry([a.smallest], [up]), a.smallest * up, a.smallest, up
    )


def subnormal_result(m: Multiplication) -> Fact:
    """Whether a result between 0 and the normal numbers is stored or flushed to 0."""
    normal = m.arithmetic.smallest_normal
    return _kept_or_flushed("subnormal results", m.entry([normal], [0.5]), normal / 2, normal, 0.5)


def _kept_or_flushed(name: str, found: float, expected: float, a: float, b: float) -> Fact:
    value = "kept" if found == expected else "flushed to 0" if found == 0 else "changed"
    proof = f"{power(a)} · {power(b)} = {power(found)}"
    return Fact(name, value, proof, regular=found == expected)


def power(x: float) -> str:
    """A power of 2 as one, any other number in decimals."""
    mantissa, exponent = math.frexp(x)
    return (f"2^{exponent - 1}" if mantissa == 0.5 else f"{x:g}").replace("-", "−")


def residual(m: Multiplication) -> Fact:
    """Whether products are rounded, then added: x² − fl(x²) is 0 only if they are.

    x = 1 + 2^(1−h) for operands of h bits, so that x² = 1 + 2^(2−h) + 2^(2−2h). A fused multiply-add keeps
    the last term where −fl(x²) is already in the accumulator, and not where it comes after; an accumulator of
    2h − 1 bits keeps it in either order.
    """
    h = min(kept_bits(m, "left"), kept_bits(m, "right"))
    x, rounded, left = 1 + 2.0 ** (1 - h), 1 + 2.0 ** (2 - h), 2.0 ** (2 - 2 * h)
    found = []
    for i, j in itertools.permutations(range(min(4, m.size)), 2):
        a, b = [0.0] * 4, [0.0] * 4
        a[i], b[i], a[j], b[j] = x, x, -rounded, 1.0
        found.append(m.entry(a[: m.size], b[: m.size]))
    proof = f"(1 + 2^−{h - 1})² − (1 + 2^−{h - 2}) at two places in either order: {_several(found)}"
    if all(f == left for f in found):
        return Fact("products", "exact until added", proof)
    if all(f == 0 for f in found):
        return Fact("products", "rounded, then added", proof)
    if set(found) == {0.0, left}:
        return Fact("products", "fused multiply-add", proof)
    return Fact("products", "neither rounded nor fused nor exact", proof, regular=False)


def _several(values: list[float]) -> str:
    return " or ".join(power(value) for value in sorted(set(values)))


def accumulator(m: Multiplication) -> Fact:
    """How many bits partial sums have, and how they are rounded: 1 + 2⁻ᵗ − 1 at three places in any order.

    An accumulator of p bits holds 1 + 2^(1−p) and, rounding to nearest, not 1 + 2⁻ᵖ. Three quarters of its
    spacing, added to 1, vanish only where they are cut off.
    """
    # A short range has no room for what is left of 1; a larger 1 might leave that of a narrow accumulator.
    one = 1.0 if m.arithmetic.smallest < 2.0**-MOST_BITS else m.large
    fewest = math.floor(math.log2(one) - math.log2(m.arithmetic.smallest))
    for t in range(1, min(MOST_BITS, fewest) + 1):
        held = _between_ones(m, one, one * 2.0**-t)
        if any(value != one * 2.0**-t for value in held):
            break
    else:
        return Fact("accumulator", f"at least {t + 1} bits", f"1 + 2^−{t} − 1 = 2^−{t} in every order")
    proof = f"1 + 2^−{t} − 1 = {_several([v / one for v in held])}"
    spacing = 2.0 ** (1 - t)
    came = _between_ones(m, one, one * 0.75 * spacing)
    how = "cut off" if 0 in came else "nearest"
    proof += f", 1 + ¾·2^−{t - 1} − 1 = {_several([v / one for v in came])}"
    regular = how == "nearest" and t >= m.working
    return Fact("accumulator", f"{t} bits, {how}", proof, regular)


def _between_ones(m: Multiplication, one: float, small: float) -> list[float]:
    return [m.entry(terms, [1.0] * 3) for terms in itertools.permutations((one, small, -one))]


# How |x|, in units of its spacing, is rounded, if x is positive and if it is negative.
_ROUNDINGS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "nearest even": (round, round),
    "nearest away": (lambda x: math.floor(x + 0.5), lambda x: math.floor(x + 0.5)),
    "towards 0": (math.floor, math.floor),
    "up": (math.ceil, math.floor),
    "down": (math.floor, math.ceil),
}
_QUARTERS = (0.25, 0.5, 0.75, 1.25, 1.5, 1.75)


def storing(m: Multiplication) -> Fact:
    """How a result between two numbers of the stored type is rounded: 1 and quarters of its spacing."""
    spacing = 2 * m.arithmetic.u
    found = [
        [(abs(m.entry([sign, sign * q * spacing], [1.0, 1.0])) - 1) / spacing for q in _QUARTERS]
        for sign in (1.0, -1.0)
    ]
    proof = "1 + q ulp for q = " + ", ".join(f"{q:g}→{r:g}" for q, r in zip(_QUARTERS, found[0], strict=True))
    for name, (positive, negative) in _ROUNDINGS.items():
        if found == [[positive(q) for q in _QUARTERS], [negative(q) for q in _QUARTERS]]:
            return Fact("stored results", name, proof, regular=name == "nearest even")
    if not any(map(any, found)):
        return Fact("stored results", "not told: fewer bits are added in", proof, regular=False)
    return Fact("stored results", "rounded in no standard way", proof, regular=False)
