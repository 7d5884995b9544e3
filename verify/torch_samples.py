"""Torch samples: the gradients of every operator at the inputs that torch's own tests use.

torch ships its operators' samples in `torch.testing._internal`, which is private: it moves between
releases and needs `expecttest`. `pip install 'torchstone[samples]'` brings what it needs.
"""

from __future__ import annotations

import importlib
import inspect
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from verify.gradients.check import examine
from verify.gradients.function import UnusableFunction
from verify.gradients.point import UnusableInput
from verify.gradients.questions import Questions
from verify.gradients.report import Answer, GradientReport
from verify.outcome import Outcome, Status
from verify.selection import choose

CHECK = "samples"
_SAMPLE = re.compile(r"(?P<name>[^\[]+)\[(?P<device>[^-]+)-(?P<dtype>[^-]+)-sample-(?P<number>\d+)\]")
_UNIT = "of the derivative along the line"


class Missing(ValueError):
    """torch's samples cannot be imported here; the message says what to install."""


@dataclass(frozen=True)
class Sample:
    """One of an operator's sample inputs. `nondeterminism`: how far torch lets its backward differ."""

    operator: str
    number: int
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    nondeterminism: float


def operators(dtype: str = "float64") -> Mapping[str, Any]:
    """torch's own records of the operators that have a gradient in a dtype, by name.

    Raises: Missing where torch's samples or what they need are not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            database = importlib.import_module("torch.testing._internal.common_methods_invocations").op_db
    except ImportError as error:
        raise Missing(
            f"torch's samples cannot be imported ({error}): pip install 'torchstone[samples]'"
        ) from error
    wanted = getattr(torch, dtype)
    return {_name(o): o for o in database if o.supports_autograd and wanted in o.dtypes}


def chosen(patterns: Sequence[str], known: Mapping[str, Any]) -> dict[str, frozenset[int] | None]:
    """The operators that globs speak of, and the samples that whole names such as
    `fmod[cpu-float64-sample-7]` ask for; None stands for all of an operator's. Raises: UnknownName.
    """
    whole = [m for p in patterns if (m := _SAMPLE.fullmatch(p))]
    globs = [p for p in patterns if not _SAMPLE.fullmatch(p)]
    every = set(choose("operator", globs, known)) if globs or not whole else set()
    single: dict[str, set[int]] = {}
    for match in whole:
        for name in choose("operator", (match["name"],), known):
            single.setdefault(name, set()).add(int(match["number"]))
    return {
        name: None if name in every else frozenset(single[name])
        for name in known
        if name in every or name in single
    }


def samples(operator: Any, device: str, dtype: str, seed: int) -> Iterator[Sample]:
    """An operator's samples, drawn from the seed."""
    torch.manual_seed(seed)
    # Left to itself torch draws the same samples whatever the seed; an old torch does not know the word.
    free = {"set_seed": False} if "set_seed" in inspect.signature(operator.sample_inputs).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = list(operator.sample_inputs(device, getattr(torch, dtype), requires_grad=True, **free))
    for number, sample in enumerate(drawn):
        yield Sample(
            _name(operator),
            number,
            _callable(operator, sample),
            (sample.input, *sample.args),
            operator.gradcheck_nondet_tol,
        )


def outcomes(
    operator: Any, only: frozenset[int] | None, device: str, dtype: str, seed: int
) -> Iterator[Outcome]:
    """One outcome for every sample of an operator, or for some of them."""
    for sample in samples(operator, device, dtype, seed):
        if only is None or sample.number in only:
            with warnings.catch_warnings():
                # torch warns of deprecations and slow paths; neither changes a gradient.
                warnings.simplefilter("ignore")
                yield _examined(sample, device, dtype, seed)


def _name(operator: Any) -> str:
    variant = operator.variant_test_name
    return f"{operator.name}.{variant}" if variant else str(operator.name)


def _callable(operator: Any, sample: Any) -> Callable[..., Any]:
    def function(*arguments: Any) -> Any:
        found = operator.gradcheck_wrapper(operator.op, *arguments, **sample.kwargs)
        return sample.output_process_fn_grad(found)

    function.__name__ = _name(operator)
    return function


def _examined(sample: Sample, device: str, dtype: str, seed: int) -> Outcome:
    started = time.perf_counter()
    questions = Questions(nondeterminism=sample.nondeterminism)
    try:
        report = examine(sample.function, sample.arguments, questions, seed=seed)
    except UnusableInput as reason:
        found = _outcome(sample, device, dtype, seed, Status.SKIPPED, f"skipped, {reason}")
    except UnusableFunction as reason:
        found = _outcome(sample, device, dtype, seed, Status.INCONCLUSIVE, f"could not be judged, {reason}")
    else:
        found = _judged(sample, device, dtype, seed, report)
    return replace(found, figures={"seconds": time.perf_counter() - started})


def _judged(sample: Sample, device: str, dtype: str, seed: int, report: GradientReport) -> Outcome:
    gravest = next(a for a in report.answers if a.status is report.status)
    told = "; ".join(a.told for a in report.answers if a.status is report.status)
    place = f". Worst: {report.worst}" if report.worst else ""
    blank = _outcome(sample, device, dtype, seed, report.status, f"{told}{place}")
    measured, bound = _relative(gravest)
    return replace(blank, question=gravest.question, measured=measured, bound=bound, unit=_UNIT)


def _relative(answer: Answer) -> tuple[float, float]:
    """What was measured and its bound, of the derivative along the line where that is not 0."""
    if answer.bound > 0 and answer.visible > 0:
        return answer.measured / answer.bound * answer.visible, answer.visible
    return answer.measured, answer.bound


def _outcome(sample: Sample, device: str, dtype: str, seed: int, status: Status, message: str) -> Outcome:
    case = f"{sample.operator}[{device}-{dtype}-sample-{sample.number}]"
    return Outcome(
        operation=sample.operator,
        implementation="eager",
        device=device,
        dtype=dtype,
        workload=f"sample-{sample.number}",
        check=CHECK,
        question="gradient",
        point=f"sample {sample.number}",
        status=status,
        measured=None,
        bound=None,
        unit="",
        seed=seed,
        message=f"{case}: {message}",
        reproduce=f"torchstone verify --ops torch --select '{case}' --seed {seed}"
        + ("" if device == "cpu" else f" --device {device}")
        + ("" if dtype == "float64" else f" --dtype {dtype}"),
    )
