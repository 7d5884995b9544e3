"""Outcomes of samples: a check asked of an operator's samples, and what is said of each.

What fails or could not be judged has an outcome of its own, with the command that shows it alone; the
samples that pass and those that are skipped for one reason have one outcome together, which counts them.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from verify.gradients.draws import Draws
from verify.gradients.function import first_line, untouched_random_state
from verify.outcome import Outcome, Status
from verify.samples.allowed import Unjudged
from verify.samples.check import OTHERS, NotAsked, SampleCheck
from verify.samples.operators import name_of
from verify.samples.sample import Sample, samples
from verify.samples.verdict import Verdict, failed

# The check whose samples each have an outcome, and which a quick run asks.
GRADIENT = "samples"
SAMPLES, SECONDS = "samples", "seconds"


def dtypes(check: SampleCheck, record: Any, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The dtypes in which a check asks an operator: those wanted, or else its own."""

    def has(dtype: str) -> bool:
        return getattr(torch, dtype) in record.dtypes

    if not check.applies(record):
        return ()
    if wanted:
        return tuple(d for d in wanted if has(d))
    own = tuple(d for d in check.dtypes if has(d))
    return own or (tuple(d for d in OTHERS if has(d))[:1] if check.others else ())


def outcomes(
    check: SampleCheck, record: Any, only: frozenset[int] | None, device: str, dtype: str, seed: int
) -> Iterator[Outcome]:
    """What came of a check of an operator's samples, or of some of them."""
    about = _About(check, record, device, dtype, seed)
    with untouched_random_state():
        others = Draws(seed)
        seeds = (seed, *(others.seed() for _ in range(check.draws - 1)))
        drawn = [list(samples(record, device, dtype, s, check.graph)) for s in seeds]
    present, singly = len(drawn[0]), check.name == GRADIENT
    numbers = _spread(present, check.most) if only is None else [n for n in range(present) if n in only]
    passing: list[Verdict] = []
    seconds, passed = 0.0, 0
    reasons: Counter[str] = Counter()
    for number in numbers:
        started = time.perf_counter()
        draws = tuple(d[number] for d in drawn if number < len(d))
        found, reason = _examined(check, draws, seed)
        took = time.perf_counter() - started
        seconds += took
        if reason:
            reasons[reason] += 1
        for verdict in found:
            if singly or verdict.status is not Status.PASS:
                yield about.outcome(verdict, number, {SECONDS: took, **verdict.figures})
        if singly and reason:
            skip = Verdict("gradient", Status.SKIPPED, f"skipped, {reason}")
            yield about.outcome(skip, number, {SECONDS: took})
        passing += [v for v in found if v.status is Status.PASS]
        passed += bool(found) and not reason and all(v.status is Status.PASS for v in found)
    if not singly:
        yield from about.together(passing, reasons, passed, present, seconds)


def _spread(count: int, most: int) -> list[int]:
    """So many numbers of all, spread evenly; 0 stands for all."""
    most = min(most or count, count)
    return [(2 * i + 1) * count // (2 * most) for i in range(most)]


def _examined(check: SampleCheck, draws: tuple[Sample, ...], seed: int) -> tuple[list[Verdict], str | None]:
    """The verdicts on a sample, or why it is skipped."""
    found: list[Verdict] = []
    try:
        with warnings.catch_warnings(), untouched_random_state():
            # torch warns of deprecations and slow paths; neither changes a number.
            warnings.simplefilter("ignore")
            found.extend(check.examine(draws, seed))
    except NotAsked as reason:
        return found, str(reason)
    except Unjudged as reason:
        question = "gradient" if check.name == GRADIENT else check.name
        found.append(Verdict(question, Status.INCONCLUSIVE, f"could not be judged, {reason}"))
    except Exception as error:  # the operator under test may raise anything; what it raised is told
        found.append(failed("runs to an end", f"{type(error).__name__}: {first_line(error)}"))
    return found, None


class _About:
    """What all outcomes of a check of an operator say."""

    def __init__(self, check: SampleCheck, record: Any, device: str, dtype: str, seed: int) -> None:
        self._check, self._operator = check.name, name_of(record)
        self._device, self._dtype, self._seed = device, dtype, seed

    def outcome(self, verdict: Verdict, number: int | None, figures: dict[str, float]) -> Outcome:
        """A verdict on one sample, or on all that are together (no number)."""
        workload = "samples" if number is None else f"sample-{number}"
        case = f"{self._operator}[{self._device}-{self._dtype}-{workload}]"
        return Outcome(
            operation=self._operator,
            implementation="eager",
            device=self._device,
            dtype=self._dtype,
            workload=workload,
            check=self._check,
            question=verdict.question,
            point=workload.replace("-", " "),
            status=verdict.status,
            measured=verdict.measured,
            bound=verdict.bound,
            unit=verdict.unit,
            seed=self._seed,
            message=f"{case}: {verdict.message}",
            reproduce=self._command(self._operator if number is None else case),
            worst=verdict.worst,
            figures=figures,
        )

    def together(
        self, passing: list[Verdict], reasons: Counter[str], count: int, present: int, seconds: float
    ) -> Iterator[Outcome]:
        """The outcome of all that passed, and one for each reason for which samples were skipped."""
        for reason, skipped in reasons.items():
            skip = Verdict(self._check, Status.SKIPPED, f"skipped, {reason}")
            yield self.outcome(skip, None, {SAMPLES: float(skipped)})
        if not passing:
            return
        worst = max(passing, key=lambda v: v.measured or 0.0)
        totals: Counter[str] = Counter()
        for verdict in passing:
            totals.update(verdict.figures)
        told = f"{len(passing)} answers pass, {count} of {present} samples in all. Nearest to its bound: "
        figures = {**totals, SAMPLES: float(count), SECONDS: seconds}
        summary = Verdict(
            "all samples", Status.PASS, told + worst.message, worst.measured, worst.bound, worst.unit
        )
        yield self.outcome(summary, None, figures)

    def _command(self, select: str) -> str:
        command = f"torchstone verify --ops torch --select '{select}' --seed {self._seed}"
        if self._device != "cpu":
            command += f" --device {self._device}"
        if self._dtype != "float64":
            command += f" --dtype {self._dtype}"
        return command + ("" if self._check == GRADIENT else f" --check {self._check}")
