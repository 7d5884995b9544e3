"""Descent: the path of torch.optim.SGD over a function, and how far rounding keeps it from a minimum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def descend(
    function: Callable[[Tensor], Tensor], start: Tensor, rate: float, steps: int, momentum: float = 0.0
) -> Tensor:
    """Every place that descent comes by, the start first.

    Shapes: the path has a leading dimension of `steps` + 1 before the start's own. A function of many
    places at once gives one value for each, and the places do not act on one another.
    """
    place = start.detach().clone().requires_grad_()
    optimiser = torch.optim.SGD([place], lr=rate, momentum=momentum)
    path = [place.detach().clone()]
    for _ in range(steps):
        (place.grad,) = torch.autograd.grad(function(place).sum(), place)
        optimiser.step()
        path.append(place.detach().clone())
    return torch.stack(path)


def held_off(
    curvature: float, rate: float, place_error: float, slope_error: float, momentum: float = 0.0
) -> float:
    """How far from a minimum the path may stay, where every step is wrong by that much.

    Near a minimum a step takes the distance e and the velocity v to M(e, v), M = [[1 − αh, −αm], [h, m]]:
    an error made in the place goes on as Mᵏ(1, 0), one made in the slope as Mᵏ(−α, 1), and the errors of
    all steps add up. For plain descent that is place_error/(αh) + slope_error/h. With the least curvature
    of several, and α·(the greatest) ≤ 1, it covers every direction of plain descent.

    Raises: ValueError where the steps do not shrink a distance. Source: Polyak 1964; to first order in e.
    """
    step = np.array([[1 - rate * curvature, -rate * momentum], [curvature, momentum]])
    if np.abs(np.linalg.eigvals(step)).max() >= 1:
        raise ValueError(f"descent at rate {rate} with momentum {momentum} does not converge")
    errors = np.array([[place_error, -rate * slope_error], [0.0, slope_error]])
    smallest, total = 2.0**-60 * (place_error + slope_error), 0.0
    while np.abs(errors).max() > smallest:
        total += float(np.abs(errors[0]).sum())
        errors = step @ errors
    return total
