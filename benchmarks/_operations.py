"""The base of the benchmark classes: one class a subject, one parameter a workload, dtype and device.

A name that asv must not take for a benchmark starts with an underscore.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._axes import DTYPES, PARAM_NAMES, SEED, TIMEOUT_SECONDS, VERSION, devices, set_threads
from benchmarks.timing import Timing, measure
from verify.case import Case, to_tensor
from verify.devices import synchronizer, unsupported
from verify.operation import Array, Operation, Workload
from verify.operations import catalogue

PROGRESS_VARIABLE = "TORCHSTONE_BENCH_PROGRESS"

# `torch.autograd.grad` imports this at its first call and takes half a second: done here, it is done once
# in asv's fork server instead of once a parameter.
with contextlib.suppress(ImportError):
    importlib.import_module("torch.fx.experimental.symbolic_shapes")

AsvSamples = dict[str, Any]
Track = Callable[[Any, str, str, str], AsvSamples]


def label(operation: Operation, workload: Workload) -> str:
    """The first parameter of a benchmark: `softmax 4096x1024`."""
    return f"{operation.name} {workload.label}"


def labels(subjects: Iterable[str], differentiable: bool = False) -> list[str]:
    """The labels of every timed workload of some subjects, or only of those that have a gradient."""
    wanted = frozenset(subjects)
    return [
        label(operation, workload)
        for operation in catalogue().values()
        if operation.subject in wanted and (operation.differentiable or not differentiable)
        for workload in operation.bench
    ]


def resolve(text: str) -> tuple[Operation, Workload]:
    """The operation and workload of a label. Raises: KeyError if the catalogue has none such."""
    operation = catalogue()[text.partition(" ")[0]]
    for workload in operation.bench:
        if label(operation, workload) == text:
            return operation, workload
    raise KeyError(text)


def over(workloads: Sequence[str], track: Track) -> Track:
    """The same benchmark method with parameters of its own: asv looks for them on the method first."""

    @functools.wraps(track)
    def method(self: Any, workload: str, dtype: str, device: str) -> AsvSamples:
        return track(self, workload, dtype, device)

    vars(method)["params"] = [list(workloads), list(DTYPES), list(devices())]
    return method


def timed(case: str, function: Callable[[], object], device: str) -> AsvSamples:
    """Measure one case and hand its samples to asv, which makes its own statistics of them."""
    timing = measure(function, synchronizer(device))
    _report(case, timing)
    return {"samples": list(timing.samples), "number": timing.number}


def refuse_unsupported(dtype: str, device: str) -> None:
    """Have asv skip what a device cannot hold. Raises: NotImplementedError, which means that to asv."""
    skip_for(unsupported(device, dtype))


def skip_for(reason: str | None) -> None:
    """Have asv skip a case if there is a reason. Raises: NotImplementedError, which means that to asv."""
    if reason:
        raise NotImplementedError(reason)


def attempt(function: Callable[[], object]) -> None:
    """Call once, so that a missing kernel or too small a memory is a skip and any other error a failure.

    Raises: NotImplementedError where torch says that it has no such kernel or memory.
    """
    try:
        function()
    except RuntimeError as error:
        # ATen's wording for a missing kernel; both its allocators say "out of memory" or "allocate memory".
        if any(words in str(error) for words in ("not implemented", "out of memory", "allocate memory")):
            raise NotImplementedError(str(error).splitlines()[0]) from error
        raise


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    # Of the empty shape NumPy returns a float, not an array.
    return np.asarray(generator.standard_normal(shape))


def _report(case: str, timing: Timing) -> None:
    """Append a line to the file that a waiting front end watches: asv itself speaks once a class."""
    path = os.environ.get(PROGRESS_VARIABLE)
    if path:
        disturbed = f", {timing.disturbed} disturbed" if timing.disturbed else ""
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(f"{case}: {timing.seconds:.3g} s, {len(timing.samples)} samples{disturbed}\n")


class _Operations:
    """Times every operation of some subjects: `class Softmax(_Operations, subjects=("softmax",))`.

    A method for which the catalogue has no workload is taken out of the class, since asv cannot run a
    benchmark with an empty parameter.
    """

    subjects: tuple[str, ...] = ()
    unit = "seconds"
    version = VERSION
    timeout = TIMEOUT_SECONDS
    param_names = PARAM_NAMES

    def __init_subclass__(cls, subjects: Iterable[str]) -> None:
        cls.subjects = tuple(subjects)
        for name, differentiable in (("track_forward", False), ("track_backward", True)):
            workloads = labels(cls.subjects, differentiable)
            setattr(cls, name, over(workloads, getattr(_Operations, name)) if workloads else None)

    def setup(self, workload: str, dtype: str, device: str) -> None:
        """Make the inputs, the same numbers in every run, and see that the operation takes them."""
        set_threads()
        refuse_unsupported(dtype, device)
        self.operation, self.workload = resolve(workload)
        skip_for(Case(self.operation, device, dtype, self.workload).undefined)
        self.generator = np.random.default_rng(SEED)
        arrays = self.operation.domain.sample(self.generator, self.workload)
        self.inputs = [to_tensor(array, dtype, device, self.workload.layout) for array in arrays]
        attempt(self._call)

    def _call(self) -> Any:
        return self.operation.function(*self.inputs, **self.workload.options)

    def track_forward(self, workload: str, dtype: str, device: str) -> AsvSamples:
        """The call itself, on inputs that ask for no gradient, its result freed at once."""
        return timed(f"forward {workload} {dtype} {device}", self._call, device)

    def track_backward(self, workload: str, dtype: str, device: str) -> AsvSamples:
        """The backward pass alone: `torch.autograd.grad` over a graph that is built once and retained.

        Timed: one pass of the autograd engine from the outputs to every floating-point input, for a
        fixed random cotangent, with the memory of the gradients and with what `grad` itself does in
        Python, which is most of it for a small input. Not timed: the forward call.
        """
        leaves = [x.requires_grad_() for x in self.inputs if x.is_floating_point()]
        result = self._call()
        outputs = [y for y in (result if isinstance(result, tuple) else (result,)) if y.requires_grad]
        cotangents = [to_tensor(_normal(self.generator, tuple(y.shape)), dtype, device) for y in outputs]

        def backward() -> object:
            return torch.autograd.grad(outputs, leaves, cotangents, retain_graph=True, allow_unused=True)

        attempt(backward)
        return timed(f"backward {workload} {dtype} {device}", backward, device)
