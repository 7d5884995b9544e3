"""Checkers: our gradient checker and torch's two, each run on gradients known to be wrong or right."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import torch
from torch.autograd.gradcheck import GradcheckError

from verify.gradients.check import check_gradient
from verify.outcome import Status
from verify.planted import PlantedGradient
from verify.run import one_thread
from verify.selftest.score import OURS, Judgement, Result, Score, Verdict

# A checker takes a planted gradient and a seed, and says what it makes of the gradient.
Checker = Callable[[PlantedGradient, int], Judgement]
Progress = Callable[[PlantedGradient], None]

# Entries of the Jacobian, and inputs, above which gradcheck's slow mode is not run: it evaluates the
# function twice for each input, and would take longer for a few such gradients than for all the others.
_LARGEST_JACOBIAN = 200_000
_MOST_INPUTS = 5_000

_VERDICTS = {
    Status.PASS: Verdict.RIGHT,
    Status.FAIL: Verdict.WRONG,
    Status.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


def ours(planted: PlantedGradient, seed: int) -> Judgement:
    """`check_gradient`, asked about the mode in which the fault was planted too."""
    report = check_gradient(
        planted.function,
        planted.inputs(),
        seed=seed,
        forward=planted.mode == "forward",
        second_order=planted.mode == "second order",
    )
    return Judgement(
        _VERDICTS[report.status],
        visible=report.smallest_visible_error,
        visible_entry=report.smallest_visible_entry,
    )


def slow(planted: PlantedGradient, seed: int) -> Judgement:
    """`torch.autograd.gradcheck` with its defaults, or `gradgradcheck`; not run on large functions."""
    inputs = planted.inputs()
    moved = sum(x.numel() for x in inputs if x.requires_grad)
    if moved > _MOST_INPUTS or moved * planted.right(*inputs).numel() > _LARGEST_JACOBIAN:
        return Judgement(Verdict.NOT_RUN)
    return _gradcheck(planted, fast_mode=False)


def fast(planted: PlantedGradient, seed: int) -> Judgement:
    """The same with `fast_mode=True`."""
    return _gradcheck(planted, fast_mode=True)


CHECKERS: Mapping[str, Checker] = MappingProxyType({OURS: ours, "slow": slow, "fast": fast})


def run(
    planted: Sequence[PlantedGradient],
    seed: int,
    checkers: Mapping[str, Checker] = CHECKERS,
    progress: Progress = lambda planted: None,
    repeats: int = 1,
) -> Score:
    """Show every planted gradient to every checker, one of which is named `ours`, on one thread.

    A right gradient is shown to ours `repeats` times, with the seeds `seed`, `seed + 1`, ...

    Raises: what a checker raises, with the planted gradient's name added; a checker that cannot judge
    has to say so.
    """
    with one_thread():
        if planted:
            for checker in checkers.values():
                _judged(checker, planted[0], seed)  # what is loaded at first use is not timed
        results = []
        for one in planted:
            progress(one)
            judgements = {name: _judged(checker, one, seed) for name, checker in checkers.items()}
            further = () if one.wrong else range(seed + 1, seed + repeats)
            again = tuple(_judged(checkers[OURS], one, other) for other in further)
            results.append(Result(one.name, one.kind, one.wrong, one.size, judgements, one.mode, again))
    return Score(tuple(results), seed)


def _judged(checker: Checker, planted: PlantedGradient, seed: int) -> Judgement:
    """A judgement and its time. The processor's time: what else the machine does takes no part in it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # gradgradcheck draws its cotangents
        begin = time.process_time()
        try:
            judgement = checker(planted, seed)
        except Exception as error:
            error.add_note(f"while judging the planted gradient {planted.name!r}")
            raise
        seconds = time.process_time() - begin
    return replace(judgement, seconds=seconds)


def _gradcheck(planted: PlantedGradient, fast_mode: bool) -> Judgement:
    try:
        if planted.mode == "second order":
            torch.autograd.gradgradcheck(planted.function, planted.inputs(), fast_mode=fast_mode)
        else:
            torch.autograd.gradcheck(
                planted.function,
                planted.inputs(),
                fast_mode=fast_mode,
                check_forward_ad=planted.mode == "forward",
            )
    except GradcheckError:
        return Judgement(Verdict.WRONG)
    return Judgement(Verdict.RIGHT)
