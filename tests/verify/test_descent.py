"""Descent: the path is the recursion's, and what rounding may do to it is not outdone by the worst errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from verify.lessons.descent import descend, held_off


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_the_path_is_that_of_the_recursion(momentum):
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    path = descend(lambda x: (x**2).sum(dim=-1), start, 0.125, 10, momentum)
    assert path.shape == (11, 2)
    x, v = start.clone(), torch.zeros(2, dtype=torch.float64)
    for place in path:
        assert torch.equal(place, x)
        v = momentum * v + 2 * x
        x = x - 0.125 * v


def test_the_start_is_left_as_it_was():
    start = torch.ones(1, dtype=torch.float64)
    descend(lambda x: x**2, start, 0.25, 3)
    assert start.item() == 1
    assert start.grad is None


def test_without_momentum_errors_add_up_to_a_geometric_series():
    assert held_off(2.0, 0.125, 1e-16, 3e-16) == pytest.approx(1e-16 / 0.25 + 3e-16 / 2, rel=1e-12)


@pytest.mark.parametrize("curvature", [3.0, 6.0, 60.0])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_worst_errors_reach_the_bound_and_do_not_exceed_it(curvature, momentum):
    rate, steps, errors = 0.02, 3000, (1.0, 7.0)
    if momentum == 0.9 and curvature == 60.0:
        steps = 6000
    bound = held_off(curvature, rate, *errors, momentum)
    # Each step's errors have the sign with which they reach the last place.
    step = np.array([[1 - rate * curvature, -rate * momentum], [curvature, momentum]])
    reach, signs = np.array([1.0, 0.0]), []
    for _ in range(steps):
        signs.append((np.sign(reach[0]), np.sign(reach @ [-rate, 1.0])))
        reach = reach @ step
    e, v = 0.0, 0.0
    for place_sign, slope_sign in reversed(signs):
        v = momentum * v + curvature * e + slope_sign * errors[1]
        e = e - rate * v + place_sign * errors[0]
    assert 0.999 * bound <= abs(e) <= bound * (1 + 1e-9)


def test_a_rate_that_diverges_is_refused():
    with pytest.raises(ValueError, match="does not converge"):
        held_off(4.0, 0.5, 1.0, 1.0)
