"""Sample: one of the inputs that torch's own tests use of an operator, drawn from a seed."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from verify.samples.operators import name_of


@dataclass(frozen=True)
class Sample:
    """A sample of an operator: torch's record of it, the arguments by position and by name.

    `process`: what of a result is unique, such as the size of an eigenvector's entries. `broadcasts`: the
    first input is smaller than the result.
    """

    record: Any
    number: int
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    process: Callable[[Any], Any]
    broadcasts: bool

    @property
    def operator(self) -> str:
        """The operator's name."""
        return name_of(self.record)

    @property
    def nondeterminism(self) -> float:
        """How far torch lets the operator's backward differ from run to run."""
        return float(self.record.gradcheck_nondet_tol)

    @property
    def memory_format(self) -> bool:
        """Whether it asks for a memory format, which tensors of another rank do not have."""
        given = (*self.arguments, *self.options.values())
        return any(isinstance(x, torch.memory_format) for x in given)

    @property
    def function(self) -> Callable[..., Any]:
        """What is unique of the operator's result, of the arguments by position."""
        record, options, process = self.record, self.options, self.process

        def function(*arguments: Any) -> Any:
            return process(record.gradcheck_wrapper(record.op, *arguments, **options))

        function.__name__ = self.operator
        return function


def samples(record: Any, device: str, dtype: str, seed: int, requires_grad: bool = True) -> Iterator[Sample]:
    """An operator's samples, drawn from the seed."""
    torch.manual_seed(seed)
    # Left to itself torch draws the same samples whatever the seed; an old torch does not know the word.
    free = {"set_seed": False} if "set_seed" in inspect.signature(record.sample_inputs).parameters else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = list(record.sample_inputs(device, getattr(torch, dtype), requires_grad=requires_grad, **free))
    for number, sample in enumerate(drawn):
        yield Sample(
            record,
            number,
            (sample.input, *sample.args),
            sample.kwargs,
            sample.output_process_fn_grad,
            bool(getattr(sample, "broadcasts_input", False)),
        )
