"""Stack against cat: one adds a dimension and wants equal shapes, the other lengthens one that is there."""

from __future__ import annotations

import torch
from torch import Tensor

from verify.lesson import Demonstration, Figure, Lesson
from verify.picture import Picture, Series

COUNT = "a count is exact"


def _blocks(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Tensors of the shapes, all their entries different and no dyadic numbers."""
    blocks, first = [], 1
    for shape in shapes:
        size = torch.Size(shape).numel()
        blocks.append((torch.arange(first, first + size, dtype=torch.float64) / 3).reshape(shape))
        first += size
    return blocks


def _differing(one: Tensor, other: Tensor) -> float:
    """How many entries differ in any bit; all of them where the shapes do."""
    if one.shape != other.shape:
        return float(max(one.numel(), other.numel()))
    return float((one.view(torch.int64) != other.view(torch.int64)).sum())


def _stack_differs() -> float:
    blocks = _blocks((2, 3), (2, 3), (2, 3))
    return sum(
        _differing(torch.stack(blocks, dim), torch.cat([block.unsqueeze(dim) for block in blocks], dim))
        for dim in (0, 1, 2, -1)
    )


def _refused() -> float:
    """How many of three pairs, of different shapes, `stack` refuses."""
    pairs = (((2, 3), (4, 3)), ((2, 3), (2, 4)), ((3,), (1, 3)))
    refused = 0
    for pair in pairs:
        try:
            torch.stack(_blocks(*pair))
        except RuntimeError:
            refused += 1
    return float(refused)


def _gradients_differ() -> float:
    """Entries in which the gradients of both are not the cotangent, split back."""
    blocks = [block.requires_grad_() for block in _blocks((2, 3), (2, 3))]
    (cotangent,) = _blocks((2, 2, 3))
    of_stack = torch.autograd.grad(torch.stack(blocks), blocks, cotangent)
    of_cat = torch.autograd.grad(torch.cat(blocks), blocks, cotangent.reshape(4, 3))
    wanted = cotangent.unbind()
    return sum(_differing(g, w) for got in (of_stack, of_cat) for g, w in zip(got, wanted, strict=True))


def _show() -> Demonstration:
    longer = torch.cat(_blocks((2, 3), (4, 3)), dim=0)
    joined, stacked = torch.cat(_blocks((2, 3), (2, 3))), torch.stack(_blocks((2, 3), (2, 3)))
    figures = (
        Figure("entries in which stack differs from cat of unsqueezed", _stack_differs(), 0.0, 0.0, COUNT),
        Figure("rows of cat of (2, 3) and (4, 3)", float(longer.shape[0]), 6.0, 0.0, COUNT),
        Figure("pairs of different shapes that stack refuses, of 3", _refused(), 3.0, 0.0, COUNT),
        Figure("dimensions of cat of two matrices", float(joined.dim()), 2.0, 0.0, COUNT),
        Figure("dimensions of stack of two matrices", float(stacked.dim()), 3.0, 0.0, COUNT),
        Figure("entries of the gradients not split back", _gradients_differ(), 0.0, 0.0, COUNT),
    )
    shapes = (
        ("one block", _blocks((2, 3))[0]),
        ("cat of two", joined),
        ("stack of two", stacked),
    )
    picture = Picture(
        "Two 2×3 blocks: cat lengthens, stack adds a dimension",
        "dimension",
        "size",
        tuple(Series.of(name, range(t.dim()), t.shape, "bars") for name, t in shapes),
        x_ticks=("first", "second", "third"),
    )
    return Demonstration(figures, picture)


LESSON = Lesson(
    name="stack_against_cat",
    title="Stack is cat of tensors with one dimension more",
    claim=(
        "`cat` joins along a dimension that is there and takes different sizes along it; `stack` adds a "
        "dimension and wants equal shapes."
    ),
    formula="stack(x₁, …, x_n; d) = cat(unsqueeze(x₁, d), …, unsqueeze(x_n, d); d)",
    holds=True,
    source="torch.stack, torch.cat; Python Array API standard 2024.12, stack and concat",
    show=_show,
)
