"""Out: does `out=` hold the same bits, and is a wrong one resized with a warning or refused?

An `out` that overlaps an input is not asked about.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from verify.call import Results, results
from verify.gradients.function import first_line
from verify.samples.apart import compared, explained
from verify.samples.buffer import Buffer, buffer, unwritten
from verify.samples.check import NotAsked, SampleCheck
from verify.samples.posed import Posed, call_of, posed
from verify.samples.sample import Sample
from verify.samples.verdict import Verdict, failed, judged, kept

# What torch raises where a function has no form that takes an out.
_NONE = ("failed to match any schema", "does not support the out kwarg")
_LAYOUTS = ("contiguous", "offset", "strided", "transposed")


def examine(draws: tuple[Sample, ...], seed: int) -> Iterator[Verdict]:
    """A verdict for each place of `out`, and for a wrong shape and a wrong dtype."""
    (sample,) = draws
    if "out" in sample.options:
        raise NotAsked("the sample brings an out of its own")
    plain = posed(sample, sample.record.op)
    if plain.draws:
        raise NotAsked("it draws random numbers")
    explain = explained(sample, plain, seed)
    for layout in _LAYOUTS:
        buffers = [buffer(unwritten(y), layout) for y in plain.first.outputs]
        _write(sample, plain, buffers)
        again = Results(tuple(b.tensor for b in buffers))
        yield judged(compared(f"{layout} out", plain.first, again, explain))
        if any(b.margin_changed for b in buffers):
            yield failed(f"{layout} out", "memory beside out is written to")
    yield _wrong_shape(sample, plain)
    if all(y.is_floating_point() or y.is_complex() for y in plain.first.outputs):
        yield _wrong_dtype(sample, plain)


def _write(sample: Sample, plain: Posed, buffers: list[Buffer]) -> None:
    """Raises: NotAsked where the operator takes no such out."""
    try:
        results(call_of(sample, _into(sample, tuple(b.tensor for b in buffers)), plain.call.inputs))
    except (TypeError, RuntimeError) as error:
        if isinstance(error, TypeError) or any(words in str(error) for words in _NONE):
            raise NotAsked(f"it takes no out: {first_line(error)}") from error
        raise


def _into(sample: Sample, out: tuple[torch.Tensor, ...]) -> Callable[..., Any]:
    def form(*arguments: Any, **options: Any) -> Any:
        return sample.record.op(*arguments, **options, out=out[0] if len(out) == 1 else out)

    return form


def _wrong_shape(sample: Sample, plain: Posed) -> Verdict:
    """torch.Tensor documents no resize without a warning since 1.5; an error is as good."""
    question = "out of another shape"
    wrong = tuple(unwritten(y.new_empty((y.numel() + 1,))) for y in plain.first.outputs)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            results(call_of(sample, _into(sample, wrong), plain.call.inputs))
        except (RuntimeError, ValueError, IndexError) as error:
            return _refused(question, error)
    resized = [w.shape == y.shape for w, y in zip(wrong, plain.first.outputs, strict=True)]
    if not all(resized):
        shapes = [tuple(w.shape) for w in wrong]
        return failed(question, f"out is left with the shapes {shapes} and nothing is raised")
    if not any("resize" in str(w.message) for w in told):
        return failed(question, "out is resized without a warning")
    return kept(question)


def _refused(question: str, error: Exception) -> Verdict:
    """An error is a refusal, unless it says itself that torch did not mean it."""
    if "INTERNAL ASSERT" in str(error):
        return failed(question, first_line(error))
    return kept(question)


def _wrong_dtype(sample: Sample, plain: Posed) -> Verdict:
    """torch documentation, torch.dtype: an integral out cannot accept a floating point result."""
    question = "out of an integral dtype"
    wrong = tuple(torch.zeros_like(y, dtype=torch.int64) for y in plain.first.outputs)
    try:
        results(call_of(sample, _into(sample, wrong), plain.call.inputs))
    except (RuntimeError, TypeError) as error:
        return _refused(question, error)
    return failed(question, "a floating result is taken, and nothing is raised")


CHECK = SampleCheck(
    "out",
    "Does out= hold the same bits, wherever it lies, and is a wrong one refused or resized with a warning?",
    examine,
    lambda record: bool(record.supports_out),
    dtypes=("float32",),
    most=16,
)
