"""What each law asks that no other question of it sees: a function that breaks just that is named for it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from verify.case import Case
from verify.example import Example
from verify.law import held
from verify.laws import laws
from verify.operations import catalogue


def broken(law, operation, dtype, applies=lambda workload: True):
    """What is said of each thing that a law asks, by itself, on every workload of a kind, and is wrong."""
    cases = [Case(operation, "cpu", dtype, w) for w in operation.check if applies(w)]
    assert cases
    found = []
    for case in cases:
        example = Example(case, case.points(1)[0], 1)
        for ask in laws()[law].ask(example):
            alone = dataclasses.replace(laws()[law], ask=lambda example, ask=ask: iter((ask,)))
            found.append(held(alone, example))
    return [f.remark for f in found if f.measured > f.bound]


def wrong(name, function):
    return dataclasses.replace(catalogue()[name], function=function)


def wrong_places(name, function):
    places = dataclasses.replace(catalogue()[name].places, function=function)
    return dataclasses.replace(catalogue()[name], places=places)


def test_broadcasting_must_give_the_bits():
    def one_ulp_more(x, y):
        z = x + y
        return z if x.shape == y.shape else z + (torch.nextafter(z, z.abs() + 1) - z).detach()

    assert any(
        "inputs written out, forward" in r
        for r in broken("broadcasting", wrong("add", one_ulp_more), "float64")
    )


def test_the_gradient_of_what_is_repeated_is_held_to_its_bound():
    def off(x, y):
        z = x + y
        return z if x.shape == y.shape else z + 1e-9 * (y - y.detach())

    found = broken("broadcasting", wrong("add", off), "float64")
    assert found
    assert all("gradients of inputs written out, summed, gradient of input 1" in r for r in found)


def test_several_dimensions_are_reduced_as_one():
    def doubled(x, dim=None, **options):
        y = torch.sum(x, **({} if dim is None else {"dim": dim}), **options)
        return 2 * y if isinstance(dim, tuple) and len(dim) > 1 else y

    found = broken("dimensions", wrong("sum", doubled), "float64")
    assert found
    assert all("joined to one, forward" in r for r in found)


@pytest.mark.parametrize("of", ["forward", "gradient of input 0"])
def test_keepdim_changes_neither_values_nor_gradients(of):
    def doubled(x, dim=None, keepdim=False, **options):
        if dim is None:
            return torch.sum(x, **options)
        y = torch.sum(x, dim, keepdim=keepdim, **options)
        return y if not keepdim else 2 * y if of == "forward" else 2 * y - y.detach()

    found = broken("keepdim", wrong("sum", doubled), "float64", lambda w: "dim" in w.options)
    assert found
    assert all(f", {of}: " in r for r in found)


@pytest.mark.parametrize("place", [-1, None])
def test_a_nan_in_the_middle_and_at_the_end_of_what_is_reduced_counts(place):
    def dropping(x, **options):
        kept = x.clone().reshape(-1)
        if kept.numel() > 3:
            at = kept.numel() // 2 if place is None else place
            kept[at] = torch.nan_to_num(kept[at])
        return torch.sum(kept.reshape(x.shape), **options)

    assert any("nan in place" in r for r in broken("locality", wrong("sum", dropping), "float64"))


def test_a_nan_stays_in_its_entry_and_is_kept_in_it():
    """In a case that is no batch, so that nothing but the entries can be asked."""

    def leaking(x):
        y = torch.exp(x)
        return y + 0 * y.flatten()[0] if y.numel() > 1 else y

    def dropping(x):
        return torch.exp(torch.nan_to_num(x) if x.numel() > 1 else x)

    alone = dataclasses.replace(catalogue()["exp"], batch=lambda workload: None)
    for function, said in (
        (leaking, "those between"),
        (dropping, "nan as it is alone"),
        (_Leaking.apply, "gradient of input 0"),
    ):
        found = broken("locality", dataclasses.replace(alone, function=function), "float64")
        assert any(said in r for r in found)


class _Leaking(torch.autograd.Function):
    """exp whose gradients are all nan where one is."""

    @staticmethod
    def forward(context, x):
        y = torch.exp(x)
        context.save_for_backward(y)
        return y

    @staticmethod
    def backward(context, g):
        (y,) = context.saved_tensors
        return g * y + 0 * y.sum()


@pytest.mark.parametrize("of", ["forward", "gradient of input 0"])
def test_an_input_without_dimensions_gives_what_one_entry_gives(of):
    def other(x):
        y = torch.exp(x)
        return y if x.ndim else 2 * y if of == "forward" else 2 * y - y.detach()

    found = broken("no dimension", wrong("exp", other), "float64")
    assert found
    assert all(f", {of}: " in r for r in found)


def test_equals_alone_have_the_place_of_the_first():
    def last_of_equals(x, dim=None, keepdim=False):
        flipped = (
            dim is not None and x.numel() > 1 and bool((x == x.flatten()[0]).all()) and bool((x != 0).all())
        )
        if not flipped:
            return torch.argmax(x, **({} if dim is None else {"dim": dim, "keepdim": keepdim}))
        return x.shape[dim] - 1 - torch.argmax(x.flip(dim), dim, keepdim)

    assert any("all equal" in r for r in broken("ties", wrong("argmax", last_of_equals), "float64"))


def test_values_among_ties_are_those_of_the_formula():
    def one_more(x, k, dim=-1, keepdim=False):
        y = torch.kthvalue(x, k, dim, keepdim).values
        return y + 1 if bool((x == x.flatten()[0]).all()) else y

    found = broken("ties", wrong("kthvalue", one_more), "float64")
    assert any("all equal, the values, forward" in r for r in found)


def test_no_place_is_taken_twice():
    def twice(x, k, dim=-1, largest=True, **options):
        values, places = torch.topk(x, k, dim, largest)
        return values, torch.where(
            values == values.select(dim, 0).unsqueeze(dim), places.select(dim, 0).unsqueeze(dim), places
        )

    found = broken("ties", wrong_places("topk", twice), "float64", lambda w: w.options["k"] > 1)
    assert any("all equal, the times that a place is taken" in r for r in found)


def test_a_nan_lies_where_it_is_said_to_lie():
    def beside(x, dim=None, keepdim=False):
        if dim is None:
            return torch.max(x)
        return torch.max(x, dim, keepdim).values, torch.max(
            torch.nan_to_num(x, -torch.inf), dim, keepdim
        ).indices

    found = broken("ties", wrong_places("max", beside), "float64")
    assert any("nan among equals, the values beside" in r for r in found)


def test_zeros_are_equal_whatever_their_sign():
    def by_sign(x, dim=None, keepdim=False):
        signed = x + torch.where(x == 0, torch.copysign(torch.ones_like(x), x) * 1e-300, 0)
        return torch.argmax(signed, **({} if dim is None else {"dim": dim, "keepdim": keepdim}))

    found = broken("ties", wrong("argmax", by_sign), "float64")
    assert found
    assert all("zeros of both signs" in r for r in found)


@pytest.mark.parametrize("name", ["exp", "sum"])
def test_no_entries_keep_their_shape(name):
    function = catalogue()[name].function

    def one_row_less(x, **options):
        y = function(x, **options)
        return y if x.numel() or x.ndim != 2 else y.reshape(0, *y.shape[1:-1], 2)

    operation = dataclasses.replace(wrong(name, one_row_less), batch=lambda workload: None)
    found = broken("zero size", operation, "float64")
    assert any("inputs of shape (0, " in r for r in found)


def test_an_error_that_is_no_refusal_of_nothing_is_told():
    def dividing(x, **options):
        return torch.amax(x, **options) if x.numel() else 1 / 0

    found = broken("zero size", wrong("amax", dividing), "float64")
    assert any("dim=1 of shape (4, 0): it raised ZeroDivisionError" in r for r in found)
