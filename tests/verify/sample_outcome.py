"""One outcome, of which a test changes the fields that it is about."""

from __future__ import annotations

from verify.outcome import Outcome, Status

OUTCOME = Outcome(
    operation="softmax",
    implementation="eager",
    device="cpu",
    dtype="float32",
    workload="3x17-dim1",
    check="accuracy",
    question="forward",
    point="ordinary",
    status=Status.FAIL,
    measured=3.0,
    bound=2.0,
    unit="ulp",
    seed=7,
    message="3 ulp exceeds the bound 2",
    reproduce="torchstone verify --select 'softmax[cpu-float32-3x17-dim1]'",
)


def changed(**fields: object) -> Outcome:
    """The outcome with other fields."""
    return Outcome(**{**vars(OUTCOME), **fields})
