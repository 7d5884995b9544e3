"""Of several entries and results the furthest counts, each held to the bound of its own place."""

from __future__ import annotations

import math

import pytest
import torch

from tests.verify.samples.operator_record import Record, UnaryUfuncInfo
from verify.call import Call, Results, results
from verify.check import Finding
from verify.samples.apart import against_exact, compared, explained
from verify.samples.checks import batch
from verify.samples.posed import Posed
from verify.samples.sample import Sample

U = 2.0**-24


def posed(function, *inputs):
    call = Call(function, inputs, {})
    return Posed(call, results(call), False)


def of(asked, entrywise):
    kind = UnaryUfuncInfo if entrywise else Record
    return explained(Sample(kind("f", torch.exp), 0, (), {}, lambda y: y, False), asked, 1)


def positive(n):
    return torch.rand(n, generator=torch.Generator().manual_seed(0)) + 0.5


@pytest.mark.parametrize(("roundings", "passes"), [(20, True), (60, False)])
def test_an_answer_is_held_against_the_exact_one_within_its_own_roundings(roundings, passes):
    """Half of what two answers may be apart."""
    asked = posed(torch.clone, positive(9))
    wrong = Posed(asked.call, Results((asked.first.outputs[0] * (1 + roundings * U),)), False)
    assert (against_exact("f", wrong, of(asked, True)).measured <= 1) is passes


@pytest.mark.parametrize("second", [1e-3, math.nan])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_furthest_of_several_results_counts_whichever_comes_first(second, swapped):
    x, y = positive(9), positive(9)
    asked = posed(lambda a, b: (a, b), x, y)
    again = (x * (1 + 2.0**-20), y * (1 + second))
    if swapped:
        asked, again = posed(lambda a, b: (b, a), x, y), again[::-1]
    found = compared("f", asked.first, Results(again), of(asked, True))
    assert found.measured > 1
    assert found.remark.startswith(f"result {0 if swapped else 1}:")


def test_one_entry_that_is_off_is_not_passed_for_the_others_that_are_near():
    x = positive(9)
    wrong = x.clone()
    wrong[4] *= 1.01
    asked = posed(torch.clone, x)
    found = compared("f", asked.first, Results((wrong,)), of(asked, True))
    assert found.measured > 1
    assert found.worst.index == (4,)


def test_a_part_of_an_answer_is_held_to_the_bounds_and_the_jumps_of_that_part():
    """Of large and of small entries, the small ones alone; then of entries of which the others jump."""

    def part(whole):
        return Results(tuple(y[3:] for y in whole.outputs))

    x = torch.tensor([1e6, 1e6, 1e6, 1e-3, 1e-3])
    asked = posed(torch.clone, x)
    assert compared("f", asked.first, Results((x[3:] * 1.001,)), of(asked, True), part).measured > 1
    x = torch.tensor([3.0, 3.0, 3.0, 7.5, 7.5])
    asked = posed(torch.floor, x)
    found = compared("f", asked.first, Results((torch.tensor([8.0, 7.0]),)), of(asked, True), part)
    assert found.measured > found.bound


def test_a_failure_is_not_excused_by_a_jump_elsewhere():
    asked = posed(torch.floor, torch.tensor([3.0, 7.5]))
    found = compared("f", asked.first, Results((torch.tensor([2.0, 8.0]),)), of(asked, True))
    assert found.measured > found.bound


def test_a_complex_entry_is_two_numbers_side_by_side():
    """A large real part beside a small imaginary one, which alone is off, in the first of two entries."""
    x = torch.complex(torch.tensor([1e6, 1e6, 1e6]), torch.tensor([1e6, 1e-3, 1e-3]))
    asked = posed(torch.clone, x)

    def part(whole):
        return Results(tuple(y[1:] for y in whole.outputs))

    again = torch.complex(x.real[1:], x.imag[1:] * torch.tensor([1.001, 1.0]))
    found = compared("f", asked.first, Results((again,)), of(asked, True), part)
    assert found.measured > 1
    assert found.worst.index == (0,)


def test_what_differs_by_several_roundings_of_itself_may_still_be_hidden_by_others():
    """Of (x + 64) − x with x = 2²⁷ twelve roundings of x explain all."""
    asked = posed(lambda x: (x + 64) - x, torch.tensor([2.0**27]))
    for roundings, blind in ((2, False), (8, True)):
        found = compared(
            "f", asked.first, Results((torch.tensor([64 * (1 + roundings * U)]),)), of(asked, True)
        )
        assert 0 < found.measured <= 1
        assert found.blind is blind


def test_a_result_that_rounding_hides_is_not_passed_for_another_that_is_further_off():
    asked = posed(
        lambda x, y: (torch.cos(x) + 0, torch.square(y)), torch.tensor([3e30, 1e30, 2e31]), positive(50)
    )
    y, z = asked.first.outputs
    hidden = compared("f", asked.first, Results((torch.zeros(3), z * (1 + 2.0**-18))), of(asked, False))
    assert hidden.measured <= 1
    assert hidden.blind
    seen = compared("f", asked.first, Results((y, z * (1 + 2.0**-18))), of(asked, False))
    assert not seen.blind


def test_of_results_that_are_all_0_a_bound_beyond_1_shows_nothing():
    asked = posed(lambda x: (x - x.flip(0),), torch.tensor([1e10, 1e10]))
    found = compared("f", asked.first, Results((torch.tensor([5000.0, -5000.0]),)), of(asked, False))
    assert found.measured <= 1
    assert found.blind
    fine = posed(lambda x: (x - x.flip(0),), torch.tensor([1.0, 1.0]))
    assert not compared("f", fine.first, Results((torch.tensor([1e-7, 0.0]),)), of(fine, False)).blind


def test_a_member_of_a_batch_that_rounding_hides_counts_more_than_one_that_passes():
    hidden, passing = Finding("f", 0.1, 1.0, "", blind=True), Finding("f", 0.9, 1.0, "")
    failing = Finding("f", 1.1, 1.0, "")
    assert max([passing, hidden], key=batch._gravity) is hidden
    assert max([failing, hidden, passing], key=batch._gravity) is failing
