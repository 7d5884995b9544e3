"""Function: a callable on tensors at a point, run as a map from real rows to real rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from verify.finite_differences.line import Vector
from verify.gradients.nest import tensors
from verify.gradients.point import Arguments, Point, UnusableInput
from verify.gradients.rows import Tensors, laid_out, rows, size, tensors_of

# Entries that are moved in one operation, all places together: beyond it each place has its own.
_TOGETHER = 2**15


class UnusableFunction(ValueError):
    """The function cannot be checked at these inputs; the message says why, and what to do."""


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, which may be nothing."""
    return next(iter(str(error).splitlines()), "")


@dataclass(frozen=True)
class Evaluated:
    """A function's result with its graph.

    `variables` are the leaves it was evaluated at; `outputs` its floating and complex tensors that carry
    a gradient, or all of them where none does (`attached` is False).
    """

    variables: Tensors
    outputs: Tensors
    attached: bool


class Function:
    """A callable at a point; it counts its evaluations and gives a random function the same numbers.

    Raises: UnusableFunction with the reason, wherever the callable cannot be run or judged.
    """

    def __init__(self, function: Callable[..., Any], point: Point, needs_graph: bool = False) -> None:
        self.callable = function
        self.point = point.with_own_constants()
        self.evaluations = 0
        # Floating outputs that carry no gradient where others do.
        self.left_out: tuple[int, ...] = ()
        self._given = point
        self._uses_up = False
        self._needs_graph = needs_graph
        self._random_state: torch.Tensor | None = None
        self._chosen: tuple[int, ...] | None = None
        self._length = 0

    def evaluated(self) -> Evaluated:
        """The outputs at fresh leaves in the layout of the point's variables, with their graph."""
        variables = self.point.variables
        return self._evaluated(tuple(self.copied(x).requires_grad_() for x in variables), variables)

    def evaluated_at(self, vector: Vector, within: AbstractContextManager[Any]) -> Evaluated:
        """The outputs, with their graph, where the variables have the values of a real row, in a context."""
        tensors = tensors_of(vector, self.point.variables)
        leaves = [
            t if 0 in x.stride() else laid_out(t, x)
            for t, x in zip(tensors, self.point.variables, strict=True)
        ]
        with within:
            return self._evaluated(tuple(leaf.requires_grad_() for leaf in leaves), tensors)

    def _evaluated(self, leaves: Tensors, values: Tensors) -> Evaluated:
        before = torch.get_rng_state() if self._random_state is None else self._random_state
        with torch.enable_grad():
            outputs = self.outputs(leaves)
        if self._random_state is None and not torch.equal(before, torch.get_rng_state()):
            self._random_state = before  # the function draws random numbers: from now on the same ones
        for position, (leaf, x) in enumerate(zip(leaves, values, strict=True)):
            if not _same(leaf, x):
                raise UnusableFunction(
                    f"the function changes input {position} in place, so that it is not what was passed "
                    "any more: check lambda x: function(x.clone())"
                )
        constants = zip(self.point.constants, self._given.constants, strict=True)
        if not all(_same(own, given) for own, given in constants):
            self._uses_up = True  # it keeps running figures in an argument: from now on the same each time
        self._length = sum(size(y) for y in outputs)
        return Evaluated(leaves, outputs, any(y.requires_grad for y in outputs))

    def outputs(self, variables: Sequence[torch.Tensor]) -> Tensors:
        """The outputs that take part, where the variables are these tensors."""
        if self._uses_up:
            self.point = self._given.with_own_constants()
        return self.outputs_of(self.point.rebuilt(variables))

    def outputs_of(self, arguments: Arguments) -> Tensors:
        """The outputs that take part: those that carry a gradient at the point, or all floating ones."""
        self.evaluations += 1
        if self._random_state is not None:
            torch.set_rng_state(self._random_state)
        try:
            result = self.callable(*arguments)
        except UnusableInput:
            raise
        except Exception as error:  # a checked function may raise anything; what it raised is told
            first = first_line(error)
            hint = " Check lambda x: function(x.clone())." if "in-place operation" in first else ""
            raise UnusableFunction(f"the function raised {type(error).__name__}: {first}{hint}") from error
        if self._chosen == (0,) and isinstance(result, torch.Tensor):
            return (result,)
        outputs = _outputs(result)
        if self._chosen is None:
            self._chosen = _differentiable(outputs)
            floating = (i for i, y in enumerate(outputs) if y.is_floating_point() or y.is_complex())
            self.left_out = tuple(i for i in floating if i not in self._chosen)
        if any(i >= len(outputs) for i in self._chosen):
            raise UnusableFunction(f"the function returned {len(outputs)} outputs, and another number before")
        return tuple(outputs[i] for i in self._chosen)

    @property
    def draws(self) -> bool:
        """Whether the function draws random numbers."""
        return self._random_state is not None

    def along(self, direction: Vector) -> Callable[[Vector], Vector]:
        """t ↦ the outputs at x + t·direction as a real row; nan where the callable cannot be run.

        Shapes: takes (places,) and gives (places, m).
        """
        moves = tensors_of(direction, self.point.variables)

        def values(places: Vector) -> Vector:
            moved = [_moved(x, m, places) for x, m in zip(self.point.variables, moves, strict=True)]
            there = list(zip(*moved, strict=True))
            outputs = self._outputs_at(there)
            if outputs[0] is None and not self._needs_graph:
                # It cannot be run without a graph at x itself: it differentiates something inside.
                self._needs_graph = True
                outputs = self._outputs_at(there)
            return rows(outputs, self._length)

        return values

    def _outputs_at(self, points: Sequence[Tensors]) -> list[Tensors | None]:
        """The outputs at moved points; None where the function cannot be run."""
        found: list[Tensors | None] = []
        with torch.set_grad_enabled(self._needs_graph):
            for variables in points:
                try:
                    if self._needs_graph:
                        outputs = self.outputs([v.requires_grad_() for v in variables])
                        found.append(tuple(y.detach() for y in outputs))
                    else:
                        found.append(self.outputs(variables))
                except UnusableFunction:
                    found.append(None)
        return found

    def copied(self, x: torch.Tensor) -> torch.Tensor:
        """The values of a variable in memory of their own, in its layout."""
        return laid_out(x.detach(), x)


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same values, nan among them."""
    if a.shape != b.shape or a.layout is not torch.strided or b.layout is not torch.strided:
        return a.shape == b.shape
    return torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all())


def _outputs(result: Any) -> Tensors:
    if isinstance(result, torch.Tensor):
        return (result,)
    found = tuple(tensors(result))
    if found:
        return found
    raise UnusableFunction(
        f"the function returned {type(result).__name__}: it must return a tensor, or tensors in a tuple, a "
        "list or a dict"
    )


def _differentiable(outputs: Tensors) -> tuple[int, ...]:
    """Which outputs take part: those that carry a gradient, or where none does, all floating ones."""
    floating = [i for i, y in enumerate(outputs) if y.is_floating_point() or y.is_complex()]
    if not floating:
        kinds = ", ".join(str(y.dtype).removeprefix("torch.") for y in outputs)
        raise UnusableFunction(
            f"no output is floating or complex ({kinds}): there is nothing to differentiate"
        )
    for i in floating:
        if outputs[i].layout is not torch.strided:
            raise UnusableFunction(f"output {i} has the layout {outputs[i].layout}: return y.to_dense()")
    return tuple(i for i in floating if outputs[i].requires_grad) or tuple(floating)


def _moved(x: torch.Tensor, move: torch.Tensor, places: Vector) -> list[torch.Tensor]:
    """x + t·move at every place t, each in memory of its own and in the layout of x."""
    x = x.detach()
    if x.is_contiguous() and x.numel() * len(places) < _TOGETHER:
        steps = torch.from_numpy(places).to(x.device).view(-1, *(1 for _ in x.shape))
        # torch's types do not know what it returns.
        unbind_copy: Any = torch.unbind_copy
        return list(unbind_copy(torch.addcmul(x, steps, move)))
    there = [torch.add(x, move, alpha=t) for t in places.tolist()]
    # The entries of an expanded tensor are moved apart, each in memory of its own.
    return there if x.is_contiguous() or 0 in x.stride() else [laid_out(y, x) for y in there]


@contextmanager
def untouched_random_state() -> Iterator[None]:
    """Leave torch's random numbers as they were found; and record graphs, whatever the caller's mode."""
    state = torch.get_rng_state()
    try:
        with torch.inference_mode(False):
            yield
    finally:
        torch.set_rng_state(state)
