"""Report: what came of checking a function's gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from verify.outcome import Status

_ORDER = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)


@dataclass(frozen=True)
class Place:
    """One entry of the Jacobian: what autograd says of it, and the interval of the finite difference.

    Entries are indices into the tensors; a complex entry's index ends in `real` or `imag`. `disputed`: a
    finite difference along a line of another length agrees with autograd.
    """

    output: int
    output_entry: tuple[int | str, ...]
    input: int
    input_entry: tuple[int | str, ...]
    analytic: float
    numeric: float
    interval: float
    disputed: bool = False

    def __str__(self) -> str:
        into = f"output {self.output}{_index(self.output_entry)}"
        of = f"input {self.input}{_index(self.input_entry)}"
        return (
            f"d {into} / d {of}: autograd says {self.analytic:.17g}, "
            f"a finite difference {self.numeric:.17g} ± {self.interval:.2g}"
            + (", and along a line of another length what autograd says" if self.disputed else "")
        )


@dataclass(frozen=True)
class Answer:
    """One question asked of the gradient.

    Units: `measured` and `bound` are absolute, of the derivative along the direction that was tried;
    `visible` is the smallest relative error of that derivative that would have failed. `at_corners`: of
    entries with a corner, where anything between the one-sided derivatives passes.
    """

    question: str
    status: Status
    measured: float = 0.0
    bound: float = 0.0
    visible: float = 0.0
    note: str = ""
    at_corners: bool = False

    def __str__(self) -> str:
        return f"{self.status.value:12} {self.told}"

    @property
    def told(self) -> str:
        """What came of it, in words."""
        text = self.question
        if self.status is Status.INCONCLUSIVE and self.visible > 0:
            text += f": no relative error below {self.visible:.1e} would show"
        elif self.status is Status.PASS and self.visible > 0:
            text += f": a relative error of {self.visible:.1e} would show"
        elif self.status is Status.FAIL and self.bound > 0:
            text += f": off by {self.measured:.3g}, where {self.bound:.2g} is explained"
        return text + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class GradientReport:
    """Whether a function's gradient is right, how small an error would have shown, and the worst place.

    `smallest_visible_error` is relative to the derivative along a random direction, for the whole
    gradient away from corners; `smallest_visible_entry` relative to the median entry, for an error in one
    entry alone. `corners` counts output entries with a kink, which were held against their one-sided
    derivatives; `unjudged` those of which a finite difference can say nothing. `left_out` are the outputs
    that carry no gradient where others do: nothing is asked of them.
    """

    status: Status
    smallest_visible_error: float
    smallest_visible_entry: float
    worst: Place | None
    answers: tuple[Answer, ...]
    corners: int
    unjudged: int
    left_out: tuple[int, ...]
    evaluations: int
    seed: int
    function: Callable[..., Any] = field(repr=False, compare=False)
    inputs: tuple[Any, ...] = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.status is Status.PASS

    def __str__(self) -> str:
        heads = {
            Status.PASS: "the gradient is right",
            Status.FAIL: "the gradient is wrong",
            Status.INCONCLUSIVE: "the gradient could not be judged",
        }
        lines = [f"{self.status.value}: {heads[self.status]} ({named(self.function)})"]
        lines += [f"  {answer}" for answer in self.answers]
        if self.worst is not None:
            lines.append(f"  worst: {self.worst}")
        if self.corners:
            lines.append(
                f"  {self.corners} output entries lie on a corner: there the gradient must lie between the "
                "one-sided derivatives"
            )
        if self.unjudged:
            lines.append(
                f"  {self.unjudged} output entries could not be differenced: nothing is said of them"
            )
        if self.left_out:
            which = ", ".join(map(str, self.left_out))
            lines.append(f"  no gradient is carried by output {which}, and none is asked of it")
        lines.append(f"  {self.evaluations} evaluations, seed {self.seed}")
        return "\n".join(lines)

    def reproducer(self) -> str:
        """A script of torch alone that shows the worst entry again, or the gradient along one line."""
        from verify.gradients.reproducer import script

        return script(self)


def overall(statuses: tuple[Status, ...]) -> Status:
    """The gravest of several statuses; inconclusive where there is none."""
    return next((status for status in _ORDER if status in statuses), Status.INCONCLUSIVE)


def named(function: Callable[..., Any]) -> str:
    """What to call a function in a message."""
    return getattr(function, "__name__", None) or type(function).__name__


def _index(entry: tuple[int | str, ...]) -> str:
    return f"[{', '.join(map(str, entry))}]" if entry else ""
