"""Results folders as the other rooms write them: passing, failing, interrupted, damaged, for one machine."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

DTYPES = ("float64", "float32", "float16", "bfloat16")
ULP = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
OPERATIONS = {
    "add": "arithmetic",
    "mul": "arithmetic",
    "div": "arithmetic",
    "matmul": "products",
    "bmm": "products",
    "sum": "reductions",
    "mean": "reductions",
    "var": "reductions",
    "vector_norm": "norms",
    "exp": "functions",
    "log": "functions",
    "sin": "functions",
    "sigmoid": "activations",
    "tanh": "activations",
    "relu": "activations",
    "gelu": "activations",
    "softmax": "softmax",
    "log_softmax": "softmax",
    "cross_entropy": "losses",
    "mse_loss": "losses",
}
CHECKS = {
    "gradient": ("autograd against the closed form", "autograd against a finite difference"),
    "accuracy": ("forward against the certified reference", "gradient against the certified reference"),
    "identity": ("rows sum to 1",),
    "stability": ("finite where the exact result is",),
}
WORKLOADS = ("7", "5x33", "6x10-transposed")
BENCH = {"4096x1024": 4096 * 1024, "64": 64, "1000003": 1_000_003, "1024x1024-strided": 1024 * 1024}
ISSUE = "https://github.com/pytorch/pytorch/issues/59874"


def outcome(status: str = "pass", **changed: Any) -> dict[str, Any]:
    """One outcome record."""
    record: dict[str, Any] = {
        "operation": "softmax",
        "implementation": "eager",
        "device": "cpu",
        "dtype": "float32",
        "workload": "5x33",
        "check": "accuracy",
        "question": "forward against the certified reference",
        "point": "ordinary",
        "status": status,
        "measured": 2.1e-8,
        "bound": 1.9e-7,
        "unit": "absolute",
        "seed": 20251123,
        "message": "",
        "reproduce": "",
        "smallest_visible": None,
        "worst": None,
        "figures": {},
        "issue": None,
    }
    record |= changed
    record["case"] = f"{record['operation']}[{record['device']}-{record['dtype']}-{record['workload']}]"
    record["reproduce"] = record["reproduce"] or (
        f"torchstone verify {record['operation']} --check {record['check']} --dtype {record['dtype']} "
        f"--device {record['device']} --workload {record['workload']} --seed {record['seed']}"
    )
    return record


def failing(status: str = "fail", **changed: Any) -> dict[str, Any]:
    """An outcome that is beyond its bound, with its place."""
    record = outcome(
        status,
        **{
            "measured": 3.1e-2,
            "bound": 9.8e-4,
            "worst": {
                "index": [4, 17],
                "input": ["0x1.0a3d700000000p+4"],
                "computed": "0x0.0p+0",
                "expected": "0x1.fe2p-25",
            },
            "figures": {"ulps": 2.6e5},
        }
        | changed,
    )
    figure = f"{record['measured']} exceeds bound {record['bound']}"
    record["message"] = f"{record['case']}: error {figure} at (4, 17); reproduce: {record['reproduce']}"
    return record


def outcomes(seed: int = 1) -> list[dict[str, Any]]:
    """About 2,000 outcomes of which all pass."""
    chance = random.Random(seed)
    made = []
    for operation, dtype, check in itertools.product(OPERATIONS, DTYPES, CHECKS):
        for question, workload in itertools.product(CHECKS[check], WORKLOADS):
            points = ("ordinary", "large") if check in ("accuracy", "stability") else ("ordinary",)
            for point in points:
                fraction = 0.0 if operation == "relu" else min(0.97, 10 ** chance.gauss(-1.6, 0.7))
                bound = ULP[dtype] * chance.uniform(2, 40)
                figures = {"ulps": fraction * bound / ULP[dtype]}
                made.append(
                    outcome(
                        operation=operation,
                        dtype=dtype,
                        workload=workload,
                        check=check,
                        question=question,
                        point=point,
                        measured=fraction * bound,
                        bound=bound,
                        unit="relative" if check == "identity" else "absolute",
                        figures=figures if check == "accuracy" else {},
                        smallest_visible=bound / 100 if "finite" in question else None,
                    )
                )
    return made


def troubled() -> list[dict[str, Any]]:
    """The same with failures, known deviations, inconclusive and skipped outcomes among them."""
    made = outcomes()
    accuracy = {"check": "accuracy", "question": "gradient against the certified reference"}
    overflow = {"index": [0], "input": ["0x1.0p+127"], "computed": "inf", "expected": "0x1.0p+127"}
    made += [
        failing(operation="tanh", dtype="float32", point="saturated", **accuracy),
        failing(operation="tanh", dtype="float32", point="tail", workload="7", **accuracy, measured=2e-3),
        failing(
            operation="vector_norm",
            check="stability",
            question="finite where the exact result is",
            point="near overflow",
            measured="inf",
            bound=1.2e-6,
            unit="relative",
            figures={"ulps": "inf"},
            worst=overflow,
            smallest_visible=1e-12,
        ),
        outcome(
            "inconclusive",
            operation="var",
            check="gradient",
            question="autograd against a finite difference",
            point="cancellation",
            measured=1.4e-5,
            bound="inf",
            message="var[cpu-float32-5x33]: the difference sees no finer than 2.0e-5",
            smallest_visible=2e-5,
        ),
    ]
    for i, dtype in itertools.product(range(5), ("float32", "bfloat16")):
        made.append(
            failing(
                "known",
                operation=("sigmoid", "gelu", "exp", "cross_entropy", "log_softmax")[i],
                dtype=dtype,
                point="far tail",
                issue=ISSUE if i % 2 else "pytorch/pytorch#12345",
                measured=40.0 * (i + 1) * 1e-3,
                bound=1e-3,
                figures={"ulps": 8.0e6},
                **accuracy,
            )
        )
    for operation in OPERATIONS:
        reason = "torch 2.13.0+cpu sees no cuda device on this machine"
        made.append(outcome("skipped", operation=operation, device="cuda", measured=None, message=reason))
    return made


def document(records: list[dict[str, Any]], **run: Any) -> dict[str, Any]:
    """A whole outcomes file."""
    return {
        "schema": "torchstone.outcomes/1",
        "run": {
            "started": "2025-11-23T10:00:00+00:00",
            "finished": "2025-11-23T10:04:12+00:00",
            "complete": True,
            "profile": "quick",
            "seed": 20251123,
            "command": "torchstone verify --profile quick",
            "torchstone": "0.1.0",
            "commit": "8804ac7",
        }
        | run,
        "machine": {
            "name": "bench-04",
            "cpu": "AMD EPYC 7763 64-Core Processor",
            "cores": 16,
            "memory_bytes": 137438953472,
            "os": "Linux 6.1 x86_64",
            "python": "3.11.2",
        },
        "torch": {
            "version": "2.13.0",
            "blas": "mkl",
            "threads": 16,
            "cpu_capability": "AVX2",
            "git": "a1b2c3",
        },
        "devices": [
            {"name": "cpu", "description": "AVX2", "present": True, "reason": None},
            {
                "name": "cuda",
                "description": "",
                "present": False,
                "reason": "torch 2.13.0 sees no cuda device",
            },
            {"name": "mps", "description": "", "present": False, "reason": "torch 2.13.0 sees no mps device"},
        ],
        "outcomes": records,
        "stale": [
            {
                "operation": "hardsigmoid",
                "check": "accuracy",
                "question": "gradient against the certified reference",
                "points": ["ordinary", "at the middle"],
                "dtypes": ["float64"],
                "issue": ISSUE,
                "measured": "2.98e-8 of the value (torch 2.12.0, cpu)",
            }
        ],
    }


def catalogue() -> dict[str, Any]:
    """A catalogue with the sample operations."""
    return {
        "schema": "torchstone.catalogue/2",
        "operations": [
            {
                "name": name,
                "subject": subject,
                "formula": f"yᵢ = {name}(xᵢ)",
                "gradient": None if name == "sum" else f"∂xᵢ = gᵢ {name}′(xᵢ)",
                "source": "Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. (3.5)",
                "gradient_source": None if name == "sum" else "from the stored output",
                "ordinary": "Normal entries.",
                "hard": ["zeros"],
                "far": ["far out"],
                "identities": ["f = f"],
                "special": ["nan"],
                "refuses": ["text"],
                "dtypes": ["float64", "float32"],
                "check": ["7"],
                "bench": [
                    {"label": label, "shapes": [[n]], "options": {}, "layout": "contiguous"}
                    | {"flops": 8.0 * n, "elements": 2.0 * n, "written": 1.0 * n}
                    for label, n in BENCH.items()
                ],
            }
            for name, subject in OPERATIONS.items()
        ],
        "ceilings": [
            {"label": "product 1024", "kind": "flops", "amount": 2.0 * 1024**3, "size": 1024},
            *(
                {"label": f"copy {n}", "kind": "copied", "amount": 2.0 * n, "size": n}
                for n in (2**11, 2**14, 2**17, 2**20, 2**23)
            ),
        ],
    }


COLUMNS = [
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
    "stats_number",
    "stats_repeat",
    "samples",
    "profile",
]


def asv_row(
    params: list[list[str]], seconds: list[float | None], started_at: int, version: str = "1"
) -> list[Any]:
    """One benchmark's row as asv writes it: parameters as their repr, cut off after the last value."""
    timed = [s is not None and math.isfinite(s) for s in seconds]
    low = [s * 0.97 if ok else None for s, ok in zip(seconds, timed, strict=True)]
    high = [s * 1.05 if ok else None for s, ok in zip(seconds, timed, strict=True)]
    text = [[repr(value) for value in values] for values in params]
    return [seconds, text, version, started_at, 4.2, low, high, low, high, [10] * len(seconds), None]


