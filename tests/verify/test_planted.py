"""Planted gradients: the wrong ones are wrong by what they say, the right ones right, in their own mode."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch.autograd import forward_ad

from verify.operations import catalogue
from verify.planted import planted
from verify.planted.fault import Fault, named, scaled
from verify.planted.faults import FAULTS
from verify.planted.host import SMALL, Host, deviates, flat, hosts
from verify.planted.planting import plant

# torch's forward mode compiles its own formulas at first use, by a way that torch itself calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

PLANTED = planted()
WRONG = tuple(p for p in PLANTED if p.wrong)
RIGHT = tuple(p for p in PLANTED if not p.wrong)
U = 2.0**-53
# Forward mode and the second order are held against torch's own way to them, which is another one: so many
# roundings apart, each of a relative error of U, is a thousandth of the smallest fault that is planted.
ROUNDINGS = 8


def by_name(p):
    return p.name


def cotangents(y):
    """A cotangent of all digits, contiguous and with its entries two places apart."""
    g = torch.rand(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(7)) + 0.5
    wide = torch.empty((*y.shape, 2), dtype=y.dtype)
    wide[..., 0] = g
    return g, wide[..., 0]


def floating(inputs):
    return [x for x in inputs if x.requires_grad]


def row(tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def reverse(function, inputs):
    y = function(*inputs)
    found = [torch.autograd.grad(y, floating(inputs), g, retain_graph=True) for g in cotangents(y)]
    return [row(gradients) for gradients in found]


def forward(function, inputs):
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(x, cotangents(x)[0]) if x.requires_grad else x for x in inputs]
        return [row([forward_ad.unpack_dual(function(*duals)).tangent])]


def second_order(function, inputs):
    g = cotangents(function(*inputs))[0].requires_grad_()
    variables = floating(inputs)
    gradients = torch.autograd.grad(function(*inputs), variables, g, create_graph=True)
    found = torch.autograd.grad(
        gradients, [g, *variables], [cotangents(v)[0] for v in gradients], allow_unused=True
    )
    return [
        row([torch.zeros_like(x) if v is None else v for v, x in zip(found, [g, *variables], strict=True)])
    ]


DERIVATIVES = {"reverse": reverse, "forward": forward, "second order": second_order}


def distance(p):
    """The relative distance of a planted derivative from torch's own, where it is largest."""
    there = DERIVATIVES[p.mode](p.function, p.inputs())
    here = DERIVATIVES[p.mode](p.right, p.inputs())
    return max(float((t - h).norm() / h.norm()) for t, h in zip(there, here, strict=True))


