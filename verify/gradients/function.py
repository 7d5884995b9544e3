"""Function: a callable on tensors at a point, run as a map from real vectors to real vectors.

A complex entry counts as two real ones, its real and its imaginary part. With that, torch's convention
for complex gradients, the conjugate Wirtinger derivative, is the ordinary gradient of a real function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from verify.gradients.nest import leaves, mapped, tensors
from verify.line import Vector

Tensors = tuple[torch.Tensor, ...]
# What a person passes: tensors, lists of tensors, and anything else, which is handed on as it is.
Arguments = tuple[Any, ...]


_WIDEST = (torch.float64, torch.complex128)
_DTYPES = (*_WIDEST, torch.float32, torch.float16, torch.bfloat16, torch.complex64)
# Entries that are moved in one operation, all places together: beyond it each place has its own.
_TOGETHER = 2**15


class UnusableInput(ValueError):
    """The inputs cannot be differentiated; the message says which, and what to do."""


class UnusableFunction(ValueError):
    """The function cannot be checked at these inputs; the message says why, and what to do."""


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, which may be nothing."""
    return next(iter(str(error).splitlines()), "")


@dataclass(frozen=True)
class Point:
    """Where a function is differentiated: its arguments, and which of their tensors are variables.

    `arguments` hold the tensors at their places; `variables` are those that require a gradient, in the
    order in which they are met.
    """

    arguments: Arguments
    variables: Tensors

    def variables_in(self, arguments: Arguments) -> Tensors:
        """The tensors that stand in other arguments where the variables stand in these."""
        pairs = zip(leaves(self.arguments), leaves(arguments), strict=True)
        return tuple(other for own, other in pairs if isinstance(own, torch.Tensor) and own.requires_grad)

    @cached_property
    def _plain(self) -> bool:
        """Whether nothing but variables was passed, none of them inside a list."""
        return len(self.arguments) == len(self.variables) and all(
            isinstance(a, torch.Tensor) and a.requires_grad for a in self.arguments
        )

    def rebuilt(self, variables: Sequence[torch.Tensor]) -> Arguments:
        """The arguments with other tensors in the place of the variables."""
        if self._plain:
            return tuple(variables)
        following = iter(variables)
        rebuilt: Arguments = mapped(lambda x: next(following) if x.requires_grad else x, self.arguments)
        return rebuilt

    def with_own_constants(self) -> Point:
        """The same with copies of the tensors that are held fixed: what is done to them is no loss."""
        arguments = mapped(lambda x: x if x.requires_grad else x.clone(), self.arguments)
        return Point(arguments, self.variables)

    @property
    def constants(self) -> Tensors:
        """The tensors that are held fixed."""
        return tuple(t for t in tensors(self.arguments) if not t.requires_grad)


def point_of(inputs: Any) -> Point:
    """Collect the variables among the inputs and refuse what has no derivative.

    Raises: UnusableInput where no input requires a gradient, or one is sparse, or its entries overlap in
    memory, or the variables lie on several devices.
    """
    arguments = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    variables = tuple(t for t in tensors(arguments) if t.requires_grad)
    if not variables:
        raise UnusableInput(
            "no input requires a gradient: call requires_grad_() on the floating or complex tensors that "
            f"the gradient is asked for ({_listed(arguments)})"
        )
    devices = {x.device for x in variables}
    if len(devices) > 1:
        raise UnusableInput(
            f"the inputs lie on different devices, {', '.join(sorted(map(str, devices)))}: "
            "move them to one, and move them on inside the function"
        )
    for position, x in enumerate(variables):
        if x.is_nested:
            raise UnusableInput(
                f"input {position} is a nested tensor: pass its parts and nest them inside the function"
            )
        if x.is_meta:
            raise UnusableInput(f"input {position} lies on the device meta and has no values")
        if x.dtype not in _DTYPES:
            raise UnusableInput(
                f"input {position} has the dtype {x.dtype}, in which torch cannot compare values: pass a "
                "wider one and narrow it inside the function"
            )
        if x.layout is not torch.strided:
            raise UnusableInput(
                f"input {position} has the layout {x.layout}: an entry that is not stored cannot be moved; "
                "pass its values and build the sparse tensor inside the function"
            )
        if _overlaps(x):
            raise UnusableInput(
                f"input {position} has entries that share memory (strides {x.stride()} for the shape "
                f"{tuple(x.shape)}): they cannot be moved apart; pass x.clone()"
            )
    return Point(arguments, variables)


