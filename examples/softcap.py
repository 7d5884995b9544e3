"""An operation of one's own, whole: the soft cap 30 tanh(x/30), which keeps logits below 30.

torchstone --operations examples/softcap.py --select softcap
"""

import numpy as np
import torch

from torchstone import Cost, Domain, Formula, HardInput, Identity, Operation, Workload

CAP = 30.0


def forward(x):
    """NumPy that runs on float64 and on flint.arb; branching on inputs is exact."""
    return CAP * np.tanh(x / CAP)


def bound(a, x):
    """The largest absolute error that rounding explains: two steps round, tanh is off by `elementary`.

    A relative error of z passes through tanh without growing: z tanh′(z) ≤ tanh z. A quotient below the
    normal numbers is off by half the smallest one, which the product makes 30 times larger.
    """
    return (a.elementary + 3 * a.u) * np.abs(forward(x)) + CAP * a.smallest


def gradient(g, x):
    """One array an input, None for an index input."""
    return (g / np.cosh(x / CAP) ** 2,)


def gradient_bound(a, g, x):
    """torch forms 30 g (1 − t²)/30 from the stored t = tanh(x/30), whose error passes through as 2 t."""
    t = np.abs(np.tanh(x / CAP))
    stored = (a.elementary + 2 * a.u) * t + a.smallest
    return (np.abs(g) * (2 * t * stored + stored**2 + a.u * t**2 + 6 * a.u) + 2 * a.smallest,)


SOFTCAP = Operation(
    name="softcap",
    subject="mine",
    function=lambda x: CAP * torch.tanh(x / CAP),
    forward=Formula("30 tanh(x/30)", forward, bound, "three stored steps, Higham 2002, §3.1"),
    vjp=Formula("∂x = g/cosh²(x/30)", gradient, gradient_bound, "derivatives.yaml, tanh"),
    domain=Domain(
        lambda generator, workload: (20 * generator.standard_normal(workload.shapes[0]),),
        (HardInput("far", lambda a: (np.array([a.largest, -a.largest]),), far=True),),
    ),
    check=(Workload("7", ((7,),)), Workload("3x5-transposed", ((3, 5),), layout="transposed")),
    bench=(Workload("4096x1024", ((4096, 1024),)),),
    # A quotient, a hyperbolic tangent and a product an entry; each is read once and written once.
    cost=lambda workload: Cost(3.0 * 4096 * 1024, 2.0 * 4096 * 1024, 1.0 * 4096 * 1024),
    identities=(
        Identity(
            "f(−x) = −f(x)",
            lambda f, x: f(-x),
            lambda f, x: -f(x),
            lambda a, x: 2 * a.stored(forward(x), bound(a, x)),
        ),
        Identity("f is its own clamp", lambda f, x: f(x), lambda f, x: f(x).clamp(-CAP, CAP)),
    ),
    # The textbook formula: it must fail far out, where the library does not.
    naive=lambda x: CAP * (torch.exp(2 * x / CAP) - 1) / (torch.exp(2 * x / CAP) + 1),
)
