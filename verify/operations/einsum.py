"""Sums over named indices: einsum."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed, twice
from verify.operation import (
    Array,
    Batch,
    Cost,
    Domain,
    HardInput,
    Identity,
    Operation,
    Refusal,
    Special,
    Workload,
)
from verify.operations.matmul import hard_products
from verify.records.refusals import not_a_tensor
from verify.records.sampling import normal
from verify.records.summed import of_gradient, ones, ones_for_each, rows
from verify.summation import Summation

_NAN, _INF = np.nan, np.inf


def _parts(equation: str) -> tuple[list[str], str]:
    """The letters of each operand, and those of the result."""
    operands, _, result = equation.partition("->")
    return operands.split(","), result


def _einsum(*operands: Array, equation: str) -> Any:
    return np.einsum(equation, *operands)


def _pairwise(equation: str, *operands: Any) -> Any:
    """The same sum by products of matrices, two operands at a time from left to right."""
    names, result = _parts(equation)
    (x, letters), *rest = (_on_the_diagonal(*pair) for pair in zip(operands, names, strict=True))
    while rest:
        y, others = rest.pop(0)
        later = set(result).union(*(names for _, names in rest))
        x, letters = _of_two(
            *_summed(x, letters, later | set(others)), *_summed(y, others, later | set(letters)), later
        )
    x, letters = _summed(x, letters, set(result))
    return np.transpose(x, tuple(letters.index(letter) for letter in result))


def _entrywise(equation: str, *operands: Any) -> Any:
    """The same sum by products of entries, of which each is stored. No operand has a letter twice."""
    names, result = _parts(equation)
    every = "".join(dict.fromkeys(result + "".join(names)))
    product: Any = 1
    for x, letters in zip(operands, names, strict=True):
        size = dict(zip(letters, x.shape, strict=True))
        ordered = np.transpose(x, tuple(letters.index(c) for c in every if c in letters))
        product = product * np.reshape(ordered, tuple(size.get(c, 1) for c in every))
    return product.sum(axis=tuple(range(len(result), len(every))))


def _on_the_diagonal(x: Any, letters: str) -> tuple[Any, str]:
    """The entries whose repeated indices agree; the letter is then the last one."""
    for letter in dict.fromkeys(letters):
        if letters.count(letter) > 1:
            x = np.diagonal(x, 0, letters.index(letter), letters.rindex(letter))
            letters = letters.replace(letter, "") + letter
    return x, letters


def _summed(x: Any, letters: str, kept: set[str]) -> tuple[Any, str]:
    """Summed over the letters that nothing else has."""
    gone = tuple(i for i, letter in enumerate(letters) if letter not in kept)
    return (x.sum(axis=gone) if gone else x), "".join(letter for letter in letters if letter in kept)


def _of_two(x: Any, letters: str, y: Any, others: str, later: set[str]) -> tuple[Any, str]:
    """Two operands as one product of matrices: (kept, free, summed) by (kept, summed, free)."""
    size = dict(zip(letters + others, (*x.shape, *y.shape), strict=True))
    kept = "".join(c for c in letters if c in others and c in later)
    gone = "".join(c for c in letters if c in others and c not in later)
    rows, columns = ("".join(c for c in own if c not in kept + gone) for own in (letters, others))

    def grouped(operand: Any, names: str, *groups: str) -> Any:
        ordered = np.transpose(operand, tuple(names.index(c) for c in "".join(groups)))
        return np.reshape(ordered, tuple(math.prod(size[c] for c in group) for group in groups))

    left, right = grouped(x, letters, kept, rows, gone), grouped(y, others, kept, gone, columns)
    # With nothing to sum over, a product of a column and a row is one of numbers.
    product = np.matmul(left, right) if gone else left * right
    names = kept + rows + columns
    return np.reshape(product, tuple(size[c] for c in names)), names


def _einsum_vjp_in_steps(g: Any, *operands: Any, equation: str) -> tuple[Any, ...]:
    """As torch's backward: of products of matrices, or of a broadcast product where nothing is summed."""
    names, result = _parts(equation)
    contract = _pairwise if set("".join(names)) - set(result) else _entrywise
    return _einsum_vjp(g, *operands, equation=equation, contract=contract)


def _einsum_vjp(
    g: Any, *operands: Any, equation: str, contract: Callable[..., Any] = np.einsum
) -> tuple[Any, ...]:
    names, result = _parts(equation)
    return tuple(
        _of_operand(contract, g, result, list(zip(operands, names, strict=True)), position)
        for position in range(len(operands))
    )


def _of_operand(
    contract: Callable[..., Any], g: Any, result: str, given: list[tuple[Any, str]], position: int
) -> Any:
    """The sum of g times the other operands over all letters but this operand's."""
    (x, own), before, after = given[position], given[:position], given[position + 1 :]
    size, others = dict(zip(own, x.shape, strict=True)), [*before, *after]
    # From the back to the operand, and on from what comes before it: the order of a backward in steps.
    terms = [(g, result), *reversed(after), *before] if after else [*before, (g, result)]
    # A letter that nothing else has was summed away: the gradient repeats along it.
    present = set(result).union(*(letters for _, letters in others))
    terms += [(np.ones(size[c]), c) for c in size if c not in present]
    # Of an operand with a repeated letter only the diagonal was read.
    fresh = iter(string.ascii_uppercase)
    target = "".join(next(fresh) if c in own[:i] else c for i, c in enumerate(own))
    terms += [(np.eye(size[c]), c + t) for c, t in zip(own, target, strict=True) if c != t]
    equation = f"{','.join(letters for _, letters in terms)}->{target}"
    return contract(equation, *(term for term, _ in terms))