def test_there_are_enough_of_both_and_no_name_is_used_twice():
    assert len(WRONG) >= 150
    assert len(RIGHT) >= len(WRONG)
    assert len({p.name for p in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize(
    "kind",
    [
        *(f"factor 1 + 1e-{digits}" for digits in range(3, 10)),
        "sign",
        "all zero",
        "float32 constant",
        "through float32",
        "dropped term",
        "swapped index",
        "reduction scale",
        "missing broadcast sum",
        "one entry",
        "tail only",
        "large n only",
        "strided input only",
        "strided cotangent only",
        "forward mode only",
        "second order only",
    ],
)
def test_every_kind_is_planted_in_several_functions(kind):
    assert len({p.name.partition(":")[0] for p in WRONG if p.kind == kind}) >= 5
    assert sum(p.kind == kind for p in RIGHT) == sum(p.kind == kind for p in WRONG)


def test_every_operation_with_a_gradient_to_spoil_is_a_host():
    """Left out are steps, whose gradient is 0, what torch has wrong, and what has no small workload."""
    planted_in = {host.name.partition(" ")[0] for host in hosts() if host.group == "catalogue"}
    differentiable = {name: o for name, o in catalogue().items() if o.differentiable}
    assert planted_in <= differentiable.keys()
    left_out = {}
    for name, operation in differentiable.items():
        small = any(
            sum(math.prod(shape) for shape in w.shapes) <= SMALL and w.layout == "contiguous"
            for w in operation.check
        )
        if name not in planted_in:
            left_out[name] = (flat(operation), deviates(operation), not small)
    assert all(map(any, left_out.values())), left_out
    assert left_out["floor"][0]
    assert left_out["hardsigmoid"][1]
    assert len(planted_in) > 90


@pytest.mark.parametrize("p", WRONG, ids=by_name)
def test_a_wrong_gradient_is_wrong_by_what_it_says(p):
    if p.size is None:
        # torch's own derivative is computed in the same way, so that any distance is the fault's; this many
        # roundings make it one that is worth finding.
        assert distance(p) > 1000 * U
    else:
        assert distance(p) == pytest.approx(p.size, rel=0.01)


@pytest.mark.parametrize("p", RIGHT, ids=by_name)
def test_a_right_gradient_is_right(p):
    assert distance(p) <= (0 if p.mode == "reverse" else ROUNDINGS * U)


@pytest.mark.parametrize("p", [p for p in WRONG if p.mode != "reverse"], ids=by_name)
def test_a_fault_of_another_mode_leaves_reverse_mode_right(p):
    for there, here in zip(reverse(p.function, p.inputs()), reverse(p.right, p.inputs()), strict=True):
        assert torch.equal(there, here)


def test_the_value_is_the_functions_own():
    for p in PLANTED:
        # Without a graph: for the sake of a gradient torch computes singular values in another way.
        with torch.no_grad():
            assert torch.equal(p.function(*p.inputs()), p.right(*p.inputs())), p.name


def test_inputs_are_built_anew_with_the_same_values():
    for p in PLANTED:
        for a, b in zip(p.inputs(), p.inputs(), strict=True):
            assert torch.equal(a, b), p.name
            assert a.stride() == b.stride(), p.name
            assert a.data_ptr() != b.data_ptr(), p.name
            assert a.requires_grad == (a.dtype == torch.float64), p.name


def test_the_inputs_of_a_host_differ_from_fault_to_fault():
    of_tanh = [p.inputs()[0] for p in RIGHT if p.name.startswith("tanh 7:")]
    assert len({tuple(x.tolist()) for x in of_tanh}) == len(of_tanh) > 10


def test_groups_have_what_they_are_named_for():
    for host in hosts():
        x = host.inputs(0)[0]
        assert x.is_contiguous() != (host.group == "strided"), host.name
        if host.group == "tail":
            assert (x.abs() > 10).any(), host.name
            assert (x.abs() < 10).any(), host.name
        if host.group == "large":
            assert x.numel() > 500, host.name


HOST = Host("cube", "composed", lambda x: x**3, lambda generator: (torch.ones(2, dtype=torch.float64),))
SIGN = Fault("sign", scaled(-1.0), named("cube"), size=2.0)


def test_a_new_fault_is_planted_where_it_says_and_nowhere_else():
    other = Host("square", "composed", lambda x: x**2, HOST.draw)
    wrong, right = plant((SIGN,), (HOST, other))
    assert (wrong.name, wrong.wrong, wrong.size) == ("cube: sign", True, 2.0)
    assert (right.name, right.wrong, right.size) == ("cube: without sign", False, None)
    assert (
        reverse(wrong.function, wrong.inputs())[0].tolist()
        == (-reverse(right.function, right.inputs())[0]).tolist()
    )


def test_a_fault_without_a_host_is_an_error():
    with pytest.raises(ValueError, match=re.escape("'sign' is meant for hosts that do not exist")):
        plant((SIGN,), ())


def test_a_fault_that_is_planted_twice_is_an_error():
    with pytest.raises(ValueError, match="planted twice: cube: sign"):
        plant((SIGN, SIGN), (HOST,))


def test_an_operation_of_ones_own_is_no_host(monkeypatch, tmp_path):
    own = "import dataclasses\nfrom verify.operations.softmax import SOFTMAX\n" + (
        "OWN = dataclasses.replace(SOFTMAX, name='own', vjp=dataclasses.replace(SOFTMAX.vjp, "
        "evaluate=lambda g, x, dim: (g,)))\n"
    )
    (tmp_path / "own.py").write_text(own, encoding="utf-8")
    monkeypatch.setenv("TORCHSTONE_OPERATIONS", str(tmp_path / "own.py"))
    catalogue.cache_clear()
    try:
        assert "own" in catalogue()
        assert not [host.name for host in hosts() if host.name.startswith("own")]
    finally:
        monkeypatch.undo()
        catalogue.cache_clear()


def test_the_table_has_no_fault_that_is_never_planted():
    assert {fault.kind for fault in FAULTS} == {p.kind for p in WRONG}