def asv_document(rows: dict[str, list[Any]], **changed: Any) -> dict[str, Any]:
    """A whole result file of asv."""
    return {
        "commit_hash": "8804ac7f00000000000000000000000000000000",
        "env_name": "virtualenv-py3.11-torch2.13.0",
        "date": 1763890000000,
        "params": {"machine": "bench-04"},
        "python": "3.11",
        "requirements": {"torch": "2.13.0"},
        "env_vars": {},
        "result_columns": COLUMNS,
        "results": rows,
        "durations": {},
        "version": 2,
    } | changed


def asv_files(seed: int = 1) -> dict[str, Any]:
    """The files of an asv results folder by relative path."""
    chance = random.Random(seed)
    started_at = 1763892000000
    rows, benchmarks = {}, {}
    copies = {"2048": 2**11, "16384": 2**14, "131072": 2**17, "1048576": 2**20, "8388608": 2**23}
    params = [[f"copy {n}" for n in copies] + ["product 1024"], list(DTYPES), ["cpu"]]
    seconds = []
    for label, dtype, _ in itertools.product(*params):
        size = ULP_BYTES[dtype]
        n = copies.get(label.removeprefix("copy "), 0)
        rate = 40e9 if n < 2**18 else 15.7e9
        seconds.append(2 * n * size / rate + 2e-7 if n else 2 * 1024**3 / (180e9 * 4 / size))
    rows["ceilings.Ceilings.track_forward"] = asv_row(params, seconds, started_at)
    for name in OPERATIONS:
        params = [[f"{name} {label}" for label in BENCH], list(DTYPES), ["cpu"]]
        slowness = chance.uniform(1.02, 12)
        for direction, factor in (("forward", 1.0), ("backward", chance.uniform(0.9, 3.2))):
            seconds = [
                (2 * BENCH[label.split(" ")[1]] * ULP_BYTES[dtype] / 15.7e9 * slowness + 1.1e-6)
                * factor
                * chance.uniform(0.9, 1.1)
                for label, dtype, _ in itertools.product(*params)
            ]
            if name == "var":
                seconds[0] = None  # type: ignore[call-overload]  # failed, as asv says it
            benchmark = f"{name}.{name.title()}.track_{direction}"
            rows[benchmark] = asv_row(params, seconds, started_at)
    for benchmark, row in rows.items():
        benchmarks[benchmark] = {
            "name": benchmark,
            "param_names": ["workload", "dtype", "device"],
            "params": row[1],
            "unit": "seconds",
            "type": "track",
            "version": "1",
        }
    return {
        "benchmarks.json": benchmarks | {"version": 2},
        "bench-04/machine.json": {"machine": "bench-04", "cpu": "AMD EPYC 7763", "version": 1},
        "bench-04/8804ac7f-virtualenv-py3.11-torch2.13.0.json": asv_document(rows),
    }


