"""Random rounding: how large its changes are, and what it leaves alone."""

from __future__ import annotations

import torch

from verify.gradients.rounding import RandomlyRounded

_CHANGE = 2.0**-20


def test_what_an_operation_computes_is_off_by_the_change():
    x = torch.linspace(1, 2, 50, dtype=torch.float64)
    with RandomlyRounded(_CHANGE, 1):
        y = x * 3
    assert torch.allclose((y / (x * 3) - 1).abs(), torch.full_like(x, _CHANGE), rtol=1e-6)
    assert len({float(s) for s in torch.sign(y - x * 3)}) == 2


def test_views_and_whole_numbers_are_left_alone():
    x = torch.arange(6.0)
    with RandomlyRounded(_CHANGE, 1):
        assert torch.equal(x.view(2, 3), x.view(2, 3))
        assert torch.equal(torch.tensor([1, 2]) + 1, torch.tensor([2, 3]))


def test_a_zero_without_memory_is_left_alone():
    # Forward mode makes them; to compute with the memory that they do not have would end the process.
    with RandomlyRounded(_CHANGE, 1):
        y = torch._efficientzerotensor((3,), dtype=torch.float64) * torch.ones(3, dtype=torch.float64)
    assert y._is_zerotensor()
