"""Device: the same call on the processor, for a call on another device."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from verify.call import Call, Results, results
from verify.operation import Batch
from verify.variation import Variation, Varied


def vary(call: Call, batch: Batch | None) -> Iterator[Varied]:
    """The call on the cpu, its answer brought back."""
    devices = {x.device for x in call.inputs if isinstance(x, torch.Tensor)}
    if all(device.type == "cpu" for device in devices):
        return
    (device,) = devices

    def run(there: Call) -> Results:
        found = results(there)
        return Results(
            tuple(y.to(device) for y in found.outputs),
            tuple(None if g is None else g.to(device) for g in found.gradients),
        )

    yield Varied("device", "on the cpu", call.with_tensors(torch.Tensor.cpu), run=run)


VARIATION = Variation("device", "The same numbers by another processor, within rounding.", vary)
