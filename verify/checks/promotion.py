"""Promotion: which dtype, and which values, come of other dtypes than a case's own, and of several at once?

The dtype is held against torch's documented rule, written out in `verify/promotion.py`. A floating-point
result must be that of inputs which were converted first, bit for bit. A whole one must be exact, or where it
is too large exact modulo 2^bits: the formula is evaluated on Python's own integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import flint
import numpy as np
import torch

from verify.case import Case, Point
from verify.check import Check, Finding, outcome
from verify.operands import Mixture, alike, ends, mixtures, small, whole, wrapped
from verify.outcome import Outcome
from verify.promotion import DEFAULT, FLOATING, INTEGERS, NUMBER, Operand, Promotion, category, promoted
from verify.variation import differs

# What was asked, and what is wrong with the answer, if anything is.
Answers = Iterator[tuple[str, str | None]]
# The point of every outcome.
EVERY_DTYPE = "every dtype"
_REFUSALS = (RuntimeError, TypeError, ValueError, NotImplementedError)


def examine(case: Case, seed: int) -> Iterator[Outcome]:
    """One outcome for each kind of answer: dtypes, converted values, whole numbers, refused dtypes."""
    promotion = case.operation.promotion
    if promotion is None:
        raise ValueError(f"{case.operation.name} says nothing of other dtypes")
    every = (*alike(case, promotion), *mixtures(case, promotion))
    plain = [mixture for mixture in every if not mixture.complex_and_ranked]
    ranked = [mixture for mixture in every if mixture.complex_and_ranked]
    kinds: dict[str, Answers] = {
        "dtype of the result": _dtypes(case, promotion, plain),
        "values of converted inputs": _converted(case, promotion, plain),
        "dtype beside a complex number": _dtypes(case, promotion, ranked),
        "values beside a complex number": _converted(case, promotion, ranked),
        "whole numbers": _whole_numbers(case, promotion, plain),
        "refused dtypes": _refused(case, promotion),
    }
    for question, answers in kinds.items():
        finding = _tally(question, answers, promotion.source)
        if finding is not None:
            yield outcome(CHECK.name, case, seed, Point(EVERY_DTYPE, (), {}), finding)


def _tally(question: str, answers: Answers, source: str) -> Finding | None:
    """How many calls answer wrongly, and how the first of them does; None if nothing was asked."""
    listed = list(answers)
    if not listed:
        return None
    wrong = [f"{asked}: {said}" for asked, said in listed if said is not None]
    remark = f"{wrong[0]}. {source}" if wrong else ""
    figures = {"asked": float(len(listed))}
    return Finding(question, float(len(wrong)), 0.0, "wrong calls", figures=figures, remark=remark)


def _dtypes(case: Case, promotion: Promotion, asked: Iterable[Mixture]) -> Answers:
    for mixture in asked:
        due = promotion.result(promoted(mixture.operands))
        yield mixture.name, _said(partial(_other_dtype, case, mixture, due))


def _other_dtype(case: Case, mixture: Mixture, due: str) -> str | None:
    found = str(_call(case, small(case, mixture)).dtype).removeprefix("torch.")
    return None if found == due else f"the result is {found} where {due} is due"


def _converted(case: Case, promotion: Promotion, asked: Iterable[Mixture]) -> Answers:
    """Floating-point results: the same bits as from inputs of the result's dtype."""
    for mixture in asked:
        met = promotion.result(promoted(mixture.operands))
        alike_already = all(o.dtype == met and o.rank != NUMBER for o in mixture.operands)
        if category(met) >= FLOATING and not alike_already:
            yield mixture.name, _said(partial(_unlike_converted, case, mixture, met))


def _unlike_converted(case: Case, mixture: Mixture, dtype: str) -> str | None:
    inputs = small(case, mixture)
    kind = getattr(torch, dtype)
    converted = tuple(torch.as_tensor(x, device=case.device).to(kind) for x in inputs)
    return _unlike(_call(case, inputs), _call(case, converted))


def _unlike(answer: torch.Tensor, due: torch.Tensor) -> str | None:
    if answer.shape != due.shape:
        return f"the result has shape {tuple(answer.shape)} where {tuple(due.shape)} is due"
    if answer.dtype != due.dtype:
        return None  # a wrong dtype is another question's answer
    apart = differs(answer, due)
    if not bool(apart.any()):
        return None
    return f"{answer[apart][0].item()} where {due[apart][0].item()} is due"


def _whole_numbers(case: Case, promotion: Promotion, asked: Iterable[Mixture]) -> Answers:
    """Whole results and truth values: exact, of small numbers and of the ends of each type's range."""
    for mixture in asked:
        met = promoted(mixture.operands)
        if category(promotion.result(met)) < FLOATING and category(met) < FLOATING:
            yield mixture.name, _said(partial(_inexact, case, small(case, mixture), met))
    for dtype in promotion.takes:
        if dtype in INTEGERS and category(promotion.result(dtype)) < FLOATING:
            yield (
                f"{dtype} at the ends of its range",
                _said(partial(_inexact, case, ends(case, dtype), dtype)),
            )


def _inexact(case: Case, inputs: tuple[Any, ...], met: str) -> str | None:
    """What is wrong with a result of inputs that meet in a dtype of whole numbers."""
    answer = _call(case, inputs)
    converted = (wrapped(whole(x), met) for x in inputs)
    # Truth values count as numbers; a formula may round in balls, and 63 bits and a half take 64.
    with flint.ctx.workprec(128):
        evaluated = case.operation.forward.evaluate(*map(whole, converted), **case.workload.options)
    exact = whole(evaluated)
    computed = np.array(answer.tolist(), dtype=object)
    if computed.shape != exact.shape:
        return f"the result has shape {computed.shape} where {exact.shape} is due"
    dtype = str(answer.dtype).removeprefix("torch.")
    if category(dtype) >= FLOATING:
        return None  # a wrong dtype is another question's answer
    due = wrapped(exact, dtype)
    wrong = np.argwhere(np.asarray(computed != due, dtype=bool))
    if not len(wrong):
        return None
    index = tuple(int(i) for i in wrong[0])
    at = f" at entry {index}" if index else ""
    return f"{computed[index]} where {due[index]} is due{at}"


def _refused(case: Case, promotion: Promotion) -> Answers:
    for dtype in promotion.refuses:
        inputs = small(case, Mixture((Operand(dtype),) * len(case.workload.shapes)))
        try:
            answer = _call(case, inputs)
        except _REFUSALS:
            yield dtype, None
        else:
            yield dtype, f"it returned a {answer.dtype} where an error is documented"


def _call(case: Case, inputs: tuple[Any, ...]) -> torch.Tensor:
    answer: torch.Tensor = case.function(*inputs, **case.workload.options)
    return answer


def _said(judged: Callable[[], str | None]) -> str | None:
    try:
        return judged()
    except Exception as error:  # the operation under test may raise anything, and that is the finding
        return f"it raised {type(error).__name__} ({str(error).partition(chr(10))[0]})"


def _applies(case: Case) -> bool:
    # One question an operation, not one a dtype: asked where the dtype is torch's default.
    first = case.workload == case.operation.check[0] and case.dtype == DEFAULT
    return case.operation.promotion is not None and first


CHECK = Check(
    "promotion",
    "Which dtype and which values come of other dtypes, and of several at once?",
    examine,
    _applies,
    draws=False,
)
