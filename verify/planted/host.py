"""Host: a function in which faults are planted, and the inputs at which they show."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from verify import known_deviations
from verify.case import ORDINARY, to_tensor
from verify.operation import Operation, Workload
from verify.operations import catalogue
from verify.planted.altered import TensorFunction
from verify.planted.gradient import Tensors

# `catalogue`: an operation of the catalogue at its first small workload, and `strided` at its first small
# one that is not contiguous; `composed`: functions beside the catalogue, some of several operations;
# `large`: with hundreds of entries or more; `tail`: with entries far out among the inputs.
Group = Literal["catalogue", "strided", "composed", "large", "tail"]
# Entries of all inputs. gradcheck's slow mode takes as many evaluations twice, for each of the faults.
SMALL = 128
Draw = Callable[[np.random.Generator], Tensors]


@dataclass(frozen=True)
class Host:
    """A function of float64 tensors (and index tensors) with one output, and a sampler of its inputs."""

    name: str
    group: Group
    function: TensorFunction
    draw: Draw

    def inputs(self, seed: int) -> Tensors:
        """The inputs that belong to a seed: the same values each time, in memory of their own."""
        generator = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        return tuple(x.requires_grad_() if x.is_floating_point() else x for x in self.draw(generator))


def hosts() -> tuple[Host, ...]:
    """Every host, the catalogue's first."""
    return (*_of_catalogue(), *_COMPOSED, *_LARGE, *_TAIL)


def _of_catalogue() -> Iterator[Host]:
    for operation in catalogue().values():
        # An operation in a file of a person's own may be what is wrong: it is no measure of a checker.
        if operation.vjp is None or not operation.vjp.evaluate.__module__.startswith("verify."):
            continue
        if flat(operation) or deviates(operation):
            continue
        layouts: dict[Group, list[Workload]] = {
            "catalogue": [w for w in operation.check if w.layout == "contiguous"],
            "strided": [w for w in operation.check if w.layout != "contiguous"],
        }
        for group, workloads in layouts.items():
            small = [w for w in workloads if sum(math.prod(shape) for shape in w.shapes) <= SMALL]
            for workload in small[:1]:
                yield _of_operation(operation, workload, group)


def flat(operation: Operation) -> bool:
    """Whether the gradient is 0 everywhere, as a step's is: to scale or exchange its entries is no fault."""
    vjp, workload = operation.vjp, operation.check[0]
    assert vjp is not None  # the caller asks only where there is a gradient
    inputs = operation.domain.sample(np.random.default_rng(0), workload)
    shape = np.shape(operation.forward.evaluate(*inputs, **workload.options))
    found = vjp.evaluate(np.ones(shape), *inputs, **workload.options)
    return not any(np.any(x) for x in found if x is not None)


def deviates(operation: Operation) -> bool:
    """Whether torch's own gradient is listed as wrong at ordinary inputs: its right twin would be none."""
    return any(
        deviation.operation == operation.name
        and deviation.check in ("*", "gradient")
        and "float64" in deviation.dtypes
        and {"*", ORDINARY} & set(deviation.points)
        for deviation in known_deviations.read()
    )


def _of_operation(operation: Operation, workload: Workload, group: Group) -> Host:
    def draw(generator: np.random.Generator) -> Tensors:
        arrays = operation.domain.sample(generator, workload)
        return tuple(to_tensor(x, "float64", "cpu", workload.layout) for x in arrays)

    name = f"{operation.name} {workload.label}"
    return Host(name, group, partial(operation.function, **workload.options), draw)


def _normal(*shapes: tuple[int, ...], scale: float = 1.0) -> Draw:
    """Normal entries, with a spread of `scale`."""
    return lambda generator: tuple(torch.from_numpy(scale * generator.standard_normal(s)) for s in shapes)


def _uniform(*shapes: tuple[int, ...]) -> Draw:
    """Entries between 0 and 1."""
    return lambda generator: tuple(torch.from_numpy(generator.random(s)) for s in shapes)


def _with_index(shape: tuple[int, ...], count: tuple[int, ...], below: int) -> Draw:
    """Normal entries, and indices among which some are met again."""

    def draw(generator: np.random.Generator) -> Tensors:
        index = generator.integers(0, below, count)
        index.flat[-1] = index.flat[0]
        return torch.from_numpy(generator.standard_normal(shape)), torch.from_numpy(index)

    return draw


def _far_out(shape: tuple[int, ...]) -> Draw:
    """Normal entries, of which the first four lie 11 to 14 away from 0."""

    def draw(generator: np.random.Generator) -> Tensors:
        x = generator.standard_normal(shape)
        x.flat[:4] = (12.0, -13.0, -11.0, 14.0)
        return (torch.from_numpy(x),)

    return draw


