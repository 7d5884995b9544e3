"""Matrix products: where mm, matmul and @ are one thing, and where mm refuses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Note, Picture, Series

COUNT = "a count is exact"
# Names and pairs of shapes: vectors, a matrix and a vector, matrices, batches, a batch that broadcasts.
PAIRS = (
    ("3 · 3", (3,), (3,)),
    ("2×3 · 3", (2, 3), (3,)),
    ("2×3 · 3×2", (2, 3), (3, 2)),
    ("4×2×3 · 4×3×2", (4, 2, 3), (4, 3, 2)),
    ("3×1×2×3 · 2×3×2", (3, 1, 2, 3), (2, 3, 2)),
)


def _numbers(*shape: int, whole: bool = False) -> Tensor:
    """Fixed entries: whole numbers from −5 to 5, or thirds of them."""
    size = torch.Size(shape).numel()
    numbers = ((7 * torch.arange(size) + size) % 11 - 5).to(torch.float64).reshape(shape)
    return numbers if whole else numbers / 3


def _bits_differ() -> float:
    """Entries in which matmul or @ differ from mm, over five pairs of matrices."""
    differ = 0
    for m, k, n in ((1, 1, 1), (2, 3, 4), (5, 33, 7), (64, 64, 64), (17, 130, 9)):
        a, b = _numbers(m, k), _numbers(k, n)
        wanted = torch.mm(a, b).view(torch.int64)
        differ += int((torch.matmul(a, b).view(torch.int64) != wanted).sum())
        differ += int(((a @ b).view(torch.int64) != wanted).sum())
    return float(differ)


def _entries(
    product: Callable[[Tensor, Tensor], Tensor], left: tuple[int, ...], right: tuple[int, ...]
) -> int:
    """How many entries the product has, 0 where it is refused."""
    try:
        return product(_numbers(*left), _numbers(*right)).numel()
    except RuntimeError:
        return 0


def _broadcast_differs() -> float:
    """Entries of a broadcast product that are not those of its matrices, multiplied one by one."""
    a, b = _numbers(5, 1, 2, 3, whole=True), _numbers(4, 3, 2, whole=True)
    product = torch.matmul(a, b)
    wanted = torch.stack([torch.stack([torch.mm(a[i, 0], b[j]) for j in range(4)]) for i in range(5)])
    return float(product.numel() if product.shape != wanted.shape else (product != wanted).sum())


def _show() -> Demonstration:
    refused = sum(not _entries(torch.mm, left, right) for _, left, right in PAIRS)
    taken = sum(_entries(torch.matmul, left, right) > 0 for _, left, right in PAIRS)
    ones = torch.ones(2, 3, dtype=torch.float64)
    figures = (
        Figure("entries in which mm, matmul and @ differ in any bit", _bits_differ(), 0.0, 0.0, COUNT),
        Figure("pairs of shapes that mm refuses, of 5", float(refused), 4.0, 0.0, COUNT),
        Figure("pairs of shapes that matmul takes, of 5", float(taken), 5.0, 0.0, COUNT),
        Figure(
            "entries of a broadcast product that are not its matrices' own",
            _broadcast_differs(),
            0.0,
            0.0,
            "sums of whole numbers below 2⁵³ are exact in any order",
        ),
        Figure(
            "entry of * on ones, less that of @",
            float((ones * ones)[0, 0] - (ones @ ones.T)[0, 0]),
            -2.0,
            0.0,
            "1·1 against 1 + 1 + 1: whole numbers are exact",
        ),
    )
    picture = Picture(
        "mm takes two matrices; matmul takes them all",
        "shapes",
        "entries of the product",
        tuple(
            Series.of(name, range(len(PAIRS)), [_entries(product, a, b) for _, a, b in PAIRS], "bars")
            for name, product in (("mm", torch.mm), ("matmul, @", torch.matmul))
        ),
        notes=tuple(
            Note(place - 0.49, 0.2, "refused")
            for place, (_, a, b) in enumerate(PAIRS)
            if not _entries(torch.mm, a, b)
        ),
        x_ticks=tuple(name for name, _, _ in PAIRS),
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="matrix_products",
    title="mm, matmul and @",
    claim="`mm`, `matmul` and `@` are three names of one product.",
    formula="(AB)_ij = Σ_k a_ik b_kj; matmul takes the last two dimensions so, and broadcasts the others",
    holds=False,
    source="torch.mm, torch.matmul; PEP 465",
    show=_show,
    condition=(
        "They are exactly if both arguments are matrices; then they agree in every bit. `@` is matmul "
        "always; mm refuses vectors and more than two dimensions."
    ),
    counterexample="A 4×2×3 and a 4×3×2 tensor: matmul gives 4×2×2, mm raises RuntimeError.",
)
