"""Keepdim: with it a reduced dimension stays with size 1, without it vanishes; the values are the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from verify.call import Call, Results, results
from verify.example import Example
from verify.formulas.axes import reduced_shape
from verify.law import Asked, Law


def ask(example: Example) -> Iterator[Asked]:
    """Each of both in the shape of the other."""
    if not example.case.operation.reduction or "dim" not in example.options:
        return
    (x,), dim = example.inputs, example.options["dim"]
    forms = {kept: (reduced_shape(tuple(x.shape), dim, kept), _call(example, kept)) for kept in (True, False)}
    for kept, (shape, call) in forms.items():
        _, other = forms[not kept]
        yield Asked(
            f"dim={dim}, keepdim={kept}",
            partial(results, call),
            partial(_reshaped, other, shape),
        )


def _call(example: Example, kept: bool) -> Call:
    """The call with or without keepdim, and the cotangent of the call as it is sampled."""
    call = example.call
    (x,) = example.inputs
    shape = reduced_shape(tuple(x.shape), example.options["dim"], kept)
    cotangents = tuple(g.reshape(shape) for g in call.cotangents)
    return Call(call.function, call.inputs, {**call.options, "keepdim": kept}, cotangents)


def _reshaped(call: Call, shape: tuple[int, ...]) -> Results:
    """What a call answers, in another shape; the gradients as they are."""
    answer = results(call)
    return Results(tuple(y.reshape(shape) for y in answer.outputs), answer.gradients)


LAW = Law("keepdim", "torch, keepdim of any reduction: the reduced dimensions have size 1 with it.", ask)
