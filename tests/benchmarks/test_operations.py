"""Which class times which operation, and what asv must be able to rely on when it imports them."""

from __future__ import annotations

import dataclasses
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import benchmarks
from benchmarks import _axes
from benchmarks._axes import DTYPES
from benchmarks._operations import _Operations, attempt, label, labels, resolve
from benchmarks.own import Own
from verify.devices import present
from verify.operations import catalogue

MODULES = [info.name for info in pkgutil.iter_modules(benchmarks.__path__, "benchmarks.")]
CLASSES = _Operations.__subclasses__()


def parameters(method):
    return vars(method)["params"]


def test_every_timed_workload_is_in_exactly_one_class():
    claimed = [text for c in CLASSES if c.track_forward for text in parameters(c.track_forward)[0]]
    assert sorted(claimed) == sorted(label(o, w) for o in catalogue().values() for w in o.bench)


def test_gradients_are_timed_where_there_is_one():
    claimed = [text for c in CLASSES if c.track_backward for text in parameters(c.track_backward)[0]]
    differentiable = [o for o in catalogue().values() if o.differentiable]
    assert sorted(claimed) == sorted(label(o, w) for o in differentiable for w in o.bench)


def test_labels_are_unique_and_lead_back():
    texts = labels(operation.subject for operation in catalogue().values())
    assert len(texts) == len(set(texts))
    for text in texts:
        operation, workload = resolve(text)
        assert label(operation, workload) == text


def test_an_unknown_label_is_no_workload():
    with pytest.raises(KeyError):
        resolve("softmax 0x0")


def test_an_empty_class_offers_asv_nothing():
    class _Nothing(_Operations, subjects=("no such subject",)):
        pass

    assert _Nothing.track_forward is None
    assert _Nothing.track_backward is None
    assert Own.track_forward is None or parameters(Own.track_forward)[0]


def test_a_missing_kernel_is_a_skip_and_another_error_is_not():
    def missing():
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'")

    def wrong():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(NotImplementedError, match="Half"):
        attempt(missing)
    with pytest.raises(RuntimeError, match="shapes"):
        attempt(wrong)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_operation_can_be_timed_both_ways(name, monkeypatch):
    monkeypatch.setattr("benchmarks._operations.measure", _once)
    operation = catalogue()[name]
    smallest = min(operation.bench, key=lambda w: operation.cost(w).elements)
    owner = next(c for c in CLASSES if operation.subject in c.subjects)
    threads = torch.get_num_threads()
    try:
        benchmark = owner()
        case = (label(operation, smallest), "float32", "cpu")
        benchmark.setup(*case)
        assert benchmark.track_forward(*case)["samples"] == [1.0]
        if operation.differentiable:
            assert benchmark.track_backward(*case)["samples"] == [1.0]
            assert all(x.requires_grad for x in benchmark.inputs if x.is_floating_point())
    finally:
        torch.set_num_threads(threads)


def _once(function, synchronize):
    from benchmarks.timing import Timing

    function()
    return Timing((1.0,), 1, 0)


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=benchmarks.ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_touches_no_tensor_no_cuda_and_no_thread_pool():
    run_python(
        f"""
import importlib, sys, torch
from torch.utils._python_dispatch import TorchDispatchMode
import verify.operations
# The catalogue may hold constant tensors in its workloads' options: that is not the benchmarks' doing.
verify.operations.catalogue()

class Refuse(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        raise AssertionError(f"{{func}} at import")

threads = torch.get_num_threads()
with Refuse():
    for name in {MODULES!r}:
        importlib.import_module(name)
assert not torch.cuda.is_initialized()
assert torch.get_num_threads() == threads
"""
    )


def test_parameters_are_the_same_under_another_torch():
    # Neither its version nor the dtypes that it happens to have may change a parameter.
    code = """
import torch
import verify.operations
verify.operations.catalogue()
{change}
from benchmarks import ceilings, softmax
print(vars(softmax.Softmax.track_forward)["params"], softmax.Softmax.version, ceilings.Ceilings.params)
"""
    older = "torch.__version__ = '1.13.1'; del torch.float16, torch.bfloat16"
    assert run_python(code.format(change="")) == run_python(code.format(change=older))


def test_a_torch_for_accelerators_is_asked_in_another_process(monkeypatch):
    monkeypatch.setattr(_axes, "_built_for_accelerators", lambda: True)
    # Set, so that monkeypatch takes away again what `devices` leaves to its children.
    monkeypatch.setenv(_axes.DEVICES_VARIABLE, "")
    assert _axes.devices() == present()
    assert os.environ[_axes.DEVICES_VARIABLE] == ",".join(present())


def test_devices_can_be_named(monkeypatch):
    monkeypatch.setenv(_axes.DEVICES_VARIABLE, "cpu,cuda")
    assert _axes.devices() == ("cpu", "cuda")


def test_the_sources_name_no_dtype_of_torch():
    assert DTYPES == ("float32", "bfloat16", "float16", "float64")
    for module in MODULES:
        source = Path(importlib.import_module(module).__file__).read_text(encoding="utf-8")
        assert not re.search(r"torch\.b?float", source), module


def test_an_operation_that_this_torch_does_not_have_is_a_skip(monkeypatch):
    tanh = catalogue()["tanh"]
    newer = dataclasses.replace(tanh, needs=("torch.no_such_function",))
    monkeypatch.setattr("benchmarks._operations.resolve", lambda text: (newer, tanh.bench[1]))
    with pytest.raises(NotImplementedError, match="has no torch"):
        _Operations().setup("tanh 64", "float32", "cpu")
