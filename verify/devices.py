"""Devices: which kinds torch knows, which are present here, and what each can hold."""

from __future__ import annotations

from collections.abc import Callable

import torch

KINDS = ("cpu", "cuda", "mps", "xpu")


def absence(device: str) -> str | None:
    """Why a device cannot be used here, or None where it can."""
    kind = device.split(":")[0]
    if kind == "cpu":
        return None
    module = getattr(torch, "mps" if kind == "mps" else kind, None)
    if module is None:
        return f"torch {torch.__version__} has no {kind} support"
    available = torch.backends.mps.is_available() if kind == "mps" else module.is_available()
    if not available:
        return f"torch {torch.__version__} sees no {kind} device on this machine"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        return f"{device} cannot hold a tensor: {str(error).splitlines()[0]}"
    return None


def present() -> tuple[str, ...]:
    """The kinds of device that can be used here, `cpu` first."""
    return tuple(kind for kind in KINDS if absence(kind) is None)


def unsupported(device: str, dtype: str) -> str | None:
    """Why a device cannot hold a dtype, or None where it can (mps has no float64)."""
    try:
        torch.zeros(1, device=device, dtype=getattr(torch, dtype))
    except (RuntimeError, TypeError) as error:
        return f"{device} has no {dtype}: {str(error).splitlines()[0]}"
    return None


def synchronizer(device: str) -> Callable[[], None]:
    """A function that waits until a device has finished its queue (on a cpu: nothing to wait for)."""
    kind = device.split(":")[0]
    if kind == "cpu":
        return lambda: None
    synchronize: Callable[[], None] = getattr(torch, kind).synchronize
    return synchronize


def describe(device: str) -> str:
    """The name that the maker gives a device; of a cpu, the instructions that torch's kernels use."""
    kind = device.split(":")[0]
    if kind in ("cuda", "xpu"):
        return str(getattr(torch, kind).get_device_name(device))
    return {"cpu": cpu_capability(), "mps": "Apple Metal"}[kind]


def cpu_capability() -> str:
    """The instruction set of the kernels that torch chose, such as `AVX2`; empty where a torch is too old."""
    tell = getattr(getattr(torch.backends, "cpu", None), "get_cpu_capability", None)
    return "" if tell is None else str(tell())
