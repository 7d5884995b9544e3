"""Refused: whether torch refuses a call, asked where a crash does no harm.

As a program (`python -m verify.refused OPERATION REFUSAL DEVICE DTYPE`) it asks about one in the catalogue.
"""

from __future__ import annotations

import os
import sys

import torch

from verify import separate
from verify.case import HARD, Case
from verify.operation import Refusal

REFUSED = "refused"


def reply(case: Case, refusal: Refusal) -> str:
    """`refused`, or in words what happened instead."""
    if not refusal.crashes:
        return _tried(case, refusal)
    if case.device == "cpu" and hasattr(os, "fork"):
        return separate.forked(lambda: _tried_on_one_thread(case, refusal))
    return separate.interpreted(__name__, case.operation.name, refusal.name, case.device, case.dtype)


def _tried_on_one_thread(case: Case, refusal: Refusal) -> str:
    # The copy of a process has none of its threads: a kernel that counts on them would wait for ever.
    torch.set_num_threads(1)
    return _tried(case, refusal)


def _tried(case: Case, refusal: Refusal) -> str:
    def tensor(*shape: int) -> torch.Tensor:
        return torch.full(shape, 0.5, dtype=getattr(torch, case.dtype), device=case.device)

    try:
        answer = refusal.call(case.function, tensor)
        # A device tells what went wrong in a kernel when its result is waited for.
        if isinstance(answer, torch.Tensor):
            answer.cpu()
    except refusal.raises:
        return REFUSED
    except Exception as error:  # any other error than the documented one is the finding
        return f"it raised {type(error).__name__} ({str(error).partition(chr(10))[0]})"
    shape = f" of shape {tuple(answer.shape)}" if isinstance(answer, torch.Tensor) else ""
    return f"it returned a {type(answer).__name__}{shape}"


def _main(operation: str, name: str, device: str, dtype: str) -> None:
    from verify.operations import catalogue

    case = Case(catalogue()[operation], device, dtype, HARD)
    (refusal,) = (r for r in case.operation.refuses if r.name == name)
    sys.stdout.write(_tried(case, refusal))


if __name__ == "__main__":
    _main(*sys.argv[1:])
