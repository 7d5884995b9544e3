"""Working type: running error where intermediates stay in the type that a kernel accumulates in.

A fused kernel on float16 or bfloat16 keeps all in float32 but the result and a few arrays between passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verify.formulas.arithmetic import Arithmetic
from verify.formulas.running_error import Computed, analysed
from verify.operation import Array, Formula

Store = Callable[[Any], Any]


def analysed_in_working_type(
    text: str, evaluate: Callable[..., Any], source: str, algorithm: Callable[..., Any]
) -> Formula:
    """A formula whose bound is the running error of `algorithm(store, *arguments, **options)`.

    `store(x)` is x once it has been rounded to the stored type; nothing else is, nor the result.
    """

    def bound(a: Arithmetic, *arguments: Array, **options: Any) -> Any:
        wide = a if a.u == a.w else Arithmetic.of("float32", a.device)

        def store(x: Any) -> Any:
            return Computed(x.value, Computed(x.value, x.error, a).read, wide)

        steps = analysed(text, evaluate, source, lambda *given, **named: algorithm(store, *given, **named))
        return steps.bound(wide, *arguments, **options)

    return Formula(text, evaluate, bound, f"running error (Higham 2002, §3.3) in the working type; {source}")
