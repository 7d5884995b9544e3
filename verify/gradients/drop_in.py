"""Drop-in: `gradcheck` and `gradgradcheck` with the arguments of torch's own.

What has no meaning any more is accepted and not used: `eps`, because the step is chosen from the
function's own noise; `atol` and `rtol`, because the bound is computed; `fast_mode`, because there is one
mode; `check_grad_dtypes`, because autograd itself refuses a gradient of another dtype; `masked`, because
sparse inputs are refused.

Source: torch's documentation of `torch.autograd.gradcheck.gradcheck` and `gradgradcheck`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.gradcheck import GradcheckError

from verify.gradients.check import examine, examine_second_order
from verify.gradients.function import UnusableFunction
from verify.gradients.questions import Questions
from verify.gradients.report import GradientReport
from verify.outcome import Status


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check a function's gradient in the place of `torch.autograd.gradcheck`; True, or an exception.

    Raises: GradcheckError where the gradient is wrong or could not be judged (False is returned instead
    if `raise_exception` is not set); ValueError for inputs that cannot be checked; what the function
    raises at its inputs.
    """
    del eps, atol, rtol, check_grad_dtypes, fast_mode, masked
    questions = _questions(
        check_backward_ad, check_forward_ad, check_batched_grad, check_undefined_grad, nondet_tol
    )
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("check_batched_forward_grad asks for check_forward_ad too")
    questions = Questions(**(vars(questions) | {"batched_forward": check_batched_forward_grad}))
    return _told(lambda: examine(func, inputs, questions), raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check the gradient of a gradient in the place of `torch.autograd.gradgradcheck`.

    Cotangents that are not given are drawn; every second one is not contiguous in any case, which is what
    `gen_non_contig_grad_outputs` asks for.

    Raises: as `gradcheck`.
    """
    del eps, atol, rtol, gen_non_contig_grad_outputs, check_grad_dtypes, fast_mode, masked
    questions = _questions(
        check_rev_over_rev, check_fwd_over_rev, check_batched_grad, check_undefined_grad, nondet_tol
    )
    given = (grad_outputs,) if isinstance(grad_outputs, torch.Tensor) else grad_outputs
    cotangents = None if given is None else tuple(given)
    return _told(
        lambda: examine_second_order(func, inputs, questions, cotangents=cotangents), raise_exception
    )


def _questions(reverse: bool, forward: bool, batched: bool, undefined: bool, nondet_tol: float) -> Questions:
    if not (reverse or forward):
        raise ValueError("nothing is asked: set check_backward_ad (check_rev_over_rev) or the forward mode")
    if batched and not reverse:
        raise ValueError("check_batched_grad asks for the backward mode too")
    return Questions(
        reverse=reverse, forward=forward, batched=batched, undefined=undefined, nondeterminism=nondet_tol
    )


def _told(examined: Callable[[], GradientReport], raise_exception: bool) -> bool:
    try:
        report = examined()
    except UnusableFunction as error:
        if isinstance(error.__cause__, Exception):
            # As with torch, what the function raised is the caller's to see.
            raise error.__cause__ from None
        if raise_exception:
            raise GradcheckError(str(error)) from error
        return False
    if report.status is Status.PASS:
        return True
    if raise_exception:
        raise GradcheckError(str(report))
    return False
