"""Operations that are wrong on purpose: each is an operation of the catalogue with one planted fault.

`planted()` lists them with the check that has to see the fault. A check is only worth its name while it
fails these; `test_faults.py` holds it to that, and shows that the untouched operation passes.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from verify.case import Case
from verify.operation import Operation
from verify.operations import catalogue


@dataclasses.dataclass(frozen=True)
class Fault:
    """A planted fault: what was done to which operation, and the check (and dtype) that must fail."""

    name: str
    operation: Operation
    check: str
    dtype: str = "float64"


def wrong_backward(name: str, backward: Callable[..., Any]) -> Operation:
    """An operation whose forward is torch's and whose backward is `backward(g, y, inputs, options)`.

    `backward` also receives torch's own gradients as `right`, to spoil.
    """
    operation = catalogue()[name]

    def function(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(context: Any, *tensors: torch.Tensor) -> torch.Tensor:
                context.save_for_backward(*tensors)
                return operation.function(*tensors, **options)

            @staticmethod
            def backward(context: Any, g: torch.Tensor) -> Any:
                saved = context.saved_tensors
                with torch.enable_grad():
                    leaves = [t.detach().requires_grad_(t.is_floating_point()) for t in saved]
                    y = operation.function(*leaves, **options)
                    asked = [t for t in leaves if t.requires_grad]
                    right = iter(torch.autograd.grad(y, asked, g))
                full = tuple(next(right) if t.requires_grad else None for t in leaves)
                spoiled = backward(g, y.detach(), [t.detach() for t in leaves], full, options)
                return spoiled if isinstance(spoiled, tuple) else (spoiled,)

        return Wrong.apply(*inputs)

    return dataclasses.replace(operation, function=function)


def wrong_forward(name: str, function: Callable[..., Any]) -> Operation:
    """An operation with another forward; its gradient is that of the wrong forward."""
    return dataclasses.replace(catalogue()[name], function=function)


def _each(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
    """Spoil every gradient of torch's in the same way."""
    return lambda g, y, inputs, right, options: tuple(None if r is None else change(r) for r in right)


def _at_one_entry(gradient: torch.Tensor) -> torch.Tensor:
    entries = gradient.flatten().clone()
    entries[entries.abs().argmax()] *= 1.5
    return entries.reshape(gradient.shape)


def _first(change: Callable[..., torch.Tensor]) -> Callable[..., Any]:
    """Spoil the first input's gradient, as a function of (g, y, inputs, right, options)."""

    def backward(
        g: torch.Tensor, y: torch.Tensor, inputs: Any, right: Any, options: Any
    ) -> tuple[torch.Tensor | None, ...]:
        return (change(g, y, inputs, right[0], options), *right[1:])

    return backward


_FACTORS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
_DIFFERENTIABLE = tuple(name for name, operation in catalogue().items() if operation.differentiable)


@functools.cache
def _flat(name: str) -> bool:
    """Whether the gradient is 0 everywhere: a factor, or an exchange of entries, does not spoil it."""
    operation = catalogue()[name]
    assert operation.vjp is not None
    (point,) = Case(operation, "cpu", "float64", operation.check[0]).points(0)
    y = operation.forward.evaluate(*point.inputs, **point.options)
    gradients = operation.vjp.evaluate(np.ones(np.shape(y)), *point.inputs, **point.options)
    return not any(np.any(x) for x in gradients if x is not None)


def planted() -> tuple[Fault, ...]:
    """Every planted fault."""
    return (
        *_generated(),
        *_in_backward(),
        *_in_forward(),
        *_far_out(),
        *_special_values(),
        *_not_refused(),
    )


