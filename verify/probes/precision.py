"""Precision: the modes in which torch multiplies matrices of a dtype on a device, and what each promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Mode:
    """One way in which products are computed while `entered()` is open; what was set before is restored.

    `operands` are the bits of an operand's significand that the mode promises to use. None: all of them.
    """

    name: str
    entered: Callable[[], AbstractContextManager[None]] = nullcontext
    operands: int | None = None


@contextmanager
def _float32(precision: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def _reduced(name: str, allowed: bool) -> Iterator[None]:
    before = getattr(torch.backends.cuda.matmul, name)
    setattr(torch.backends.cuda.matmul, name, allowed)
    try:
        yield
    finally:
        setattr(torch.backends.cuda.matmul, name, before)


# torch.set_float32_matmul_precision: TF32 keeps 10 bits beside the leading one, bfloat16 7. A pair of
# bfloat16 numbers, which `high` may use instead, keeps more than TF32.
_FLOAT32 = (
    Mode("highest", lambda: _float32("highest")),
    Mode("high", lambda: _float32("high"), 11),
    Mode("medium", lambda: _float32("medium"), 8),
)
_REDUCTIONS = {
    "float16": "allow_fp16_reduced_precision_reduction",
    "bfloat16": "allow_bf16_reduced_precision_reduction",
}


def modes(device: str, dtype: str) -> tuple[Mode, ...]:
    """Every mode of a dtype on a device, the most exact one first."""
    if dtype == "float32":
        return _FLOAT32
    if device.split(":")[0] == "cuda" and dtype in _REDUCTIONS:
        name = _REDUCTIONS[dtype]
        return (
            Mode("full reductions", lambda: _reduced(name, False)),
            Mode("reduced reductions", lambda: _reduced(name, True)),
        )
    return (Mode("default"),)


@contextmanager
def threads(number: int) -> Iterator[None]:
    """torch on so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
