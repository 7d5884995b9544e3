"""Arithmetic: the rounding model that error bounds are written in, for one dtype on one device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

DTYPES = ("float64", "float32", "float16", "bfloat16")

# precision p in bits, least and greatest exponent of a normal number 2^e (IEEE 754-2019, table 3.5;
# bfloat16 has float32's exponents and 8 bits of precision).
_FORMATS = {
    "float64": (53, -1022, 1023),
    "float32": (24, -126, 127),
    "float16": (11, -14, 15),
    "bfloat16": (8, -126, 127),
}

# Documented worst errors of elementary functions, in ulps of the working type; `elementary` where no other
# row names the function.
# cpu: SLEEF's u10 (1 ulp) and u20 (2 ulp) kernels, both of which ATen's vectorised code calls; erfc is u15.
#      A root of a whole tensor is oneMKL's, which in its high-accuracy mode stays below 1 ulp.
# cuda: CUDA C++ Programming Guide, "Mathematical Functions", the larger of single and double precision.
# mps: Metal Shading Language Specification, table of ulp values (fast math off).
# xpu: OpenCL C 3.0, table of relative errors.
_ULPS: dict[str, dict[str, float]] = {
    "cpu": {"elementary": 2.0, "sqrt": 1.0},
    "cuda": {"elementary": 2.0, "sqrt": 0.5, "tan": 4.0, "sinh": 3.0, "erfc": 5.0, "pow": 4.0},
    "mps": {"elementary": 5.0, "tan": 6.0, "erfc": 16.0, "pow": 16.0},
    "xpu": {"elementary": 5.0, "erf": 16.0, "erfc": 16.0, "pow": 16.0},
}


@dataclass(frozen=True)
class Arithmetic:
    """What a dtype on a device promises of each operation.

    `u` is the unit roundoff of the stored type, and of every intermediate that may be stored; `w` is that
    of the type in which a kernel accumulates a sum: float32 for float16 and bfloat16
    (`at::acc_type`, `at::opmath_type`), else the same as `u`. `elementary` bounds the relative error of
    exp, log and tanh, stored.
    Units: relative errors; `largest`, `smallest_normal` and `smallest` are values of the stored type.
    """

    dtype: str
    device: str
    u: float
    w: float
    elementary: float
    largest: float
    smallest_normal: float
    smallest: float

    @classmethod
    def of(cls, dtype: str, device: str = "cpu") -> Arithmetic:
        """The model of a dtype by torch's name for it. Raises: KeyError for a dtype it does not know."""
        precision, least, greatest = _FORMATS[dtype]
        working = max(precision, _FORMATS["float32"][0])
        u, w = 2.0**-precision, 2.0**-working
        return cls(
            dtype=dtype,
            device=device,
            u=u,
            w=w,
            # One ulp is at most 2w relative to the value it belongs to; a narrower result is rounded again.
            elementary=2 * w * _ULPS[device.split(":")[0]]["elementary"] + (u if u > w else 0.0),
            largest=(2.0 - 2.0 ** (1 - precision)) * 2.0**greatest,
            smallest_normal=2.0**least,
            smallest=2.0 ** (least - precision + 1),
        )

    @property
    def exponents(self) -> tuple[int, int]:
        """The least and the greatest e of a normal number in [2^e, 2^(e + 1))."""
        _, least, greatest = _FORMATS[self.dtype]
        return least, greatest

    def of_function(self, name: str) -> float:
        """The documented relative error of an elementary function in the working type, before it is stored.

        `exact` names functions that round nothing.
        """
        if name == "exact":
            return 0.0
        row = _ULPS[self.device.split(":")[0]]
        # One ulp is at most 2w relative to the value it belongs to.
        return 2 * self.w * row.get(name, row["elementary"])

    def gamma(self, n: float | np.ndarray[Any, Any]) -> Any:
        """γₙ = nw/(1 − nw): n working roundings in a row. Infinite where nw ≥ 1 (no bound exists).

        Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., lemma 3.1.
        """
        return compounded(np.asarray(n, dtype=float) * self.w)

    def stored(self, value: Any, error: Any) -> Any:
        """The bound after a value known to within `error` has been rounded to the stored type.

        A value computed in the stored type has already been rounded; the last working rounding is
        then part of `error`. Half the spacing of subnormals covers gradual underflow.
        """
        # Half of float64's own smallest number is no float64: it would be 0.
        least = max(self.smallest / 2, float(np.nextafter(0.0, 1.0)))
        if self.u == self.w:
            return error + least
        return error + self.u * (np.abs(value) + error) + least


def compounded(relative: Any) -> Any:
    """r/(1 − r): turns a first-order sum of relative errors into a strict bound; infinite for r ≥ 1."""
    r = np.asarray(relative, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(r < 1, r / (1 - np.minimum(r, 1)), np.inf)
