"""Check: a function's gradient asked every question, and what came of it.

One line through the point is sampled (`probe.py`); inputs narrower than float64 are judged against a run in
float64 besides (`precision.py`).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from verify.gradients.draws import Draws
from verify.gradients.function import Function, UnusableFunction, untouched_random_state
from verify.gradients.point import Point, point_of
from verify.gradients.precision import against_witness, narrow, widened, witness
from verify.gradients.probe import Probe
from verify.gradients.questions import Questions
from verify.gradients.report import Answer, GradientReport, overall
from verify.gradients.reverse import Vjp
from verify.gradients.rows import Tensors
from verify.gradients.second_order import second_order as second_order_of


def check_gradient(
    function: Callable[..., Any],
    inputs: Any,
    *,
    vjp: Vjp | None = None,
    seed: int | None = None,
    reverse: bool = True,
    forward: bool = False,
    second_order: bool = False,
    batched: bool = False,
    undefined: bool = True,
    deterministic: bool = True,
) -> GradientReport:
    """Hold the gradient of a function of tensors against finite differences that know their error.

    The gradient is taken in every input that requires one, in reverse mode; `forward` asks forward mode
    too, `second_order` the gradient of the gradient, `batched` both under vmap. `undefined` asks each
    output alone and none at all, `deterministic` the same answer twice. `vjp(cotangents, *inputs)`
    replaces autograd where it is given. Inputs narrower than float64 are judged against a run in float64.

    Shapes: any. Units: see `GradientReport`.
    Raises: ValueError where the inputs or the function cannot be checked; it says why and what to do.
    """
    if not (reverse or forward or second_order):
        raise ValueError("nothing is asked: set reverse, forward or second_order")
    questions = Questions(
        reverse=reverse,
        forward=forward,
        second_order=second_order,
        batched=batched and reverse,
        batched_forward=batched and forward,
        undefined=undefined,
        nondeterminism=0.0 if deterministic else math.inf,
    )
    return examine(function, inputs, questions, vjp=vjp, seed=seed)


def examine(
    function: Callable[..., Any],
    inputs: Any,
    questions: Questions,
    *,
    vjp: Vjp | None = None,
    seed: int | None = None,
) -> GradientReport:
    """As `check_gradient`, with the questions as a record."""
    seed = secrets.randbits(31) if seed is None else seed
    given = point_of(inputs)
    draws = Draws(seed)
    with untouched_random_state():
        line = _probe(function, given, draws, vjp)
        answers = line.answers(questions)
        lines = [line]
        low = Function(function, given)
        if narrow(given):
            answers += against_witness(low, line.function, questions, draws, vjp)
        if questions.second_order:
            again = Questions(undefined=False, nondeterminism=math.inf)
            second, found = _second_order(line.function, low, again, draws, "second order")
            lines.append(second)
            answers += found
        line.function.evaluations += low.evaluations
        return _report(lines, answers, seed, function, given)


def _probe(function: Callable[..., Any], given: Point, draws: Draws, vjp: Vjp | None) -> Probe:
    try:
        return Probe(Function(function, witness(given)), draws, vjp)
    except UnusableFunction as error:
        if not narrow(given):
            raise
        Function(function, given).evaluated()  # if it cannot be run as it was given, that is what to tell
        raise UnusableFunction(
            f"{error} It runs with the inputs as they are, but not in float64, in which they are judged: "
            "pass what it computes with as arguments too, or make it float64 (module.double())"
        ) from error.__cause__


def examine_second_order(
    function: Callable[..., Any],
    inputs: Any,
    questions: Questions,
    *,
    cotangents: Tensors | None = None,
    seed: int | None = None,
) -> GradientReport:
    """The questions asked of the gradient of the gradient, at random cotangents or the given ones."""
    seed = secrets.randbits(31) if seed is None else seed
    given = point_of(inputs)
    draws = Draws(seed)
    with untouched_random_state():
        first, low = Function(function, witness(given)), Function(function, given)
        line, answers = _second_order(first, low, questions, draws, cotangents=cotangents)
        line.function.evaluations += low.evaluations
        return _report([line], answers, seed, line.function.callable, given)


def _second_order(
    first: Function,
    low: Function,
    questions: Questions,
    draws: Draws,
    prefix: str = "",
    cotangents: Tensors | None = None,
) -> tuple[Probe, list[Answer]]:
    """A function's gradient probed like a function; `low` is the same in the inputs' own dtypes."""
    wide = None if cotangents is None else tuple(widened(c) for c in cotangents)
    line = Probe(second_order_of(first, draws, wide), draws, None)
    answers = line.answers(questions, f"{prefix}, " if prefix else "")
    if narrow(low.point):
        of_low = second_order_of(low, draws, cotangents)
        # Both are given cotangents with the digits of the narrower.
        drawn = tuple(widened(c) for c in of_low.point.arguments[len(low.point.arguments) :])
        precise = second_order_of(first, draws, drawn)
        answers += against_witness(of_low, precise, questions, draws, prefix=prefix)
    return line, answers


def _report(
    lines: Sequence[Probe], answers: Sequence[Answer], seed: int, function: Callable[..., Any], given: Point
) -> GradientReport:
    status = overall(tuple(answer.status for answer in answers))
    return GradientReport(
        status=status,
        smallest_visible_error=_visible(answers),
        smallest_visible_entry=lines[0].visible_entry,
        worst=next((line.place for line in lines if line.place is not None), None),
        answers=tuple(answers),
        corners=sum(int(np.count_nonzero(line.numeric.kink)) for line in lines),
        unjudged=sum(int(np.count_nonzero(~line.numeric.known)) for line in lines),
        left_out=lines[0].function.left_out,
        evaluations=sum(line.function.evaluations for line in lines),
        seed=seed,
        function=function,
        inputs=given.arguments,
    )


def _visible(answers: Sequence[Answer]) -> float:
    """What the least seeing answer could see; at corners only where nothing else was asked."""
    smooth = [a.visible for a in answers if not a.at_corners]
    return max(smooth or [a.visible for a in answers], default=math.nan)
