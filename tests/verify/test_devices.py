from __future__ import annotations

import pytest
import torch

from verify.devices import KINDS, absence, describe, present, synchronizer, unsupported
from verify.formulas.arithmetic import DTYPES


def absent(kind: str) -> bool:
    available = torch.backends.mps if kind == "mps" else getattr(torch, kind)
    return not available.is_available()


ABSENT = [kind for kind in KINDS if kind != "cpu" and absent(kind)]


def test_the_cpu_is_always_here_and_first():
    assert absence("cpu") is None
    assert present()[0] == "cpu"
    assert set(present()) == set(KINDS) - set(ABSENT)


@pytest.mark.parametrize("kind", ABSENT)
@pytest.mark.parametrize("index", ["", ":0", ":7"])
def test_an_absent_device_is_absent_for_a_reason_that_names_it(kind, index):
    assert absence(kind + index) == f"torch {torch.__version__} sees no {kind} device on this machine"


def test_a_kind_that_torch_does_not_have_is_absent_for_that_reason(monkeypatch):
    monkeypatch.delattr(torch, "xpu")
    assert absence("xpu:0") == f"torch {torch.__version__} has no xpu support"


@pytest.mark.parametrize("error", [RuntimeError, AssertionError])
def test_a_device_that_is_seen_but_cannot_be_used_is_absent(monkeypatch, error):
    def fail(*args, device):
        raise error(f"{device} is out of memory\nand a trace of it")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", fail)
    assert absence("cuda:3") == "cuda:3 cannot hold a tensor: cuda:3 is out of memory"
    assert "cuda" not in present()


def test_a_device_that_holds_a_tensor_is_present(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch, "empty", lambda size, device: asked.append(device))
    assert absence("mps") is None
    assert asked == ["mps"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_cpu_holds_every_dtype(dtype):
    assert unsupported("cpu", dtype) is None


@pytest.mark.parametrize("error", [RuntimeError, TypeError])
def test_a_dtype_that_a_device_cannot_hold_is_named_with_the_reason(monkeypatch, error):
    def fail(size, device, dtype):
        raise error(f"{device} has no 64 bits\nand a trace of it")

    monkeypatch.setattr(torch, "zeros", fail)
    assert unsupported("mps", "float64") == "mps has no float64: mps has no 64 bits"


def test_a_device_has_a_name():
    assert describe("cpu") == torch.backends.cpu.get_cpu_capability()
    assert describe("mps") == "Apple Metal"


def test_a_numbered_device_is_asked_for_its_own_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"the name of {device}")
    assert describe("cuda:1") == "the name of cuda:1"


def test_waiting_for_a_device_is_that_devices_own(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: waited.append("cuda"))
    synchronizer("cpu")()
    assert waited == []
    synchronizer("cuda:1")()
    assert waited == ["cuda"]
