"""An operation of one's own, whole: the soft cap 30 tanh(x/30), which keeps logits below 30.

torchstone --operations examples/softcap.py --select softcap
"""

import numpy as np
import torch

from torchstone import Cost, Domain, HardInput, Identity, Operation, Refusal, Special, Workload, analysed

CAP = 30.0

# NumPy that runs on float64, in ball arithmetic, and on values that carry their rounding error, from which
# the bound follows. Branching on inputs is exact.
FORWARD = analysed("30 tanh(x/30)", lambda x: CAP * np.tanh(x / CAP), "three steps")
# One array an input, None for an index input; and where torch takes other steps to the same value, these.
GRADIENT = analysed(
    "∂x = g/cosh²(x/30)",
    lambda g, x: (g / np.cosh(x / CAP) ** 2,),
    "30 g (1 − t²)/30 from the stored t = tanh(x/30): derivatives.yaml, tanh",
    algorithm=lambda g, x: (CAP * g * (1 - np.tanh(x / CAP) * np.tanh(x / CAP)) / CAP,),
)


def ordinary(generator, workload):
    """Normal logits of spread 20."""
    return (20 * generator.standard_normal(workload.shapes[0]),)


SOFTCAP = Operation(
    name="softcap",
    subject="mine",
    function=lambda x: CAP * torch.tanh(x / CAP),
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
