"""The axes that every benchmark shares: dtypes, devices, threads, and the number of the definition."""

from __future__ import annotations

import os
import subprocess
import sys

import torch

from benchmarks import ROOT

# Written out, not asked of torch: the parameters must be the same under every torch that is compared.
DTYPES = ("float32", "bfloat16", "float16", "float64")
PARAM_NAMES = ("workload", "dtype", "device")

# asv compares times only within one version. Raise it when what is timed changes on purpose: a shape, a
# sampler, a stopping rule. Without it asv hashes the source and would forget the past at each rewording.
VERSION = "2"

# The seed of every input, so that two runs time the same numbers.
SEED = 20_240_601

# asv gives a case a minute; a half-precision product without the processor's help takes seconds a call,
# and three times that on a shared machine.
TIMEOUT_SECONDS = 600

DEVICES_VARIABLE = "TORCHSTONE_BENCH_DEVICES"
THREADS_VARIABLE = "OMP_NUM_THREADS"

_PROBE = "import sys; sys.path.insert(0, sys.argv[1]); from verify.devices import present; print(*present())"


def devices() -> tuple[str, ...]:
    """The kinds of device to time on, `cpu` first; `TORCHSTONE_BENCH_DEVICES` (`cpu,cuda`) overrides.

    asv's fork server calls this before it forks, and a process that has touched CUDA cannot be forked:
    a torch built for more than the cpu is therefore asked in a process of its own.
    """
    named = os.environ.get(DEVICES_VARIABLE)
    if named:
        return tuple(named.split(","))
    if not _built_for_accelerators():
        return ("cpu",)
    probe = subprocess.run(
        [sys.executable, "-c", _PROBE, str(ROOT)], capture_output=True, text=True, check=False
    )
    found = tuple(probe.stdout.split()) if probe.returncode == 0 else ("cpu",)
    # Spawned children import this module once a parameter: they inherit the answer.
    os.environ[DEVICES_VARIABLE] = ",".join(found)
    return found


def _built_for_accelerators() -> bool:
    xpu = getattr(torch.version, "xpu", None)
    return bool(torch.version.cuda or torch.version.hip or xpu or torch.backends.mps.is_built())


def set_threads() -> None:
    """Give torch the threads that the asv environment names; one where it names none.

    One, because two OpenMP threads are at times stacked on one core of a shared machine: a 64×64
    product then reads a thousand times slower. To time more, add a value to `OMP_NUM_THREADS` in
    `matrix.env_nobuild` of asv.conf.json. Called by `setup`: at import it would start a thread pool
    in the fork server, and pools do not survive a fork.
    """
    torch.set_num_threads(int(os.environ.get(THREADS_VARIABLE) or 1))
