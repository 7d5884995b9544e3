"""Case: one operation, on one device, in one dtype, at one workload, run by one implementation."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from verify.formulas.arithmetic import Arithmetic
from verify.layout import laid_out
from verify.operation import Array, Inputs, Operation, Options, Workload

IMPLEMENTATIONS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "eager": lambda function: function,
    "compiled": lambda function: torch.compile(function, dynamic=False),
}


# The workload that stands for an operation's named hard inputs, each of which brings its own shapes.
HARD = Workload("hard", ())
# The name of the point that is sampled rather than built by hand.
ORDINARY = "ordinary"


@dataclass(frozen=True)
class Point:
    """A concrete input of a case: float64 arrays whose values the case's dtype holds exactly."""

    name: str
    inputs: Inputs
    options: Options
    far: bool = False

    @property
    def differentiable(self) -> tuple[int, ...]:
        """The positions of the inputs that have a gradient (index inputs do not)."""
        return tuple(i for i, x in enumerate(self.inputs) if x.dtype.kind == "f")


@dataclass(frozen=True)
class Case:
    """One operation × implementation × device × dtype × workload: what a check is asked about.

    `thorough` is the full profile's: a check may then ask of more sizes and places. It is no part of
    the name.
    """

    operation: Operation
    device: str
    dtype: str
    workload: Workload
    implementation: str = "eager"
    thorough: bool = False

    @property
    def id(self) -> str:
        """The name of the case, as printed and selected: `softmax[cpu-float32-4x257]`."""
        implementation = "" if self.implementation == "eager" else f"-{self.implementation}"
        return f"{self.operation.name}[{self.device}-{self.dtype}-{self.workload.label}{implementation}]"

    @property
    def undefined(self) -> str | None:
        """Why this torch does not define this case, or None where it does."""
        operation = self.operation
        lacking = [name for name in operation.needs if not _has(name)]
        if lacking:
            return f"torch {torch.__version__} has no {' and no '.join(lacking)}"
        if self.dtype not in operation.dtypes:
            return f"torch documents {operation.name} for {' and '.join(operation.dtypes)} alone"
        return None

    @property
    def arithmetic(self) -> Arithmetic:
        """The rounding model of this case's dtype on its device."""
        return Arithmetic.of(self.dtype, self.device)

    @property
    def function(self) -> Callable[..., Any]:
        """The operation as this implementation runs it."""
        return IMPLEMENTATIONS[self.implementation](self.operation.function)

    def generator(self, seed: int, purpose: str = "") -> np.random.Generator:
        """Random numbers that depend on the seed and the case alone, so that a case can be run by itself."""
        return np.random.default_rng([seed, zlib.crc32(f"{self.id} {purpose}".encode())])

    def points(self, seed: int) -> tuple[Point, ...]:
        """The inputs to examine: one sample of the workload, or every named input of the workload `hard`."""
        if self.workload != HARD:
            inputs = self.operation.domain.sample(self.generator(seed, "inputs"), self.workload)
            return (Point(ORDINARY, self.held(inputs), self.workload.options),)
        return tuple(
            Point(hard.name, self.held(hard.build(self.arithmetic)), hard.options, hard.far)
            for hard in self.operation.domain.hard
        )

    def tensors(self, point: Point, requires_grad: bool = False) -> tuple[torch.Tensor, ...]:
        """The inputs of a point as tensors on this case's device, in its dtype and layout."""
        made = tuple(to_tensor(x, self.dtype, self.device, self.workload.layout) for x in point.inputs)
        if requires_grad:
            made = tuple(t.requires_grad_() if t.is_floating_point() else t for t in made)
        return made

    def held(self, inputs: Inputs) -> Inputs:
        """Inputs rounded to values of the case's dtype; indices as they are."""
        return tuple(round_to(x, self.dtype) if x.dtype.kind == "f" else x for x in inputs)


def _has(name: str) -> bool:
    """Whether the installed torch has something by its dotted name, which begins with `torch`."""
    found: object = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found is not None


def round_to(array: Array, dtype: str) -> Array:
    """A float64 array rounded to a dtype's values, still stored as float64."""
    rounded: Array = torch.from_numpy(np.array(array, order="C")).to(getattr(torch, dtype)).double().numpy()
    return rounded


def to_tensor(array: Array, dtype: str, device: str, layout: str = "contiguous") -> torch.Tensor:
    """An array as a tensor: floats take `dtype`, indices stay int64. Raises: ValueError for a bad layout."""
    # A copy: an operation that works in place must not reach the array that its reference is given.
    tensor = torch.from_numpy(np.array(array, order="C"))
    if tensor.is_floating_point():
        tensor = tensor.to(getattr(torch, dtype))
    tensor = tensor.to(device)
    return laid_out(tensor, layout)


def to_array(tensor: torch.Tensor) -> Array:
    """A tensor's values as a NumPy array: floats as float64 (exact for every dtype), the rest as they are."""
    tensor = tensor.detach().cpu()
    array: Array = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    return array
