"""Mode: a derivative of a function at a point, as a weighted sum, and the ways that torch has to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from verify.finite_differences.line import Vector
from verify.gradients import forward, reverse
from verify.gradients.function import Evaluated, Function
from verify.gradients.questions import Questions
from verify.gradients.reverse import Vjp
from verify.gradients.rows import Tensors

# A function, its result at a point with the graph, and weights, to the derivative.
Way = Callable[[Function, Evaluated, Vector], Vector]


@dataclass(frozen=True)
class Mode:
    """A derivative, and several ways to it by name.

    `weights`: the tensors whose entries are weighted, outputs in reverse mode and inputs in forward mode;
    `gives`: the tensors to whose entries the derivative belongs.
    """

    ways: dict[str, Way]
    weights: Callable[[Evaluated], Tensors]
    gives: Callable[[Evaluated], Tensors]


def modes(at: Evaluated, questions: Questions, vjp: Vjp | None) -> Iterator[Mode]:
    """The derivatives that are asked for."""
    if questions.reverse and vjp is not None:
        yield _reverse({"": _given(vjp)})
    elif questions.reverse:
        ways: dict[str, Way] = {"": _gradient, "cotangent not contiguous": _of_spread_cotangent}
        if questions.batched:
            ways["batched reverse mode"] = _batched_gradient
        yield _reverse(ways)
        if questions.undefined and len(at.outputs) > 1:
            for position, y in enumerate(at.outputs):
                if y.requires_grad:
                    yield _reverse({f"output {position} alone": _alone(position)})
    tangents: dict[str, Way] = {}
    if questions.forward:
        tangents["forward mode"] = _tangent
    if questions.batched_forward:
        tangents["batched forward mode"] = _batched_tangent
    if tangents:
        yield Mode(tangents, _variables, _outputs)


def _reverse(ways: dict[str, Way]) -> Mode:
    return Mode(ways, _outputs, _variables)


def _variables(at: Evaluated) -> Tensors:
    return at.variables


def _outputs(at: Evaluated) -> Tensors:
    return at.outputs


def _gradient(_: Function, at: Evaluated, g: Vector) -> Vector:
    return reverse.gradient(at, g)


def _of_spread_cotangent(_: Function, at: Evaluated, g: Vector) -> Vector:
    return reverse.gradient(at, g, spread=True)


def _batched_gradient(_: Function, at: Evaluated, g: Vector) -> Vector:
    return reverse.batched(at, (g, g))[0]


def _alone(position: int) -> Way:
    def way(_: Function, at: Evaluated, g: Vector) -> Vector:
        return reverse.alone(at, position, g)

    return way


def _given(vjp: Vjp) -> Way:
    def way(function: Function, at: Evaluated, g: Vector) -> Vector:
        return reverse.given(vjp, at, function.point.rebuilt(at.variables), g)

    return way


def _tangent(function: Function, at: Evaluated, direction: Vector) -> Vector:
    return forward.tangent(function, at.variables, direction)


def _batched_tangent(function: Function, at: Evaluated, direction: Vector) -> Vector:
    return forward.batched(function, at.variables, direction, (1.0, -0.5))[0]
