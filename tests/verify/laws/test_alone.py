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


def asked(law, name, function, dtype, applies=lambda workload: True):
    """The findings of a law on every workload of a kind."""
    operation = dataclasses.replace(catalogue()[name], function=function)
    cases = [Case(operation, "cpu", dtype, w) for w in operation.check if applies(w)]
    assert cases
    found = [held(laws()[law], Example(case, case.points(1)[0], 1)) for case in cases]
    return [f for f in found if f is not None]


def broken(*arguments, **options):
    """The remarks of the findings that are failures."""
    return [f.remark for f in asked(*arguments, **options) if f.measured > f.bound]


def test_broadcasting_must_give_the_bits():
    def one_ulp_more(x, y):
        z = x + y
        return z if x.shape == y.shape else z + (torch.nextafter(z, z.abs() + 1) - z).detach()

    assert any(
        "inputs written out, forward" in r for r in broken("broadcasting", "add", one_ulp_more, "float64")
    )


def test_the_gradient_of_what_is_repeated_is_held_to_its_bound():
    def off(x, y):
        z = x + y
        return z if x.shape == y.shape else z + 1e-9 * (y - y.detach())

    found = broken("broadcasting", "add", off, "float64")
    assert found
    assert all("gradients of inputs written out, summed, gradient of input 1" in r for r in found)


def test_several_dimensions_are_reduced_as_one():
    def doubled(x, dim=None, **options):
        y = torch.sum(x, **({} if dim is None else {"dim": dim}), **options)
        return 2 * y if isinstance(dim, tuple) and len(dim) > 1 else y

    found = broken("dimensions", "sum", doubled, "float64")
    assert found
    assert all("joined to one, forward" in r for r in found)


@pytest.mark.parametrize("of", ["forward", "gradient of input 0"])
def test_keepdim_changes_neither_values_nor_gradients(of):
    def doubled(x, dim=None, keepdim=False, **options):
        if dim is None:
            return torch.sum(x, **options)
        y = torch.sum(x, dim, keepdim=keepdim, **options)
        return y if not keepdim else 2 * y if of == "forward" else 2 * y - y.detach()

    found = broken("keepdim", "sum", doubled, "float64", lambda w: "dim" in w.options)
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

    assert any("nan in place" in r for r in broken("locality", "sum", dropping, "float64"))
