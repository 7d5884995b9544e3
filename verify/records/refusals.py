"""Refusals: the calls that several operations document as errors, as records ready to be listed.

Source: torch's documentation of broadcasting ("Broadcasting semantics"), of dimensions ("dim" of any
reduction: −n ≤ dim < n) and of type promotion ("torch.dtype").
"""

from __future__ import annotations

from typing import Any

import torch

from verify.operation import Refusal


def not_broadcastable(**options: Any) -> Refusal:
    """Two shapes of which neither repeats to the other."""
    return Refusal("shapes 3 and 4", lambda f, tensor: f(tensor(3), tensor(4), **options))


def dim_out_of_range(*more: int, **options: Any) -> Refusal:
    """A dimension that a matrix does not have. `more` are the sizes of further inputs."""
    return Refusal(
        "dim 2 of a matrix",
        lambda f, tensor: f(tensor(3, 4), *(tensor(n) for n in more), **{**options, "dim": 2}),
        (IndexError,),
    )


def not_a_tensor(inputs: int = 1, **options: Any) -> Refusal:
    """Text in place of every input."""
    return Refusal("text", lambda f, tensor: f(*["0.5"] * inputs, **options), (TypeError, AttributeError))


def other_dtype(*shapes: tuple[int, ...], **options: Any) -> Refusal:
    """A last input of whole numbers beside floating-point ones, where types are not promoted."""
    return Refusal(
        "a last input of int64",
        lambda f, tensor: f(
            *(tensor(*shape) for shape in shapes[:-1]),
            torch.ones(shapes[-1], dtype=torch.int64, device=tensor().device),
            **options,
        ),
        (RuntimeError, TypeError),
    )
