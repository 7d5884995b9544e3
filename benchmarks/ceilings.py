"""Ceilings: what this machine can do at most, timed in the same run as the operations it bounds."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks._axes import DTYPES, PARAM_NAMES, SEED, TIMEOUT_SECONDS, VERSION, devices, set_threads
from benchmarks._operations import AsvSamples, attempt, refuse_unsupported, timed
from verify.case import to_tensor
from verify.ceilings import CEILINGS

_CEILINGS = {ceiling.label: ceiling for ceiling in CEILINGS}


class Ceilings:
    """The rate of a large matrix product, and of copies and reads at every level of the memory."""

    unit = "seconds"
    version = VERSION
    timeout = TIMEOUT_SECONDS
    param_names = PARAM_NAMES
    params = (list(_CEILINGS), list(DTYPES), list(devices()))

    def setup(self, workload: str, dtype: str, device: str) -> None:
        """Make operands and result beforehand: a ceiling takes no memory."""
        set_threads()
        refuse_unsupported(dtype, device)
        ceiling = _CEILINGS[workload]
        shape = (ceiling.size, ceiling.size) if ceiling.kind == "flops" else (ceiling.size,)
        generator = np.random.default_rng(SEED)
        self.left, self.right, self.out = (
            to_tensor(generator.standard_normal(shape), dtype, device) for _ in range(3)
        )
        # As many bytes of float32 whatever the dtype: what is timed is the memory, not a conversion.
        self.bytes = to_tensor(np.ones(self.left.nbytes // 4), "float32", device)
        self.call = {"flops": self._product, "copied": self._copy, "read": self._read}[ceiling.kind]
        attempt(self.call)

    def _product(self) -> torch.Tensor:
        return torch.mm(self.left, self.right, out=self.out)

    def _read(self) -> torch.Tensor:
        return self.bytes.sum()

    def _copy(self) -> torch.Tensor:
        return self.out.copy_(self.left)

    def track_forward(self, workload: str, dtype: str, device: str) -> AsvSamples:
        """A square matrix product into a given result, or a copy onto warm memory, or a sum."""
        return timed(f"ceiling {workload} {dtype} {device}", self.call, device)