def _mlp(x: torch.Tensor, v: torch.Tensor, a: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x @ v + a) @ w + b


def _attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return torch.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1) @ v


def _to_constant(x: torch.Tensor) -> torch.Tensor:
    """The mean squared distance to a line of numbers."""
    return F.mse_loss(x, torch.linspace(-1, 1, x.numel(), dtype=x.dtype))


def _to_classes(x: torch.Tensor) -> torch.Tensor:
    """The cross entropy of rows whose classes go round."""
    return F.cross_entropy(x, torch.arange(x.shape[0]) % x.shape[1])


_COMPOSED = (
    Host("mlp 2x3-4-2", "composed", _mlp, _normal((2, 3), (3, 4), (4,), (4, 2), (2,))),
    Host("attention 3x2", "composed", _attention, _normal((3, 2), (3, 2), (3, 2))),
    Host("linear 5x4-3", "composed", F.linear, _normal((5, 4), (3, 4), (3,))),
    Host("square mm 3", "composed", torch.mm, _normal((3, 3), (3, 3))),
    Host("add 4x3+3", "composed", torch.add, _normal((4, 3), (3,))),
    Host("mul 4x3*3", "composed", torch.mul, _normal((4, 3), (3,))),
    Host("mul 3x3*3x3", "composed", torch.mul, _normal((3, 3), (3, 3))),
    Host("div 4x3/3", "composed", lambda a, b: a / (1 + b), _uniform((4, 3), (3,))),
    Host(
        "layer_norm 3x5",
        "composed",
        lambda x, w, b: F.layer_norm(x, (5,), w, b),
        _normal((3, 5), (5,), (5,)),
    ),
    Host("normalize 4x5", "composed", F.normalize, _normal((4, 5))),
    Host("var 4x7", "composed", lambda x: torch.var(x, 1), _normal((4, 7))),
    Host("gelu 4x5", "composed", F.gelu, _normal((4, 5))),
    Host("silu 4x5", "composed", F.silu, _normal((4, 5))),
    Host("softplus 4x5", "composed", F.softplus, _normal((4, 5))),
    Host("cumsum 4x6", "composed", lambda x: torch.cumsum(x, 1), _normal((4, 6))),
    Host("conv1d 2x8*3x2x3", "composed", F.conv1d, _normal((2, 8), (3, 2, 3))),
    Host("gather 5x4", "composed", lambda x, i: x.gather(1, i), _with_index((5, 4), (5, 3), 4)),
    Host("index_select 5x4", "composed", lambda x, i: x.index_select(0, i), _with_index((5, 4), (7,), 5)),
    Host("embedding 6x3", "composed", lambda x, i: F.embedding(i, x), _with_index((6, 3), (2, 4), 6)),
)
_LARGE = (
    Host("softmax 512", "large", lambda x: torch.softmax(x, 0), _uniform((512,))),
    Host("softmax 1024", "large", lambda x: torch.softmax(x, 0), _uniform((1024,))),
    Host("mse_loss 20000", "large", _to_constant, _normal((20_000,))),
    Host("mean 1010", "large", torch.mean, _normal((1010,))),
    Host("vector_norm 1010", "large", torch.linalg.vector_norm, _normal((1010,))),
    Host("logsumexp 1010", "large", lambda x: torch.logsumexp(x, 0), _normal((1010,))),
    Host("cross_entropy 101x10", "large", _to_classes, _normal((101, 10))),
)
_TAIL = (
    Host("sigmoid tail", "tail", torch.sigmoid, _far_out((12,))),
    Host("tanh tail", "tail", torch.tanh, _far_out((12,))),
    Host("gelu tail", "tail", F.gelu, _far_out((12,))),
    Host("silu tail", "tail", F.silu, _far_out((12,))),
    Host("softplus tail", "tail", F.softplus, _far_out((12,))),
    Host("logsigmoid tail", "tail", F.logsigmoid, _far_out((12,))),
    Host("softmax tail", "tail", lambda x: torch.softmax(x, 1), _far_out((3, 6))),
    Host("log_softmax tail", "tail", lambda x: torch.log_softmax(x, 1), _far_out((3, 6))),
    Host("logsumexp tail", "tail", lambda x: torch.logsumexp(x, 1), _far_out((3, 6))),
    Host("cross_entropy tail", "tail", _to_classes, _far_out((5, 4))),
    Host("vector_norm tail", "tail", torch.linalg.vector_norm, _far_out((12,))),
    Host("mse_loss tail", "tail", _to_constant, _far_out((12,))),
)
