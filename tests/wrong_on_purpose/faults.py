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


def _transposed_operand(g: torch.Tensor, y: torch.Tensor, x: Any, right: Any, options: Any) -> Any:
    """G B instead of G Bᵀ, where the shapes let it pass; else entries in the wrong order."""
    return (g @ x[1], right[1]) if x[1].shape[0] == x[1].shape[1] else _swap(right)


def _from_the_beginning(function: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that overlooks where in its memory a tensor begins."""
    return lambda x: function(x.as_strided(x.shape, x.stride(), 0))


def _corrected_by_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, correction=1, **o: function(x, correction=int(bool(correction)), **o)


def _smoothed_where_ignored(x: torch.Tensor, t: torch.Tensor, **options: Any) -> torch.Tensor:
    if "label_smoothing" in options and "ignore_index" in options:
        options["label_smoothing"] *= 2
    return catalogue()["cross_entropy"].function(x, t, **options)


def _masked_from_the_end(q: Any, k: Any, v: Any, *masks: Any, **options: Any) -> torch.Tensor:
    if options.pop("is_causal", False):
        rows, columns = q.shape[-2], k.shape[-2]
        allowed = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
        masks = (torch.zeros(rows, columns, dtype=q.dtype).masked_fill(~allowed, -torch.inf),)
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, *masks, **options)


def _exchanged(name: str, option: str) -> Callable[..., Any]:
    """An option of two dimensions with the first taken for the second."""
    function = catalogue()[name].function

    def wrong(*inputs: torch.Tensor, **options: Any) -> torch.Tensor:
        right = function(*inputs, **options)
        if not isinstance(options.get(option), tuple):
            return right
        other = function(*inputs, **{**options, option: options[option][::-1]})
        return other if other.shape == right.shape else right.flip(-1)

    return wrong


def _last_instead_of_middle(x: torch.Tensor, dim: int) -> torch.Tensor:
    return torch.softmax(x, -1 if x.ndim == 3 else dim)


def _first_of_tied_columns(g: Any, y: torch.Tensor, x: Any, right: Any, options: Any) -> torch.Tensor:
    if options.get("ord") != 1 or x[0].ndim > 2:
        return right
    sums = x[0].abs().sum(0)
    return g * x[0].sign() * (torch.arange(len(sums)) == sums.argmax())


# What is changed in the first input's gradient, or in all, as a function of (g, y, inputs, right, options).
_BACKWARD: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("softmax", "−yΣ(yg) dropped", _first(lambda g, y, x, r, o: y * g)),
    (
        "softmax",
        "the sum over the other dimension",
        _first(lambda g, y, x, r, o: y * (g - (g * y).sum(0, keepdim=True))),
    ),
    ("log_softmax", "exp(y)Σg dropped", _first(lambda g, y, x, r, o: g.clone())),
    (
        "logsumexp",
        "not normalised",
        _first(lambda g, y, x, r, o: g.unsqueeze(o["dim"]) * (x[0] - x[0].amax()).exp()),
    ),
    ("cross_entropy", "onehot dropped", _first(lambda g, y, x, r, o: torch.softmax(x[0], 1) / x[0].shape[0])),
    ("cross_entropy", "not divided by the rows", _first(lambda g, y, x, r, o: r * x[0].shape[0])),
    ("mm", "transposed operand", _transposed_operand),
    ("matmul", "the broadcast sum is missing", _first(_one_repetition)),
    ("mse_loss", "n forgotten", lambda g, y, x, r, o: (2 * (x[0] - x[1]) * g, 2 * (x[1] - x[0]) * g)),
    ("mse_loss", "only one input's gradient", lambda g, y, x, r, o: (r[0], torch.zeros_like(r[1]))),
    ("sigmoid", "y instead of y(1 − y)", _first(lambda g, y, x, r, o: g * y)),
    ("tanh", "1 − y", _first(lambda g, y, x, r, o: g * (1 - y))),
    (
        "sigmoid",
        "a float32 constant in a float64 formula",
        _first(lambda g, y, x, r, o: r * (torch.tensor(1 / 6).double() * 6)),
    ),
    ("relu", "1 at 0", _first(lambda g, y, x, r, o: g * (x[0] >= 0))),
    ("relu", "leaking", _first(lambda g, y, x, r, o: torch.where(x[0] > 0, g, 0.01 * g))),
    ("vector_norm", "not divided by the norm", _first(lambda g, y, x, r, o: r * y.sum())),
    ("mean", "n off by one", _first(lambda g, y, x, r, o: r * x[0].numel() / (x[0].numel() - 1))),
    ("max", "shared among ties along a dimension", _first(lambda g, y, x, r, o: _shared(g, x[0], r, o))),
    (
        "relu",
        "a backward wrong only for a strided cotangent",
        _first(lambda g, y, x, r, o: r if g.is_contiguous() else 2 * r),
    ),
    (
        "tanh",
        "a backward wrong only for more than a thousand entries",
        _first(lambda g, y, x, r, o: r if r.numel() < 1000 else 1.5 * r),
    ),
    ("sum", "a backward that goes through float32", _first(lambda g, y, x, r, o: r.float().double())),
    (
        "mm",
        "a gradient of nan where an input is 0",
        _first(lambda g, y, x, r, o: torch.where(x[0] == 0, torch.nan, r)),
    ),
    ("elu", "1 at 0, whatever alpha is", _first(lambda g, y, x, r, o: torch.where(x[0] == 0, g, r))),
    (
        "std",
        "nan where all entries are equal",
        _first(lambda g, y, x, r, o: torch.where(x[0] == x[0].amax(), r / (y != 0), r) if y.ndim == 0 else r),
    ),
    ("prod", "the product divided by the entry", _first(lambda g, y, x, r, o: torch.where(x[0] == 0, 0, r))),
    ("matrix_norm", "the first of tied columns alone", _first(_first_of_tied_columns)),
    (
        "sum",
        "a gradient wrong only for a strided input",
        _first(lambda g, y, x, r, o: r if x[0].is_contiguous() else 2 * r),
    ),
)


def _in_backward() -> tuple[Fault, ...]:
    """Faults that a derivation can make: a term dropped, indices swapped, a scale forgotten."""
    return tuple(
        Fault(f"{operation}, {what}", wrong_backward(operation, change), "gradient")
        for operation, what, change in _BACKWARD
    )


# What is put in the place of the function, the check that must fail it, and the dtype in which it must.
_FORWARD: tuple[tuple[str, str, Callable[..., Any], str, str], ...] = (
    ("softmax", "in half precision", _through("softmax", torch.float16), "accuracy", "float32"),
    ("mm", "in bfloat16", _through("mm", torch.bfloat16), "accuracy", "float32"),
    ("sum", "one entry left out", lambda x, **o: torch.sum(x, **o) - x.reshape(-1)[0], "accuracy", "float64"),
    (
        "softmax",
        "shifted by the maximum of all rows",
        lambda x, dim: (x - x.max()).exp() / (x - x.max()).exp().sum(dim, True),
        "stability",
        "float64",
    ),
    (
        "softmax",
        "the other dimension of a square",
        lambda x, dim: torch.softmax(x, dim if len(set(x.shape)) > 1 else 0),
        "accuracy",
        "float64",
    ),
    (
        "sigmoid",
        "lost from 10,000 on",
        lambda x: torch.where(x.abs() > 10000.0, torch.inf, torch.sigmoid(x)),
        "stability",
        "float64",
    ),
    ("mean", "n − 1", lambda x, **o: torch.mean(x, **o) * 1.0000001, "accuracy", "float64"),
    (
        "sigmoid",
        "tanh approximation off by 1e-14",
        lambda x: torch.sigmoid(x) * (1 + 1e-14),
        "accuracy",
        "float64",
    ),
    ("argmax", "the last of ties", _last_argmax, "accuracy", "float64"),
    ("argmax", "argmin instead", lambda x, **o: torch.argmin(x, **o), "accuracy", "float64"),
    ("mse_loss", "with a root", _rooted, "identity", "float64"),
    ("mse_loss", "the norm itself", lambda x, y, **o: torch.linalg.vector_norm(x - y), "identity", "float64"),
    ("softmax", "not normalised", lambda x, dim: torch.softmax(x, dim) * 1.01, "identity", "float64"),
    ("softmax", "shifted by a constant", lambda x, dim: torch.softmax(x * x, dim), "identity", "float64"),
    ("matmul", "not the product of @", lambda a, b: torch.matmul(a, b) * (1 + 1e-15), "identity", "float64"),
    ("relu", "leaking forward", lambda x: torch.where(x > 0, x, 0.01 * x), "identity", "float64"),
    ("max", "of magnitudes", lambda x, **o: _max(x.abs(), **o), "identity", "float64"),
    *(
        (operation, what, function, "accuracy", "float64")
        for operation, what, function in (
            ("tanh", "read from the beginning of its memory", _from_the_beginning(torch.tanh)),
            (
                "exp",
                "a tail of more than a thousand",
                lambda x: torch.exp(x) * (1 + 1e-9 * (x.numel() == 1031)),
            ),
            ("var", "the correction as a truth value", _corrected_by_one(torch.var)),
            ("std", "the correction as a truth value", _corrected_by_one(torch.std)),
            ("cross_entropy", "smoothing doubled where a target is ignored", _smoothed_where_ignored),
            ("scaled_dot_product_attention", "a mask that ends at the last key", _masked_from_the_end),
            ("avg_pool2d", "the strides of both dimensions exchanged", _exchanged("avg_pool2d", "stride")),
            (
                "max_pool2d",
                "the strides of both dimensions exchanged",
                _exchanged("max_pool2d", "stride"),
            ),
            ("conv2d", "the strides of both dimensions exchanged", _exchanged("conv2d", "stride")),
            ("softmax", "the last dimension instead of a middle one", _last_instead_of_middle),
        )
    ),
)


def _in_forward() -> tuple[Fault, ...]:
    """Results that are wrong, or less accurate than rounding explains."""
    return tuple(
        Fault(f"{operation}, {what}", wrong_forward(operation, function), check, dtype)
        for operation, what, function, check, dtype in _FORWARD
    )


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