def _generated() -> tuple[Fault, ...]:
    """The same few spoilings of the backward of every differentiable operation."""
    spoilings: dict[str, Callable[..., Any]] = {
        "sign": _each(lambda r: -r),
        "all zero": _each(torch.zeros_like),
        "wrong at one entry": _each(_at_one_entry),
        "doubled": _each(lambda r: 2 * r),
    }
    spoilings |= {f"factor 1 + {f:g}": _each(lambda r, f=f: (1 + f) * r) for f in _FACTORS}
    of_flat = {"1 where it is 0": _each(torch.ones_like)}
    return tuple(
        Fault(f"{name}, {spoiling}", wrong_backward(name, backward), "gradient")
        for name in _DIFFERENTIABLE
        for spoiling, backward in (of_flat if _flat(name) else spoilings).items()
    )


def _in_backward() -> tuple[Fault, ...]:
    """Faults that a derivation can make: a term dropped, indices swapped, a scale forgotten."""
    matrix: dict[str, Callable[..., Any]] = {
        "G B instead of G Bᵀ": lambda g, y, x, r, o: (
            (g @ x[1], r[1]) if x[1].shape[0] == x[1].shape[1] else _swap(r)
        ),
    }
    return (
        Fault(
            "softmax, −yΣ(yg) dropped",
            wrong_backward("softmax", _first(lambda g, y, x, r, o: y * g)),
            "gradient",
        ),
        Fault(
            "softmax, the sum over the other dimension",
            wrong_backward("softmax", _first(lambda g, y, x, r, o: y * (g - (g * y).sum(0, keepdim=True)))),
            "gradient",
        ),
        Fault(
            "log_softmax, exp(y)Σg dropped",
            wrong_backward("log_softmax", _first(lambda g, y, x, r, o: g.clone())),
            "gradient",
        ),
        Fault(
            "logsumexp, not normalised",
            wrong_backward(
                "logsumexp", _first(lambda g, y, x, r, o: g.unsqueeze(o["dim"]) * (x[0] - x[0].amax()).exp())
            ),
            "gradient",
        ),
        Fault(
            "cross_entropy, onehot dropped",
            wrong_backward(
                "cross_entropy", _first(lambda g, y, x, r, o: torch.softmax(x[0], 1) / x[0].shape[0])
            ),
            "gradient",
        ),
        Fault(
            "cross_entropy, not divided by the rows",
            wrong_backward("cross_entropy", _first(lambda g, y, x, r, o: r * x[0].shape[0])),
            "gradient",
        ),
        Fault("mm, transposed operand", wrong_backward("mm", matrix["G B instead of G Bᵀ"]), "gradient"),
        Fault(
            "matmul, the broadcast sum is missing",
            wrong_backward("matmul", _first(_one_repetition)),
            "gradient",
        ),
        Fault(
            "mse_loss, n forgotten",
            wrong_backward("mse_loss", lambda g, y, x, r, o: (2 * (x[0] - x[1]) * g, 2 * (x[1] - x[0]) * g)),
            "gradient",
        ),
        Fault(
            "mse_loss, only one input's gradient",
            wrong_backward("mse_loss", lambda g, y, x, r, o: (r[0], torch.zeros_like(r[1]))),
            "gradient",
        ),
        Fault(
            "sigmoid, y instead of y(1 − y)",
            wrong_backward("sigmoid", _first(lambda g, y, x, r, o: g * y)),
            "gradient",
        ),
        Fault("tanh, 1 − y", wrong_backward("tanh", _first(lambda g, y, x, r, o: g * (1 - y))), "gradient"),
        Fault(
            "sigmoid, a float32 constant in a float64 formula",
            wrong_backward("sigmoid", _first(lambda g, y, x, r, o: r * (torch.tensor(1 / 6).double() * 6))),
            "gradient",
        ),
        Fault(
            "relu, 1 at 0", wrong_backward("relu", _first(lambda g, y, x, r, o: g * (x[0] >= 0))), "gradient"
        ),
        Fault(
            "relu, leaking",
            wrong_backward("relu", _first(lambda g, y, x, r, o: torch.where(x[0] > 0, g, 0.01 * g))),
            "gradient",
        ),
        Fault(
            "vector_norm, not divided by the norm",
            wrong_backward("vector_norm", _first(lambda g, y, x, r, o: r * y.sum())),
            "gradient",
        ),
        Fault(
            "mean, n off by one",
            wrong_backward("mean", _first(lambda g, y, x, r, o: r * x[0].numel() / (x[0].numel() - 1))),
            "gradient",
        ),
        Fault(
            "max, shared among ties along a dimension",
            wrong_backward("max", _first(lambda g, y, x, r, o: _shared(g, x[0], r, o))),
            "gradient",
        ),
        Fault(
            "a backward wrong only for a strided cotangent",
            wrong_backward("relu", _first(lambda g, y, x, r, o: r if g.is_contiguous() else 2 * r)),
            "gradient",
        ),
        Fault(
            "a backward wrong only for more than a thousand entries",
            wrong_backward("tanh", _first(lambda g, y, x, r, o: r if r.numel() < 1000 else 1.5 * r)),
            "gradient",
        ),
        Fault(
            "a backward that goes through float32",
            wrong_backward("sum", _first(lambda g, y, x, r, o: r.float().double())),
            "gradient",
        ),
        Fault(
            "mm, a gradient of nan where an input is 0",
            wrong_backward("mm", _first(lambda g, y, x, r, o: torch.where(x[0] == 0, torch.nan, r))),
            "gradient",
        ),
        Fault(
            "a gradient wrong only for a strided input",
            wrong_backward("sum", _first(lambda g, y, x, r, o: r if x[0].is_contiguous() else 2 * r)),
            "gradient",
        ),
    )


