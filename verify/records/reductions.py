"""Reductions: the workloads and the cost that all operations over dimensions share."""

from __future__ import annotations

import math

from verify.operation import Cost, Workload

# `square` for a dimension that is mistaken for the other; the last one is longer than any vector register.
SUMS_CHECK = (
    Workload("5x5-dim-1", ((5, 5),), {"dim": -1}),
    Workload("1031", ((1031,),)),
    Workload("41", ((41,),)),
    Workload("5x9-dim1", ((5, 9),), {"dim": 1}),
    Workload("4x3x6-dims02-keepdim", ((4, 3, 6),), {"dim": (0, 2), "keepdim": True}),
    Workload("6x5-dim0-transposed", ((6, 5),), {"dim": 0}, layout="transposed"),
    Workload("3x4x5-dim1-strided", ((3, 4, 5),), {"dim": 1}, layout="strided"),
)
# 61 fill a vector of 32 lanes and a part of another, and are few enough for a product in bfloat16: two of
# 67 roundings each are 2γ₆₇ = 0.71 of the value apart at most, where two of more could be anything.
ONE_DIM_CHECK = (
    Workload("5x5-dim-1", ((5, 5),), {"dim": -1}),
    Workload("61", ((61,),)),
    Workload("23", ((23,),)),
    Workload("5x9-dim1", ((5, 9),), {"dim": 1}),
    Workload("4x6-dim0-keepdim", ((4, 6),), {"dim": 0, "keepdim": True}),
    Workload("6x5-dim1-strided", ((6, 5),), {"dim": 1}, layout="strided"),
)
BENCH = (
    Workload("4096x1024", ((4096, 1024),)),
    Workload("64", ((64,),)),
    Workload("4096x1024-dim1", ((4096, 1024),), {"dim": 1}),
    Workload("4096x1024-dim0", ((4096, 1024),), {"dim": 0}),
    Workload("1000003", ((1_000_003,),)),
    Workload("1023x1025-dim1-strided", ((1023, 1025),), {"dim": 1}, layout="strided"),
)


def reduction_cost(workload: Workload) -> Cost:
    """Every entry is read once and met once; what is written is small beside it."""
    n = float(math.prod(workload.shapes[0]))
    return Cost(n, n)
