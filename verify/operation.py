"""Operation: a torch function with everything needed to judge it and to time it, declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from verify.formulas.arithmetic import DTYPES, Arithmetic
from verify.places import Places
from verify.promotion import Promotion
from verify.summation import Summation

Array = npt.NDArray[Any]
Inputs = tuple[Array, ...]
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Formula:
    """A mathematical expression in plain NumPy, with a bound on what rounding may do to it.

    `evaluate(*arguments, **options)` must run on float64 arrays and on object arrays of `flint.arb`
    alike: NumPy's ufuncs call the method of the same name on each object, so the same line is a fast
    float64 evaluation and a proof. It must not branch on a value that is itself a result (two balls
    may overlap); branching on inputs is exact.

    `bound(arithmetic, *arguments, **options)` gives, for float64 arguments, the largest absolute
    error that rounding alone explains, before the result is rounded to its storage type. Shapes: that
    of the value, or anything that broadcasts to it.

    Source: the paper and equation of the bound, or the line of reasoning in one sentence.
    """

    text: str
    evaluate: Callable[..., Any]
    bound: Callable[..., Any]
    source: str


@dataclass(frozen=True)
class Workload:
    """One way of calling an operation: the shapes of its inputs, its options and its memory layout.

    Shapes: one tuple an input, in the order the function takes them.
    `layout` is one of those in `verify/layout.py`.
    """

    label: str
    shapes: tuple[tuple[int, ...], ...]
    options: Options = field(default_factory=dict)
    layout: str = "contiguous"


@dataclass(frozen=True)
class HardInput:
    """An input that has a name because implementations have failed on it.

    `build(arithmetic)` returns the inputs, so that "just below overflow" means something in every
    dtype. `far` marks those beyond the range where the textbook formula works, or where a finite
    difference sees nothing: the stability check runs them, against `Operation.naive` too, and the
    gradient check does not.
    """

    name: str
    build: Callable[[Arithmetic], Inputs]
    options: Options = field(default_factory=dict)
    far: bool = False


@dataclass(frozen=True)
class Domain:
    """Where an operation is defined: a sampler of ordinary inputs, and the hard ones by name.

    `sample(generator, workload)` returns one float64 (or int64, for indices) array a shape.
    """

    sample: Callable[[np.random.Generator, Workload], Inputs]
    hard: tuple[HardInput, ...] = ()


@dataclass(frozen=True)
class Identity:
    """Two ways to the same torch result: equal within a bound, equal bit for bit, or truly different.

    `left` and `right` take the operation's own callable first, then its inputs and options, so that a
    replaced implementation is the one that is asked. `bound(arithmetic, *inputs, **options)` is the
    largest |left − right| that rounding explains; None asks for equality bit for bit. With
    `differs=True` the two must be further apart than the bound: a claim such as "the mean squared
    error is not the 2-norm" has to fail when they are the same. `applies` narrows the workloads.
    """

    name: str
    left: Callable[..., Any]
    right: Callable[..., Any]
    bound: Callable[..., Any] | None = None
    differs: bool = False
    applies: Callable[[Workload], bool] = lambda workload: True


@dataclass(frozen=True)
class Special:
    """Inputs beyond ordinary arithmetic (nan, ±inf, ±0, no entries) and the exact result that is required.

    `inputs` and `expected` are arrays; a nan is required to be a nan, and a zero to have its sign.
    Source: the standard or the page of torch's documentation that requires it.
    """

    name: str
    inputs: Inputs
    expected: Array
    source: str
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """A call that torch documents as an error: it must raise, not return something, and not crash.

    `call(function, tensor)` makes it; `tensor(*shape)` gives a tensor of the case's dtype and device, its
    entries 0.5. `raises` are the exceptions that count. `crashes` marks what has been known to end the
    process: it is tried in a process of its own.
    """

    name: str
    call: Callable[[Callable[..., Any], Callable[..., Any]], Any]
    raises: tuple[type[Exception], ...] = (RuntimeError,)
    crashes: bool = False


@dataclass(frozen=True)
class Batch:
    """Along which dimension a call is many independent calls: that of each input, and of the result.

    None for an input that all of them share.
    """

    inputs: tuple[int | None, ...]
    output: int = 0


@dataclass(frozen=True)
class Cost:
    """The least work an operation can do on a workload.

    Units: flops, and elements read plus written, of which `written` are written: an operation that
    writes nothing to speak of is held against reading, any other against copying.
    """

    flops: float
    elements: float
    written: float = 0.0


@dataclass(frozen=True)
class Operation:
    """A torch function, its reference formula, its gradient in closed form, and where it is defined.

    `function(*inputs, **options)` takes and returns tensors. `vjp.evaluate(cotangent, *inputs,
    **options)` returns one array an input, None for an index input; `vjp` is None where torch defines
    no gradient. `naive` is the textbook formula in torch that a stable implementation must outlive.
    `summations` put n terms into it or its backward so that it adds them; none where it adds nothing, or no
    vector.
    `entrywise(options)`: each entry of the result comes from the entries at its place alone, and inputs are
    broadcast. `places` is set where values are found in the input, `promotion` where other dtypes are taken.
    `check` workloads are small and awkward, `bench` ones are what people run; the first `bench`
    workload is the one a quick run times. `batch(workload)` is None where a call is not many independent
    ones. `lengths(n)` are the calls whose result hangs on n terms, none where it does not or n is too many.

    Example: `verify/operations/` holds one record an operation; a new one needs nothing else.
    """

    name: str
    subject: str
    function: Callable[..., Any]
    forward: Formula
    vjp: Formula | None
    domain: Domain
    check: tuple[Workload, ...]
    bench: tuple[Workload, ...]
    cost: Callable[[Workload], Cost]
    identities: tuple[Identity, ...]
    naive: Callable[..., Any] | None = field(default=None)
    special: tuple[Special, ...] = ()
    refuses: tuple[Refusal, ...] = ()
    batch: Callable[[Workload], Batch | None] = lambda workload: None
    lengths: Callable[[int], tuple[Workload, ...]] = lambda n: ()
    dtypes: tuple[str, ...] = DTYPES
    needs: tuple[str, ...] = ()
    summations: tuple[Summation, ...] = ()
    entrywise: Callable[[Options], bool] = lambda options: False
    places: Places | None = None
    promotion: Promotion | None = None

    def __post_init__(self) -> None:
        if not self.check:
            raise ValueError(f"{self.name}: an operation needs at least one `check` workload")
        labels = [w.label for w in (*self.check, *self.bench)]
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(f"{self.name}: workload labels must differ, repeated: {', '.join(repeated)}")

    @property
    def differentiable(self) -> bool:
        """Whether torch defines a gradient for this operation."""
        return self.vjp is not None

    @property
    def reduction(self) -> bool:
        """Whether it takes dimensions of a vector, or of more, together: then torch lets it keep them."""
        vector = any(len(w.shapes) == 1 and len(w.shapes[0]) == 1 for w in self.check)
        return vector and any("keepdim" in w.options for w in self.check)
