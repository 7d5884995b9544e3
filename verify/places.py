"""Places: where in its input a function finds the values that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Places:
    """A function that tells where its values lie, and which of equal entries it takes.

    `function(*inputs, **options)` returns values and places along `dim`, or places alone; None: it is the
    operation's own. `dim` is the one taken where the options name none, None for that of the flat input.
    `in_order(options)`: of equal entries those are taken, and come first, that come first in the input.
    Source: where torch's documentation says so.
    """

    source: str
    function: Callable[..., Any] | None = None
    dim: int | None = None
    in_order: Callable[[Mapping[str, Any]], bool] = lambda options: False
