"""An operation of one's own, whole: the soft cap 30 tanh(x/30), which keeps logits below 30.

torchstone --operations examples/softcap.py --select softcap
"""

import numpy as np
import torch

from torchstone import Cost, Domain, HardInput, Identity, Operation, Refusal, Special, Workload, analysed

CAP = 30.0


class SoftCap(torch.autograd.Function):
    """A backward of its own: torch's 1 − tanh² is 0 from x = 270 on, where 1/cosh² is not."""

    @staticmethod
    def forward(context, x):
        """30 tanh(x/30)."""
        context.save_for_backward(x)
        return CAP * torch.tanh(x / CAP)

    @staticmethod
    def backward(context, g):
        """g/cosh²(x/30) = 4 g e/(1 + e)², e = exp(−2|x|/30)."""
        (x,) = context.saved_tensors
        e = torch.exp(-2 * (x / CAP).abs())
        return g * (4 * e / ((1 + e) * (1 + e)))


def decay(x):
    """exp(−2|x|/30)."""
    return np.exp(-2 * np.abs(x / CAP))


# NumPy that runs on float64, in ball arithmetic, and on values that carry their rounding error, from which
# the bound follows. Branching on inputs is exact.
FORWARD = analysed("30 tanh(x/30)", lambda x: CAP * np.tanh(x / CAP), "three steps")
# One array an input, None for an index input; and where torch takes other steps to the same value, these.
GRADIENT = analysed(
    "∂x = g/cosh²(x/30)",
    lambda g, x: (g / np.cosh(x / CAP) ** 2,),
    "the steps of SoftCap.backward",
    algorithm=lambda g, x: (g * (4 * decay(x) / ((1 + decay(x)) * (1 + decay(x)))),),
)


def ordinary(generator, workload):
    """Normal logits of spread 20."""
    return (20 * generator.standard_normal(workload.shapes[0]),)


SOFTCAP = Operation(
    name="softcap",
    subject="mine",
    function=SoftCap.apply,
    forward=FORWARD,
    vjp=GRADIENT,
    domain=Domain(ordinary, (HardInput("far", lambda a: (np.array([a.largest, -a.largest]),), far=True),)),
    check=(Workload("7", ((7,),)), Workload("3x5-transposed", ((3, 5),), layout="transposed")),
    bench=(Workload("4096x1024", ((4096, 1024),)),),
    # A quotient, a hyperbolic tangent and a product an entry; each is read once and written once.
    cost=lambda workload: Cost(3.0 * 4096 * 1024, 2.0 * 4096 * 1024, 1.0 * 4096 * 1024),
    identities=(
        Identity(
            "f(−x) = −f(x)",
            lambda f, x: f(-x),
            lambda f, x: -f(x),
            lambda a, x: 2 * a.stored(FORWARD.evaluate(x), FORWARD.bound(a, x)),
        ),
        Identity("f is its own clamp", lambda f, x: f(x), lambda f, x: f(x).clamp(-CAP, CAP)),
    ),
    # The textbook formula: it must fail far out, where the library does not.
    naive=lambda x: CAP * (torch.exp(2 * x / CAP) - 1) / (torch.exp(2 * x / CAP) + 1),
    special=(
        Special(
            "nan and infinities",
            (np.array([np.nan, np.inf, -np.inf, -0.0]),),
            np.array([np.nan, CAP, -CAP, -0.0]),
            "Array API standard, tanh",
        ),
    ),
    refuses=(Refusal("text", lambda f, tensor: f("0.5"), (TypeError,)),),
    # Each entry of the result comes from the entry at its place alone.
    entrywise=lambda options: True,
)
