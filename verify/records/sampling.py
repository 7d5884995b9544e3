"""Sampling: the ordinary inputs that operations draw from, as functions of a generator and a workload."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from verify.operation import Array, Batch, Cost, Inputs, Options, Workload

# float32, float16 and bfloat16 all hold the integers up to 256 exactly.
_EXACT_INTEGERS = 256


def values(*numbers: float) -> Inputs:
    """One vector of these numbers, as the inputs of an operation."""
    return (np.array(numbers),)


def normal(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Standard normal entries for every input."""
    return tuple(generator.standard_normal(shape) for shape in workload.shapes)


def off_zero(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries moved away from 0 by 1/4, twice the longest step of a finite difference."""
    return tuple(np.copysign(np.abs(x) + 0.25, x) for x in normal(generator, workload))


def off_whole_numbers(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Whole numbers and a quarter or three: no step of a difference meets a whole number or a half.

    All of them are numbers of every dtype.
    """
    return tuple(
        generator.integers(-8, 8, size=shape) + np.where(generator.random(shape) < 0.5, 0.25, 0.75)
        for shape in workload.shapes
    )


def beside_one(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries of mean 1 and both signs: their sum does not cancel by chance."""
    return tuple(1 + x for x in normal(generator, workload))


def of_every_size(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal entries times powers of two from 1/8 to 8: near 0 and far out along with the ordinary ones."""
    return tuple(x * 2.0 ** generator.integers(-3, 4, size=x.shape) for x in normal(generator, workload))


def distinct(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries that differ by at least 1/2 in every dtype, so that a maximum has one place.

    A large array (a benchmark's) cannot keep that in 8 bits of precision; it gets normal entries.
    """
    return tuple(_spread(generator, shape) for shape in workload.shapes)


def near_one(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Entries of either sign with magnitude exp(±1/√n), so that a product of n of them stays near 1."""
    made = []
    for shape in workload.shapes:
        scale = 1 / math.sqrt(max(1, math.prod(shape)))
        x = generator.standard_normal(shape)
        made.append(np.copysign(np.exp(scale * generator.standard_normal(shape)), x))
    return tuple(made)


def logits_and_targets(generator: np.random.Generator, workload: Workload) -> Inputs:
    """Normal logits of spread 2, and one class index a row; every class is drawn if the rows suffice."""
    rows, classes = workload.shapes[0]
    targets = generator.integers(0, classes, size=(rows,))
    targets[:classes] = generator.permutation(classes)[:rows]
    return 2 * generator.standard_normal((rows, classes)), targets


def _spread(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    size = math.prod(shape)
    if size > _EXACT_INTEGERS:
        return generator.standard_normal(shape)
    return (generator.permutation(size) - size // 2).reshape(shape) / 2


def elementwise_cost(flops: float) -> Callable[[Workload], Cost]:
    """A cost of so many flops an entry, each entry read once and written once."""

    def cost(workload: Workload) -> Cost:
        n = float(math.prod(workload.shapes[0]))
        return Cost(flops * n, 2 * n, n)

    return cost


def broadcast_cost(flops: float) -> Callable[[Workload], Cost]:
    """A cost of so many flops an entry of the result, to which the shapes of all inputs broadcast."""

    def cost(workload: Workload) -> Cost:
        n = float(math.prod(np.broadcast_shapes(*workload.shapes)))
        return Cost(flops * n, n + sum(math.prod(shape) for shape in workload.shapes), n)

    return cost


def always(options: Options) -> bool:
    """Whatever the options."""
    return True


def elementwise_batch(workload: Workload) -> Batch | None:
    """Entries are independent: along the first dimension, where all inputs have it."""
    first, *others = workload.shapes
    alike = len(first) > 0 and all(shape == first for shape in others)
    return Batch((0,) * len(workload.shapes)) if alike else None


def beside_dim(workload: Workload) -> Batch | None:
    """Rows are independent: along the first dimension that an option `dim` does not take together."""
    (shape, *_), dim = workload.shapes, workload.options.get("dim")
    if dim is None:
        return None
    taken = {d % len(shape) for d in (dim if isinstance(dim, tuple) else (dim,))}
    free = [d for d in range(len(shape)) if d not in taken]
    if not free:
        return None
    # A reduced dimension before it vanishes from the result, unless its size 1 is kept.
    before = 0 if workload.options.get("keepdim") else sum(d < free[0] for d in taken)
    return Batch((free[0],), free[0] - before)


def beside_kept_dim(workload: Workload) -> Batch | None:
    """As `beside_dim`, for a result in which the dimension stays; torch's default is the last one."""
    shape = workload.shapes[0]
    taken = workload.options.get("dim", -1) % max(1, len(shape))
    free = [d for d in range(len(shape)) if d != taken]
    return Batch((free[0],), free[0]) if free else None


def first_of_all(workload: Workload) -> Batch:
    """The first dimension of every input and of the result holds independent calls."""
    return Batch((0,) * len(workload.shapes))
