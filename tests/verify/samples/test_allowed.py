"""What is allowed of a result: where nothing is shown, and how little of the smallest numbers."""

from __future__ import annotations

import torch

from verify.call import Call, results
from verify.samples.allowed import allowed

U = 2.0**-24


def allowed_of(function, *inputs, entrywise=False):
    call = Call(lambda *x: (function(*x),), inputs, {})
    (allow,) = allowed(call, results(call), entrywise, 1)
    return allow


def test_an_entry_that_jumps_shows_nothing_of_those_that_rounding_hides():
    """Of (x + 1) − x nothing is left; ⌊3⌋ may be 2, so that its size says nothing either."""

    def function(x, y):
        return torch.cat([(x + 1) - x, 1000 * torch.floor(y)])

    allow = allowed_of(function, torch.tensor([1e8, 2e8]), torch.tensor([3.0]))
    assert allow.jumps.tolist() == [False, False, True]
    assert allow.bound[2] < 3000
    assert allow.blind


def test_the_least_of_normal_numbers_are_held_to_their_own_roundings():
    tiny, below = 2.0**-125, 2.0**-127
    allow = allowed_of(torch.clone, torch.tensor([tiny, below]), entrywise=True)
    assert allow.bound[0] < 12 * 4 * U * tiny + 12 * 2.0**-149
    assert allow.bound[1] == 2.0**-126  # may be lost
