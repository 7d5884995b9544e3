"""Derivation: a gradient worked out by hand, in torch, beside the one that autograd finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.formulas.analysis import analysed
from verify.formulas.arithmetic import Arithmetic
from verify.operation import Array, Formula, Identity


def same_gradient(vjp: Formula, by_hand: Callable[..., Any], steps: Callable[..., Any]) -> Identity:
    """Autograd through a composite with one result finds the gradient that was derived by hand.

    `by_hand(*tensors)` returns the gradient of every floating-point input and None for an index input;
    `steps` is the same on values with a running error.
    """
    one = np.ones(())
    derived = analysed(vjp.text, lambda *x: vjp.evaluate(one, *x), "the derivation, step by step", steps)

    def bound(a: Arithmetic, *inputs: Array) -> Array:
        found = (derived.evaluate(*inputs), vjp.bound(a, one, *inputs), derived.bound(a, *inputs))
        return np.concatenate(
            [
                np.ravel(a.stored(value, of_autograd) + a.stored(value, of_hand))
                for value, of_autograd, of_hand in zip(*found, strict=True)
                if value is not None
            ]
        )

    return Identity(
        "autograd finds the gradient derived by hand",
        _by_autograd,
        lambda f, *inputs: _joined(by_hand(*inputs)),
        bound,
    )


def _by_autograd(f: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> torch.Tensor:
    leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in inputs]
    return _joined(torch.autograd.grad(f(*leaves), [x for x in leaves if x.requires_grad]))


def _joined(gradients: Any) -> torch.Tensor:
    return torch.cat([gradient.reshape(-1) for gradient in gradients if gradient is not None])