def _listed(arguments: Arguments) -> str:
    kinds = [str(t.dtype).removeprefix("torch.") for t in tensors(arguments)]
    return "tensors: " + ", ".join(kinds) if kinds else "there is no tensor among them"


def _overlaps(x: torch.Tensor) -> bool:
    """Whether two entries share memory although neither is an expanded one (stride 0)."""
    steps = sorted((stride, size) for stride, size in zip(x.stride(), x.shape, strict=True) if size > 1)
    reach = 0
    for stride, size in steps:
        if stride == 0:
            continue
        if stride <= reach:
            return True
        reach += stride * (size - 1)
    return False


def real(x: torch.Tensor) -> torch.Tensor:
    """A tensor's entries as one real row. Shapes: (…,) gives (n,), or (2n,) for a complex one."""
    x = x.resolve_conj().resolve_neg()
    return (torch.view_as_real(x) if x.is_complex() else x).reshape(-1)


def like(row: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The inverse of `real`: a real row in the shape and the dtype of x."""
    if x.is_complex():
        return torch.view_as_complex(row.reshape(*x.shape, 2)).to(x.dtype)
    return row.reshape(x.shape).to(x.dtype)


def size(x: torch.Tensor) -> int:
    """How many real entries a tensor has."""
    return x.numel() * (2 if x.is_complex() else 1)


def row(tensors: Sequence[torch.Tensor]) -> Vector:
    """Several tensors as one real vector in float64."""
    if not tensors:
        return np.zeros(0)
    parts = [_flat(t) for t in tensors]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _flat(x: torch.Tensor) -> Vector:
    wide = x if x.dtype in _WIDEST else x.to(torch.complex128 if x.is_complex() else torch.float64)
    entries = wide.numpy(force=True).reshape(-1)
    return np.ascontiguousarray(entries).view(np.float64) if x.is_complex() else np.asarray(entries)


def rows(evaluations: Sequence[Tensors | None], length: int) -> Vector:
    """Several evaluations as real rows of one length; nan for those that are missing or of another shape.

    Shapes: gives (evaluations, length).
    """
    first = [] if evaluations[0] is None else [y.shape for y in evaluations[0]]
    whole = [e for e in evaluations if e is not None and [y.shape for y in e] == first]
    if len(whole) == len(evaluations):
        parts = [_flat(torch.stack(ys)).reshape(len(whole), -1) for ys in zip(*whole, strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    found = np.full((len(evaluations), length), np.nan)
    for values, e in zip(found, evaluations, strict=True):
        if e is not None and sum(map(size, e)) == length:
            values[:] = row(e)
    return found


def split(vector: Vector, tensors: Sequence[torch.Tensor]) -> list[Vector]:
    """A real vector in pieces, one for each tensor."""
    pieces, begin = [], 0
    for t in tensors:
        pieces.append(vector[begin : begin + size(t)])
        begin += size(t)
    return pieces


def tensors_of(vector: Vector, like_these: Sequence[torch.Tensor]) -> Tensors:
    """A real vector as tensors of the shapes, dtypes and devices of others."""
    return tuple(_tensor(piece, x) for piece, x in zip(split(vector, like_these), like_these, strict=True))


def _tensor(piece: Vector, x: torch.Tensor) -> torch.Tensor:
    values = torch.from_numpy(piece.copy())
    if x.dtype is torch.float64 and x.is_cpu:
        return values.view(x.shape)
    return like(values.to(x.device), x)


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


def laid_out(values: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Values in memory of their own, with the strides of x; the same where x is expanded.

    `values` must be alike along the dimensions in which x is expanded.
    """
    if 0 in x.stride() and x.numel():
        once = values[tuple(slice(0, 1) if s == 0 else slice(None) for s in x.stride())]
        return once.clone(memory_format=torch.contiguous_format).expand(x.shape)
    if x.is_contiguous():
        return values.clone(memory_format=torch.contiguous_format)
    return torch.empty_strided(x.shape, x.stride(), dtype=values.dtype, device=x.device).copy_(values)


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