ULP_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


def write(path: Path, value: Any) -> Path:
    """Write JSON the way asv does: with NaN where a number is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def write_asv(results: Path) -> None:
    """Write the sample speeds."""
    for name, value in asv_files().items():
        write(results / "asv" / name, value)


def write_sample(results: Path, kind: str) -> Path:
    """Write a results folder.

    Kinds: pass, fail, interrupted (a pass cut short), damaged (fail with broken files), outcomes
    (no speeds), speeds (no outcomes), empty.
    """
    results.mkdir(parents=True, exist_ok=True)
    if kind == "empty":
        return results
    if kind != "outcomes":
        write_asv(results)
    if kind != "speeds":
        records = troubled() if kind in ("fail", "damaged") else outcomes()
        earlier = document(records[:-3], started="2025-11-20T09:00:00+00:00")
        write(results / "outcomes" / "20251120T090000Z.json", earlier)
        cut = {"complete": False, "finished": None} if kind == "interrupted" else {}
        kept = records[:400] if kind == "interrupted" else records
        write(results / "outcomes" / "20251123T100000Z.json", document(kept, **cut))
        write(results / "catalogue.json", catalogue())
    if kind == "damaged":
        write(results / "outcomes" / "20251124T100000Z.json", json.dumps(document(records))[:5000])
        write(results / "outcomes" / "20251101T100000Z.json", {"schema": "torchstone.outcomes/9"})
        write(results / "asv" / "bench-04" / "0badc0de-virtualenv.json", '{"results": ')
    return results