def _one_repetition(g: torch.Tensor, y: torch.Tensor, x: Any, right: torch.Tensor, o: Any) -> torch.Tensor:
    """Of a broadcast operand's gradients only the first is kept, where all should be summed."""
    if right.ndim < 3 or x[1].ndim < 3:
        return right
    return (g @ x[1].mT)[:, :1]


def _swap(right: Any) -> Any:
    """The entries of every gradient in the wrong order."""
    return tuple(r.flip(0).flip(1) for r in right)


def _shared(g: torch.Tensor, x: torch.Tensor, right: torch.Tensor, options: Any) -> torch.Tensor:
    if options.get("dim") is None:
        return right
    reached = x == x.amax(options["dim"], keepdim=True)
    spread = g if options.get("keepdim") else g.unsqueeze(options["dim"])
    return spread * reached / reached.sum(options["dim"], keepdim=True)


def _in_forward() -> tuple[Fault, ...]:
    """Results that are wrong, or less accurate than rounding explains."""
    return (
        Fault(
            "softmax in half precision",
            wrong_forward("softmax", _through("softmax", torch.float16)),
            "accuracy",
            "float32",
        ),
        Fault("mm in bfloat16", wrong_forward("mm", _through("mm", torch.bfloat16)), "accuracy", "float32"),
        Fault(
            "sum, one entry left out",
            wrong_forward("sum", lambda x, **o: torch.sum(x, **o) - x.reshape(-1)[0]),
            "accuracy",
        ),
        Fault(
            "softmax, shifted by the maximum of all rows",
            wrong_forward("softmax", lambda x, dim: (x - x.max()).exp() / (x - x.max()).exp().sum(dim, True)),
            "stability",
        ),
        Fault(
            "softmax, the other dimension of a square",
            wrong_forward("softmax", lambda x, dim: torch.softmax(x, dim if len(set(x.shape)) > 1 else 0)),
            "accuracy",
        ),
        Fault(
            "sigmoid, lost from 10,000 on",
            wrong_forward("sigmoid", lambda x: torch.where(x.abs() > 1e4, torch.inf, torch.sigmoid(x))),
            "stability",
        ),
        Fault(
            "mean, n − 1", wrong_forward("mean", lambda x, **o: torch.mean(x, **o) * 1.0000001), "accuracy"
        ),
        Fault(
            "sigmoid, tanh approximation off by 1e-14",
            wrong_forward("sigmoid", lambda x: torch.sigmoid(x) * (1 + 1e-14)),
            "accuracy",
        ),
        Fault("argmax, the last of ties", wrong_forward("argmax", _last_argmax), "accuracy"),
        Fault(
            "argmax, argmin instead", wrong_forward("argmax", lambda x, **o: torch.argmin(x, **o)), "accuracy"
        ),
        Fault("mse_loss, with a root", wrong_forward("mse_loss", _rooted), "identity"),
        Fault(
            "mse_loss, the norm itself",
            wrong_forward("mse_loss", lambda x, y, **o: torch.linalg.vector_norm(x - y)),
            "identity",
        ),
        Fault(
            "softmax, not normalised",
            wrong_forward("softmax", lambda x, dim: torch.softmax(x, dim) * 1.01),
            "identity",
        ),
        Fault(
            "softmax, shifted by a constant",
            wrong_forward("softmax", lambda x, dim: torch.softmax(x * x, dim)),
            "identity",
        ),
        Fault(
            "matmul, not the product of @",
            wrong_forward("matmul", lambda a, b: torch.matmul(a, b) * (1 + 1e-15)),
            "identity",
        ),
        Fault(
            "relu, leaking forward",
            wrong_forward("relu", lambda x: torch.where(x > 0, x, 0.01 * x)),
            "identity",
        ),
        Fault("max of magnitudes", wrong_forward("max", lambda x, **o: _max(x.abs(), **o)), "identity"),
    )


