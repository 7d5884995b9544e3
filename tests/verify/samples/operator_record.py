"""An operator's record as torch ships them, made by hand, with faults to be planted in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch


@dataclasses.dataclass
class Input:
    """One sample input, as torch's `SampleInput` has it."""

    input: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = dataclasses.field(default_factory=dict)
    broadcasts_input: bool = False
    output_process_fn_grad: Callable[[Any], Any] = dataclasses.field(default=lambda y: y)


def drawn(device, dtype, requires_grad):
    """A matrix of ordinary numbers, positive so that their sums do not cancel, and a small one."""
    for shape in ((6, 70), (3, 5)):
        x = torch.rand(shape, dtype=torch.float64) + 0.5
        yield Input(x.to(device, dtype).requires_grad_(requires_grad))


@dataclasses.dataclass(eq=False)
class Record:
    """What the checks read of torch's `OpInfo`."""

    name: str
    op: Callable[..., Any]
    inplace_variant: Callable[..., Any] | None = None
    method_variant: Callable[..., Any] | None = None
    operator_variant: Callable[..., Any] | None = None
    aliases: tuple[Any, ...] = ()
    variant_test_name: str = ""
    dtypes: frozenset[torch.dtype] = frozenset({torch.float64, torch.float32, torch.float16, torch.bfloat16})
    supports_out: bool = True
    supports_autograd: bool = True
    supports_forward_ad: bool = True
    supports_gradgrad: bool = True
    supports_fwgrad_bwgrad: bool = True
    gradcheck_nondet_tol: float = 0.0
    draw: Callable[..., Any] = drawn

    def gradcheck_wrapper(self, op, *arguments, **options):
        return op(*arguments, **options)

    def sample_inputs(self, device, dtype, requires_grad=False):
        yield from self.draw(device, dtype, requires_grad)


class UnaryUfuncInfo(Record):
    """An operator that is declared to work entry by entry."""


@dataclasses.dataclass
class Alias:
    """Another name of a function."""

    name: str
    op: Callable[..., Any]
    method_variant: Callable[..., Any] | None = None
