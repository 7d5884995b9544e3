"""Example: one call of a case at a sampled point, of which laws are asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from verify.call import Call, Results, results
from verify.case import Case, Point, to_array, to_tensor
from verify.comparison import cotangent, explained
from verify.operation import Options


@dataclass(frozen=True)
class Example:
    """One call of a case at a sampled point, with its gradient where there is one: what a law is asked of."""

    case: Case
    point: Point
    seed: int

    @property
    def options(self) -> Options:
        """The options of the call."""
        return self.point.options

    def options_without(self, *names: str) -> dict[str, Any]:
        """The options of the call but those named."""
        return {key: value for key, value in self.options.items() if key not in names}

    @property
    def options_are_new(self) -> bool:
        """Whether no workload before has these options: what hangs on options alone is asked once."""
        workload, check = self.case.workload, self.case.operation.check
        return next(w for w in (*check, workload) if w.options == workload.options) == workload

    @cached_property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        """The tensors of the call."""
        return self.case.tensors(self.point)

    @cached_property
    def call(self) -> Call:
        """The call, with a cotangent where the operation has a gradient."""
        call = self.of(self.inputs, self.options)
        if self.case.operation.vjp is None:
            return call
        (y,) = results(call).outputs
        return self.of(self.inputs, self.options, tuple(y.shape))

    @cached_property
    def first(self) -> Results:
        """What it answers."""
        return results(self.call)

    def of(
        self,
        inputs: tuple[torch.Tensor, ...],
        options: Options,
        shape: tuple[int, ...] | None = None,
    ) -> Call:
        """The operation of other inputs and options; with a cotangent, if the result's `shape` is told."""
        call = Call(self.case.function, inputs, options)
        if self.case.operation.vjp is None or shape is None:
            return call
        return replace(call, cotangents=(self.cotangent(shape),))

    def cotangent(self, shape: tuple[int, ...]) -> torch.Tensor:
        """A cotangent of a result of this shape."""
        g = cotangent(self.case, self.seed, self.point, shape)
        return to_tensor(g, self.case.dtype, self.case.device)

    def explained_twice(self, call: Call) -> Results:
        """How far two answers to a call may be apart: each may be off by what rounding explains."""
        arrays = tuple(to_array(x) for x in call.inputs)
        point = Point(self.point.name, arrays, call.options)
        g = to_array(call.cotangents[0]) if call.cotangents else None
        output, gradients = explained(self.case, point, g)
        return Results(
            (torch.as_tensor(2 * output),),
            tuple(None if e is None else torch.as_tensor(2 * e) for e in gradients),
        )
