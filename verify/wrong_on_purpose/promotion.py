"""Results that are right in every floating-point dtype, and wrong as soon as dtypes meet or are whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from verify.operations import catalogue
from verify.wrong_on_purpose.fault import Fault, faults


def planted() -> tuple[Fault, ...]:
    """Faults that `promotion` must see; it is asked in torch's default dtype."""
    return faults("promotion", ((*row, "float32") for row in _TABLE))


def _of(name: str) -> Callable[..., Any]:
    return catalogue()[name].function


def _whole(*inputs: Any) -> bool:
    return all(isinstance(x, torch.Tensor) and not x.is_floating_point() for x in inputs)


def _saturating(x: torch.Tensor, y: Any) -> torch.Tensor:
    """Whole numbers stop at the ends of their range."""
    total: torch.Tensor = torch.add(x, y)
    if not _whole(x, y) or total.dtype in (torch.bool, torch.int64):
        return total
    ends = torch.iinfo(total.dtype)
    return torch.add(x.long(), y.long()).clamp(ends.min, ends.max).to(total.dtype)


def _as_counts(x: torch.Tensor, y: Any) -> torch.Tensor:
    """Truth values are added as numbers."""
    total: torch.Tensor = torch.add(x, y)
    return torch.add(x.long(), y) if total.dtype == torch.bool else total


def _promoting_without_dimensions(x: Any, y: Any) -> torch.Tensor:
    """A tensor without dimensions counts like one that has them."""
    if isinstance(y, torch.Tensor) and y.ndim == 0 and isinstance(x, torch.Tensor) and x.ndim:
        return torch.mul(x, y.expand(x.shape))
    return torch.mul(x, y)


def _promoting_number(x: torch.Tensor, y: Any) -> torch.Tensor:
    """A Python number counts like a tensor of the default dtype."""
    number = torch.tensor(y).expand(x.shape) if isinstance(y, float) and x.ndim else y
    return torch.mul(x, number)


def _floored(x: torch.Tensor, y: Any) -> torch.Tensor:
    """A quotient of whole numbers is a whole number."""
    if _whole(x, y) and x.dtype == y.dtype != torch.bool:
        return torch.div(x, y + (y == 0), rounding_mode="floor")
    return torch.div(x, y)


def _rounded_to_the_first(x: torch.Tensor, y: Any) -> torch.Tensor:
    """The second operand is converted to the dtype of the first."""
    if isinstance(y, torch.Tensor) and y.dtype != x.dtype and x.is_floating_point() and y.is_floating_point():
        return torch.sub(x, y.to(x.dtype)).to(torch.result_type(x, y))
    return torch.sub(x, y)


def _by_floats(name: str) -> Callable[..., Any]:
    """Whole numbers by way of float64, which does not hold all of int64."""

    def wrong(*inputs: Any, **options: Any) -> Any:
        result: torch.Tensor = _of(name)(*inputs, **options)
        if not _whole(*inputs) or result.dtype != torch.int64:
            return result
        return _of(name)(*(x.double() for x in inputs), **options).to(torch.int64)

    return wrong


def _as_it_comes(name: str) -> Callable[..., Any]:
    """Whole numbers are added in their own dtype."""

    def wrong(x: torch.Tensor, **options: Any) -> Any:
        return _of(name)(x, **options).to(x.dtype)

    return wrong


def _widened_too_late(x: torch.Tensor, **options: Any) -> torch.Tensor:
    """The dtype is right, but the sum was formed in the narrow one."""
    result = torch.cumsum(x, **options)
    return result.to(x.dtype).to(result.dtype)


def _as_floats(name: str) -> Callable[..., Any]:
    return lambda x, **options: _of(name)(x if x.is_floating_point() else x.float(), **options)


def _half_of_whole(x: torch.Tensor) -> torch.Tensor:
    """Whole numbers are promoted to float64 and rounded twice."""
    return torch.exp(x) if x.is_floating_point() else torch.exp(x.half()).float()


def _not_below_zero(x: torch.Tensor) -> torch.Tensor:
    """|x| of the least whole number is the largest."""
    y = torch.abs(x)
    return y if x.is_floating_point() else torch.where(y < 0, torch.iinfo(x.dtype).max, y)


def _signed(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Bytes are compared as if they had a sign."""
    if x.dtype == y.dtype == torch.uint8:
        return torch.maximum(x.view(torch.int8), y.view(torch.int8)).view(torch.uint8)
    return torch.maximum(x, y)


def _first_dtype(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
    """What is joined takes the dtype of what comes first."""
    return torch.cat(inputs, **options).to(inputs[0].dtype)


# Which operation, what is wrong with it, and what is put in the place of the function.
_TABLE: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("add", "saturation instead of wrapping", _saturating),
    ("add", "truth values as numbers", _as_counts),
    ("mul", "a tensor without dimensions promotes", _promoting_without_dimensions),
    ("mul", "a Python number promotes float16", _promoting_number),
    ("mul", "whole numbers by way of float64", _by_floats("mul")),
    ("div", "whole quotients", _floored),
    ("sub", "the second operand rounded to the first", _rounded_to_the_first),
    ("maximum", "bytes with a sign", _signed),
    ("cat", "the dtype of the first", _first_dtype),
    ("sum", "not widened", _as_it_comes("sum")),
    ("cumsum", "widened too late", _widened_too_late),
    ("prod", "whole numbers by way of float64", _by_floats("prod")),
    ("mean", "whole numbers answered", _as_floats("mean")),
    ("floor", "whole numbers become floats", _as_floats("floor")),
    ("exp", "whole numbers in half precision", _half_of_whole),
    ("abs", "saturation instead of wrapping", _not_below_zero),
    ("mm", "whole numbers by way of float64", _by_floats("mm")),
)
