"""An operation of one's own, whole: softplus, log(1 + exp x).

torchstone --operations examples/softplus.py --select softplus
"""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own documentation names it F

from torchstone import Cost, Domain, Formula, HardInput, Identity, Operation, Workload


def forward(x):
    """NumPy that runs on float64 and on flint.arb; branching on inputs is exact."""
    return np.where(x > 0, x, 0 * x) + np.log(1 + np.exp(-np.abs(x)))


def bound(a, x):
    """The largest absolute error that rounding explains: exp and log are off by `elementary`, a sum by u.

    Beyond its threshold of 20 torch returns x, which leaves exp(−20) out.
    """
    return (3 * a.elementary + 2 * a.u) * forward(x) + np.exp(-20.0)


SOFTPLUS = Operation(
    name="softplus",
    subject="mine",
    function=F.softplus,
    forward=Formula("log(1 + exp x)", forward, bound, "three stored steps; torch.nn.Softplus, threshold 20"),
    vjp=Formula(
        "∂x = g/(1 + exp(−x))",
        # One array an input, None for an index input.
        lambda g, x: (g / (1 + np.exp(-x)),),
        lambda a, g, x: ((2 * a.elementary + 4 * a.u) * np.abs(g) / (1 + np.exp(-x)) + np.exp(-20.0),),
        "exp and three more steps; torch.nn.Softplus, threshold 20",
    ),
    domain=Domain(
        lambda generator, workload: (generator.standard_normal(workload.shapes[0]),),
        (HardInput("far", lambda a: (np.array([1e4, -1e4]),), far=True),),
    ),
    check=(Workload("7", ((7,),)), Workload("3x5-transposed", ((3, 5),), layout="transposed")),
    bench=(Workload("4096x1024", ((4096, 1024),)),),
    # An exponential, a logarithm and two sums an entry; each is read once and written once.
    cost=lambda workload: Cost(4.0 * 4096 * 1024, 2.0 * 4096 * 1024, 1.0 * 4096 * 1024),
    identities=(
        Identity(
            "f(x) − f(−x) = x",
            lambda f, x: f(x) - f(-x),
            lambda f, x: x,
            lambda a, x: 2 * a.stored(forward(np.abs(x)), bound(a, np.abs(x))) + a.u * np.abs(x),
        ),
    ),
    # The textbook formula: it must fail far out, where the library does not.
    naive=lambda x: torch.log(1 + torch.exp(x)),
)