def _einsum_cost(workload: Workload) -> Cost:
    names, result = _parts(workload.options["equation"])
    size = dict(zip("".join(names), (n for shape in workload.shapes for n in shape), strict=True))
    written = float(math.prod(size[c] for c in result))
    terms = math.prod(size.values())
    flops = 2.0 * terms if len(names) > 1 else float(terms)
    return Cost(flops, sum(math.prod(shape) for shape in workload.shapes) + written, written)


def _einsum_batch(workload: Workload) -> Batch | None:
    """Along the first letter of the result, which must not stand for a diagonal."""
    names, result = _parts(workload.options["equation"])
    if not result or any(letters.count(result[0]) > 1 for letters in names):
        return None
    return Batch(tuple(letters.index(result[0]) if result[0] in letters else None for letters in names))


def _einsum_workload(equation: str, *shapes: tuple[int, ...], layout: str = "contiguous") -> Workload:
    label = "+".join("x".join(map(str, shape)) for shape in shapes)
    made = equation.replace(",", "-").replace("->", "-to-")
    suffix = "" if layout == "contiguous" else f"-{layout}"
    return Workload(f"{made}-{label}{suffix}", shapes, {"equation": equation}, layout)


def _product_special(name: str, rows: list[list[float]], result: list[list[float]]) -> Special:
    column = np.array([[1.0], [2.0]])
    return Special(
        name, (np.array(rows), column), np.array(result), "IEEE 754-2019, 6.1, 6.2", {"equation": "ij,jk->ik"}
    )


def _with(hard: tuple[HardInput, ...], **options: Any) -> tuple[HardInput, ...]:
    return tuple(HardInput(h.name, h.build, options, h.far) for h in hard)


_EINSUM = analysed(
    "Σ over the letters that the result lacks",
    _einsum,
    "a product of matrices for each pair of operands: torch.einsum",
    algorithm=lambda *operands, equation: _pairwise(equation, *operands),
)

EINSUM = Operation(
    name="einsum",
    subject="matmul",
    function=lambda *operands, equation: torch.einsum(equation, *operands),
    forward=_EINSUM,
    vjp=analysed(
        "∂x = Σ of G times the other operands over the letters that x lacks",
        _einsum_vjp,
        "a product of matrices for each pair of operands, or a broadcast product where nothing is summed",
        algorithm=_einsum_vjp_in_steps,
    ),
    domain=Domain(
        normal,
        (
            *_with(hard_products(), equation="ij,jk->ik"),
            HardInput("a matrix of one entry", lambda a: (np.array([[-0.0]]),), {"equation": "ii->"}),
        ),
    ),
    check=(
        _einsum_workload("ij,jk->ik", (4, 33), (33, 5)),
        _einsum_workload("bij,bjk->bik", (3, 4, 6), (3, 6, 5), layout="strided"),
        _einsum_workload("i,j->ij", (7,), (9,)),
        _einsum_workload("ii->i", (6, 6), layout="transposed"),
        _einsum_workload("ii->", (41, 41)),
        _einsum_workload("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
        _einsum_workload("ij,ij->j", (5, 5), (5, 5), layout="transposed"),
        _einsum_workload("bi,oij,bj->bo", (4, 3), (2, 3, 5), (4, 5)),
    ),
    bench=(
        _einsum_workload("ij,jk->ik", (512, 512), (512, 512)),
        _einsum_workload("bhqd,bhkd->bhqk", (4, 8, 128, 64), (4, 8, 128, 64)),
        _einsum_workload("ii->", (1024, 1024)),
    ),
    cost=_einsum_cost,
    identities=(
        Identity(
            "without letters of a sum as with ellipses",
            lambda f, *x, equation: f(*x, equation=equation),
            lambda f, *x, equation: f(
                *(t.unsqueeze(0) for t in x), equation=_with_ellipses(equation)
            ).squeeze(0),
            twice(_EINSUM),
        ),
        Identity(
            "einsum = mm",
            lambda f, a, b, equation: f(a, b, equation=equation),
            lambda f, a, b, equation: torch.mm(a, b),
            twice(_EINSUM),
            applies=lambda workload: workload.options["equation"] == "ij,jk->ik",
        ),
        Identity(
            "einsum = diagonal",
            lambda f, x, equation: f(x, equation=equation),
            lambda f, x, equation: x.diagonal(),
            applies=lambda workload: workload.options["equation"] == "ii->i",
        ),
    ),
    special=(
        _product_special("nan", [[_NAN, 0.0], [1.0, _NAN]], [[_NAN], [_NAN]]),
        _product_special("infinities", [[_INF, 1.0], [_INF, -_INF]], [[_INF], [_NAN]]),
    ),
    refuses=(
        Refusal(
            "a letter that no operand has",
            lambda f, tensor: f(tensor(2, 3), tensor(3, 2), equation="ij,jk->il"),
        ),
        Refusal(
            "two operands where one is named", lambda f, tensor: f(tensor(2), tensor(2), equation="i->i")
        ),
        Refusal("sizes 3 and 4 of a letter", lambda f, tensor: f(tensor(3), tensor(4), equation="i,i->")),
        Refusal("a letter twice in the result", lambda f, tensor: f(tensor(2, 2), equation="ij->ii")),
        Refusal("a letter too few", lambda f, tensor: f(tensor(2, 2), equation="i->i")),
        not_a_tensor(1, equation="i->i"),
    ),
    batch=_einsum_batch,
    summations=(
        Summation(lambda f, x: f(rows(x), ones(x), equation="ij,jk->ik")[0, 0]),
        of_gradient(1, lambda x: (ones_for_each(x, 3), x.new_zeros(3, 4)), equation="ij,jk->ik"),
    ),
)


def _with_ellipses(equation: str) -> str:
    names, result = _parts(equation)
    return f"{','.join('...' + letters for letters in names)}->...{result}"
