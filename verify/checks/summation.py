"""Summation: in which order does an operation add, and is its error no more than that order explains?

The order is found by probing (`verify.probes.summation`). Its depth h bounds every error: |ŝ − s| ≤ γ_h Σ|x|
(Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., §4.2). That is the worst case; random terms
come nowhere near it, so that arithmetic of too few bits hides below γ_h once h u is large. They are held to
what random roundings explain. The gradient of what many results hang on is a sum too, and is asked alike:
a batch is longer than most rows.

Every addition makes s_k into s_k(1 + δ_k), |δ_k| ≤ w, so the error of the sum is Σ δ_k s_k over the nodes of
the tree. If each δ_k has mean 0 whatever came before it (Higham & Mary 2019, model 2.1), the sum is a
martingale with steps of at most w|s_k|, and by Azuma's inequality it exceeds λ w √(Σ s_k²) with probability
at most 2 exp(−λ²/2). As no partial sum exceeds Σ|x|, that is at most λ √(n − 1) w Σ|x| in any order.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from verify.case import Case, Point, to_array, to_tensor
from verify.check import Check, Finding, outcome, skipped
from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array
from verify.outcome import Outcome, Worst
from verify.probes.mask import Mask
from verify.probes.summation import Unrevealed, reveal
from verify.probes.tree import Tree
from verify.summation import Summation

# A remainder of every vector width, a whole number of vectors, one more than that, and no power of 2.
LENGTHS = (7, 64, 257, 1000)
FEW = 64
# In a full run also so many, where γₙ of bfloat16 has long been no bound, without asking for the order.
LONG = 8192
# The sum that stagnates at a quarter of its value where one float32 is added to after the other.
MILLIONS = 2**24
# One false alarm in 10^12 outcomes: 2 exp(−λ²/2) = 10⁻¹².
LAMBDA = math.sqrt(2 * math.log(2e12))


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """The order at a few lengths, then the error at each: of random terms, and of those hard to add."""
    for how in case.operation.summations:
        yield from _summed(case, how, seed)


def _summed(case: Case, how: Summation, seed: int) -> Iterator[Outcome]:
    told = True
    for n in LENGTHS:
        tree = None
        # A count of all units must be exact in the stored type, or probes multiply. What cannot be told of
        # a few terms is not asked of more. A backward is the dearest probe: many are left to full runs.
        few = n <= 2 / case.arithmetic.u and (n <= FEW or case.thorough or not how.of)
        if told and few:
            tree, found = _order(case, how, seed, n)
            told = tree is not None
            yield found
        yield from _errors(case, how, seed, n, tree)
    if case.thorough:
        yield from _errors(case, how, seed, LONG, None)
    if case.thorough and _stagnates(case, how):
        terms = case.held((np.full(MILLIONS, 0.1),))[0]
        yield _error(case, how, seed, Point("2²⁴ tenths", (terms,), {}), None, False)


def _errors(case: Case, how: Summation, seed: int, n: int, tree: Tree | None) -> Iterator[Outcome]:
    for name, terms, drawn in _terms(case, seed, n):
        yield _error(case, how, seed, Point(f"{name}, {n} terms", (terms,), {}), tree, drawn)


def _order(case: Case, how: Summation, seed: int, n: int) -> tuple[Tree | None, Outcome]:
    question, point = _question("order", how), Point(f"{n} terms", (), {})
    mask = Mask.of(case.arithmetic, n, how.parts(n))
    if mask is None:
        reason = f"the range of {case.dtype} is too short to tell a large number, a unit and its {n}th apart"
        blank = skipped(CHECK.name, case, seed, reason)
        return None, dataclasses.replace(blank, question=question, point=point.name)
    try:
        tree = reveal(lambda terms: _added(case, how, terms) * how.parts(n), n, mask, seed)
    except Unrevealed as reason:
        # Not to be told is no fault: the error is then held to what holds in any order.
        unseen = Finding(question, math.nan, math.inf, "roundings", remark=f"{reason}.")
        return None, outcome(CHECK.name, case, seed, point, unseen)
    # No claim: n − 1 additions make no path longer than that.
    claimed = how.depth(n) if how.depth is not None else n - 1
    remark = f"The depth of the order in which it adds; documented: {how.source}." if how.source else ""
    figures = {"depth": float(tree.depth), "fused": float(max(map(len, tree.nodes)))}
    finding = Finding(question, tree.depth, claimed, "roundings", None, figures, remark)
    return tree, outcome(CHECK.name, case, seed, point, finding)


def _terms(case: Case, seed: int, n: int) -> Iterator[tuple[str, Array, bool]]:
    """Names and terms to add, and whether they are drawn so that their roundings are random."""
    generator = case.generator(seed, f"{n} terms")
    digits = round(-math.log2(case.arithmetic.u))
    signed, positive = generator.standard_normal(n), generator.uniform(1, 2, n)
    half = np.concatenate([generator.uniform(1, 2, n // 2), generator.uniform(0, 1, n % 2)])
    for name, terms, drawn in (
        ("random signs", signed, True),
        ("positive", positive, True),
        # Half of the digits are the same in all of them.
        ("a large offset", signed + 2.0 ** (digits // 2), False),
        ("cancelling", generator.permutation(np.concatenate([half, -half[: n // 2]])), False),
        ("tenths", np.full(n, 0.1), False),
    ):
        # No partial sum, in any order, may leave the range; a power of 2 rounds nothing.
        most = case.arithmetic.largest / 4 / float(np.sum(np.abs(terms)))
        yield name, case.held((terms * min(1.0, 2.0 ** np.floor(np.log2(most))),))[0], drawn


def _question(question: str, how: Summation) -> str:
    return f"{question} of {how.of}" if how.of else question


def _added(case: Case, how: Summation, terms: Array) -> float:
    tensor = to_tensor(terms, case.dtype, case.device)
    return float(to_array(how.call(case.function, tensor)))


def _error(case: Case, how: Summation, seed: int, point: Point, tree: Tree | None, drawn: bool) -> Outcome:
    (terms,) = point.inputs
    n, computed = len(terms), _added(case, how, terms)
    exact = _exact(terms) / how.parts(n)
    error = float(abs(Fraction(computed) - exact)) if math.isfinite(computed) else math.inf
    scale, value = float(np.sum(np.abs(terms))) / how.parts(n), float(exact)
    bound, figures = _explained(case.arithmetic, how, terms, tree, drawn)
    bound /= how.parts(n)
    if how.parts(n) > 1:
        # A division, or a product with a rounded quotient, of what may have been stored.
        bound += 3 * case.arithmetic.u * (abs(value) + bound)
    stored = float(case.arithmetic.stored(value, bound))
    worst = Worst((), (float(terms[0]).hex(),), computed.hex(), value.hex())
    unit = case.arithmetic.u * scale
    finding = Finding(
        _question("random error" if drawn else "error", how),
        error / unit,
        stored / unit,
        "u Σ|x|",
        worst,
        figures,
        _remark(tree, n),
        blind=stored >= scale,
    )
    return outcome(CHECK.name, case, seed, point, finding)


def _exact(terms: Array) -> Fraction:
    """The sum of terms that are all the same; else to 106 digits, two float64 one after the other."""
    if np.all(terms == terms[0]):
        return len(terms) * Fraction(float(terms[0]))
    nearest = math.fsum(terms)
    return Fraction(nearest) + Fraction(math.fsum([*terms, -nearest]))


def _explained(
    a: Arithmetic, how: Summation, terms: Array, tree: Tree | None, drawn: bool
) -> tuple[float, dict[str, float]]:
    """The largest error that adding these terms can have, or random terms but for one draw in 10^12."""
    n, scale = len(terms), float(np.sum(np.abs(terms)))
    depth = tree.depth if tree else how.depth(n) if how.depth is not None else n - 1
    certain = float(a.gamma(depth)) * scale
    figures = {"depth": float(depth), "terms": float(n)}
    if not drawn:
        return certain, figures
    if tree is None:
        square = (n - 1) * scale**2
    else:
        # What is rounded are the computed partial sums, which differ from the exact ones by less than this.
        square = float(np.sum((np.abs(tree.partial_sums(terms.tolist())) + certain) ** 2))
    return min(certain, LAMBDA * a.w * math.sqrt(square)), figures


def _stagnates(case: Case, how: Summation) -> bool:
    """Whether adding millions one after the other would lose most, and the operation claims better."""
    a = case.arithmetic
    return how.depth is not None and MILLIONS * a.w >= 1 and a.largest > MILLIONS * 0.1


def _remark(tree: Tree | None, n: int) -> str:
    order = "any order explains" if tree is None else f"its order, of depth {tree.depth}, explains"
    return f"More than {order}: some of the {n} terms are lost, cut short or added in too few bits."


def _applies(case: Case) -> bool:
    return bool(case.operation.summations) and case.workload == case.operation.check[0]


CHECK = Check(
    "summation", "In which order are terms added, and does that order explain the error?", examine, _applies
)