def _through(name: str, dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    function = catalogue()[name].function
    return lambda *inputs, **options: function(*(x.to(dtype) for x in inputs), **options).to(inputs[0].dtype)


def _last_argmax(x: torch.Tensor, dim: int | None = None, keepdim: bool = False) -> torch.Tensor:
    if dim is None:
        return x.numel() - 1 - torch.argmax(x.reshape(-1).flip(0))
    return x.shape[dim] - 1 - torch.argmax(x.flip(dim), dim, keepdim)


def _rooted(x: torch.Tensor, y: torch.Tensor, **options: Any) -> torch.Tensor:
    return torch.sqrt(torch.nn.functional.mse_loss(x, y, **options))


def _max(x: torch.Tensor, **options: Any) -> torch.Tensor:
    result = torch.max(x, **options)
    return result if isinstance(result, torch.Tensor) else result.values


def _far_out() -> tuple[Fault, ...]:
    """The textbook formulas: right where numbers are moderate, inf or nan far out."""
    # torch's own vector_norm is the textbook formula, and a known deviation: there is no fault to plant.
    names = [n for n, operation in catalogue().items() if operation.naive is not None and n != "vector_norm"]
    return tuple(
        Fault(f"{name}, the textbook formula", _naive(name), "stability", dtype)
        for name in names
        for dtype in ("float64", "float32", "bfloat16")
    )


def _naive(name: str) -> Operation:
    naive = catalogue()[name].naive
    assert naive is not None
    return wrong_forward(name, naive)


def _special_values() -> tuple[Fault, ...]:
    """Results that are right for ordinary numbers, and lose a nan, a sign or the sum of nothing."""
    return tuple(
        Fault(name, wrong_forward(operation, function), "special", dtype)
        for name, operation, function in (
            ("maximum, a dropped nan", "maximum", torch.fmax),
            ("minimum, a dropped nan", "minimum", torch.fmin),
            (
                "clamp, nan becomes a limit",
                "clamp",
                lambda x, **o: torch.nan_to_num(torch.clamp(x, **o), 1.0),
            ),
            ("mul, no negative zero", "mul", lambda x, y: x * y + 0.0),
            ("add, no negative zero", "add", lambda x, y: torch.add(x, y) + 0.0),
            (
                "div, infinity for 0/0",
                "div",
                lambda x, y: torch.nan_to_num(x / y, torch.inf, torch.inf, -torch.inf),
            ),
            ("round, halves up", "round", lambda x: torch.floor(x + 0.5)),
            ("floor, towards 0", "ceil", torch.trunc),
            ("sum, nan for nothing", "sum", lambda x, **o: torch.sum(x, **o) if x.numel() else x.mean()),
            ("prod, 0 for nothing", "prod", lambda x, **o: torch.prod(x, **o) if x.numel() else x.sum()),
            ("argmax, the last of ties", "argmax", _last_argmax),
            ("sort, nan first", "sort", _nan_first),
            ("median, the mean of two", "median", _mean_of_two),
            ("amax, a skipped nan", "amax", lambda x, **o: torch.amax(torch.nan_to_num(x, -torch.inf), **o)),
        )
        for dtype in ("float64", "bfloat16")
    )


def _mean_of_two(x: torch.Tensor, **options: Any) -> torch.Tensor:
    if options or not x.numel():
        return catalogue()["median"].function(x, **options)
    return torch.quantile(x.double(), 0.5).to(x)


def _nan_first(x: torch.Tensor, dim: int = -1, descending: bool = False) -> torch.Tensor:
    return torch.sort(torch.nan_to_num(x, -torch.inf), dim=dim, descending=descending).values


def _not_refused() -> tuple[Fault, ...]:
    """Calls that must be refused and are answered, refused otherwise than documented, or end the process."""
    return tuple(
        Fault(name, wrong_forward(operation, function), "refusal")
        for name, operation, function in (
            (
                "mul, cut to the shorter",
                "mul",
                lambda x, y: x * y if x.shape == y.shape else x.sum() * y.sum(),
            ),
            ("sum, a dimension that wraps around", "sum", _wrapping(torch.sum)),
            ("cumsum, a dimension that wraps around", "cumsum", _wrapping(torch.cumsum)),
            ("topk, as many as there are", "topk", _as_many_as_there_are),
            (
                "amax, −∞ for nothing",
                "amax",
                lambda x, **o: torch.amax(x, **o) if x.numel() else x.sum() - torch.inf,
            ),
            ("cat, another error than documented", "cat", _raising(KeyError)),
            ("stack, padded to the larger", "stack", _padded),
            ("embedding, the last row for an index beyond", "embedding", _last_row),
            ("embedding, a crash for an index beyond", "embedding", _crash),
            ("cross_entropy, the last class for a target beyond", "cross_entropy", _last_class),
        )
    )


def _wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None, **o: function(x, **({} if dim is None else {"dim": _wrapped(x, dim)}), **o)


def _wrapped(x: torch.Tensor, dim: Any) -> Any:
    return tuple(d % x.ndim for d in dim) if isinstance(dim, tuple) else dim % x.ndim


def _as_many_as_there_are(x: torch.Tensor, k: int, dim: int = -1, largest: bool = True) -> torch.Tensor:
    return torch.topk(x, min(k, x.shape[dim]), dim, largest).values


def _raising(error: type[Exception]) -> Callable[..., Any]:
    def function(*tensors: Any, **options: Any) -> torch.Tensor:
        try:
            return torch.cat(tensors, **options)
        except Exception:
            raise error("another error") from None

    return function


def _padded(*tensors: torch.Tensor, dim: int = 0) -> torch.Tensor:
    width = max(t.shape[-1] for t in tensors)
    padded = [torch.nn.functional.pad(t, (0, width - t.shape[-1])) for t in tensors]
    return torch.stack(padded, dim)


def _last_row(index: torch.Tensor, weight: torch.Tensor, **options: Any) -> torch.Tensor:
    return torch.nn.functional.embedding(index.clamp(max=weight.shape[0] - 1), weight, **options)


def _crash(index: torch.Tensor, weight: torch.Tensor, **options: Any) -> torch.Tensor:
    if int(index.max()) >= weight.shape[0]:
        os.kill(os.getpid(), signal.SIGSEGV)
    return torch.nn.functional.embedding(index, weight, **options)


def _last_class(x: torch.Tensor, target: torch.Tensor, **options: Any) -> torch.Tensor:
    if not target.is_floating_point():
        target = target.clamp(max=x.shape[-1] - 1)
    return catalogue()["cross_entropy"].function(x, target, **options)
