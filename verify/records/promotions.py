"""Promotions: what several operations make of other dtypes, as records ready to be named."""

from __future__ import annotations

from verify.promotion import (
    COMPLEXES,
    DTYPES,
    FLOATS,
    INTEGERS,
    Promotion,
    arithmetical,
    floating,
    places,
    same,
    widened,
)

_RULE = "torch documentation, Tensor Attributes, torch.dtype: type promotion"
_NUMERIC = (*INTEGERS, *FLOATS)
# What wraps: no page of torch's says so; it follows NumPy, whose user guide does.
_WRAPS = "whole numbers of a fixed size wrap (NumPy user guide, Data types, Overflow errors)"

SUM_OF_TWO = Promotion(same, f"{_RULE}; {_WRAPS}", mixed=True, numbers=True, takes=(*DTYPES, *COMPLEXES))
# torch.sub: integer, float and complex inputs.
DIFFERENCE = Promotion(
    same,
    f"{_RULE}; {_WRAPS}",
    mixed=True,
    numbers=True,
    takes=(*_NUMERIC, *COMPLEXES),
    refuses=("bool",),
)
QUOTIENT = Promotion(
    floating,
    "torch.div: a true division; of integers in the default dtype",
    mixed=True,
    numbers=True,
    takes=(*DTYPES, *COMPLEXES),
)
LARGER_OF_TWO = Promotion(same, _RULE, mixed=True)
JOINED = Promotion(same, "Array API standard 2024.12, concat: type promotion", mixed=True)
STACKED = Promotion(same, "Array API standard 2024.12, stack: one dtype, which is kept")
# What a kernel promises that is declared by `build_borrowing_unary_float_op`.
TO_FLOATING = Promotion(floating, "ATen, TensorIterator: integer inputs are promoted to the default dtype")
ROUNDED = Promotion(same, "torch.round: of integers a copy (as the Array API standard)", takes=_NUMERIC)
KEPT = Promotion(same, f"Array API standard 2024.12: the dtype is kept; {_WRAPS}", takes=_NUMERIC)
NEGATED = Promotion(same, f"torch.neg: no truth values; {_WRAPS}", takes=_NUMERIC, refuses=("bool",))
LIMITED = Promotion(same, "torch.clamp: min(max(x, lower), upper)", takes=_NUMERIC)
POWER = Promotion(arithmetical, f"{_RULE}; torch.square: torch.pow(x, 2); {_WRAPS}")
POWER_OF_FLOATING = Promotion(floating, f"{_RULE}: a floating-point number and whole ones")
TOTAL = Promotion(widened, f"Array API standard 2024.12: summed in the default integer dtype; {_WRAPS}")
PRODUCT = Promotion(same, f"Array API standard 2024.12, matmul: the dtype is kept; {_WRAPS}", takes=_NUMERIC)
IN_ORDER = Promotion(same, "Array API standard 2024.12: the dtype is kept", takes=_NUMERIC)
PLACES = Promotion(places, "Array API standard 2024.12: the default index dtype", takes=_NUMERIC)
# torch.mean: the input must be floating point or complex.
FLOATING_ALONE = Promotion(
    same, "torch documents floating-point inputs alone", takes=tuple(FLOATS), refuses=("bool", *INTEGERS)
)
