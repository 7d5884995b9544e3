"""Reproducer: a script that shows a gradient's worst entry again, with torch alone."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from verify.gradients.report import GradientReport

# Where torch's own functions are found, so that a script can name them.
_HOMES = ("torch", "torch.nn.functional", "torch.special", "torch.linalg", "torch.fft")

_SCRIPT = '''"""Shows a gradient again: autograd beside a central difference, along one line."""

import torch

{function}

inputs = [
{inputs}
]


def tensors(x):
    if isinstance(x, torch.Tensor):
        return [x]
    x = list(x.values()) if isinstance(x, dict) else x
    return [t for item in x for t in tensors(item)] if isinstance(x, (list, tuple)) else []


variables = [x for x in tensors(inputs) if x.requires_grad]
torch.manual_seed({seed})
{direction}


def replaced(x, moved):
    if isinstance(x, dict):
        return {{k: replaced(i, moved) for k, i in x.items()}}
    if isinstance(x, (list, tuple)):
        return getattr(type(x), "_make", type(x))([replaced(i, moved) for i in x])
    return next(moved) if any(x is v for v in variables) else x


def outputs(values):
    torch.manual_seed({seed})  # in case the function draws random numbers
    found = function(*replaced(inputs, iter(values)))
    return [y for y in tensors(found) if y.is_floating_point() or y.is_complex()]


def inner(a, b):
    return sum(torch.sum((u.conj() * v).real) for u, v in zip(a, b))


here = outputs(variables)
{cotangent}
gradients = torch.autograd.grad(here, variables, cotangents, allow_unused=True)
gradients = [torch.zeros_like(x) if g is None else g for g, x in zip(gradients, variables)]
print("autograd           ", float(inner(gradients, direction)))
with torch.no_grad():
    for exponent in range(6, 16, 3):
        h = 2.0**-exponent
        sides = [outputs([x + s * h * d for x, d in zip(variables, direction)]) for s in (1, -1)]
        difference = [(a - b) / (2 * h) for a, b in zip(*sides)]
        print(f"difference, 2^-{{exponent:<2}}  ", float(inner(cotangents, difference)))
'''


def script(report: GradientReport) -> str:
    """The script. A function that cannot be named or quoted leaves a line to be filled in."""
    if report.worst is None:
        direction = "direction = [torch.randn_like(x) for x in variables]"
        cotangent = "cotangents = [torch.randn_like(y) for y in here]"
    else:
        place = report.worst
        direction = _one("direction", "variables", place.input, place.input_entry)
        cotangent = _one("cotangents", "here", place.output, place.output_entry)
    return _SCRIPT.format(
        function=_source(report.function),
        inputs=textwrap.indent(",\n".join(_literal(x) for x in report.inputs) + ",", "    "),
        seed=report.seed,
        direction=direction,
        cotangent=cotangent,
    )


def _one(name: str, of: str, position: int, entry: tuple[int | str, ...]) -> str:
    """Lines that make a list of zeros with a single one."""
    index = tuple(e for e in entry if isinstance(e, int))
    one = "1j" if "imag" in entry else "1"
    return f"{name} = [torch.zeros_like(x) for x in {of}]\n{name}[{position}][{index!r}] = {one}"


def _source(function: Callable[..., Any]) -> str:
    """How a script comes by the function: its name in torch or a module, or its text."""
    name = getattr(function, "__name__", "")
    for home in _HOMES:
        namespace: Any = torch
        for part in home.split(".")[1:]:
            namespace = getattr(namespace, part)
        if name and getattr(namespace, name, None) is function:
            return f"function = {home}.{name}"
    qualified, module = getattr(function, "__qualname__", ""), getattr(function, "__module__", None)
    if module not in (None, "__main__") and qualified.isidentifier():
        return f"from {module} import {qualified} as function"
    try:
        text = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        text = ""
    if text.startswith(("def ", "@")) and qualified:
        return f"{text}\n\n\nfunction = {name}"
    quoted = textwrap.indent(text or repr(function), "# ")
    missing = 'raise SystemExit("put the function here")'
    return f"# The function has no name to import; it was\n{quoted}\nfunction = None\n{missing}"


def _literal(x: Any) -> str:
    """An expression that makes the same value, to the last bit."""
    if isinstance(x, dict):
        items = "".join(f"{key!r}: {_literal(item)}, " for key, item in x.items())
        return f"{{{items}}}"
    if isinstance(x, list | tuple):
        items = "".join(f"{_literal(item)}, " for item in x)
        if hasattr(x, "_fields"):
            named = f'__import__("collections").namedtuple({type(x).__name__!r}, {x._fields!r})'
            return f"{named}({items})"
        return f"[{items}]" if isinstance(x, list) else f"({items})"
    if isinstance(x, torch.device | torch.dtype):
        return repr(x) if isinstance(x, torch.dtype) else f"torch.{x!r}"
    if isinstance(x, torch.Tensor):
        values = x.detach().cpu().resolve_conj().resolve_neg()
        dtype = str(values.dtype)
        exact = values.to(torch.complex128 if values.is_complex() else torch.float64)
        numbers = exact.tolist() if not values.is_complex() else torch.view_as_real(exact).tolist()
        if values.is_floating_point():
            made = f"torch.tensor({numbers!r}, dtype=torch.float64).to({dtype})"
        elif values.is_complex():
            made = f"torch.view_as_complex(torch.tensor({numbers!r}, dtype=torch.float64)).to({dtype})"
        else:
            made = f"torch.tensor({values.tolist()!r}, dtype={dtype})"
        if not x.is_contiguous() and 0 not in x.stride():
            made = f"torch.empty_strided({tuple(x.shape)}, {x.stride()}, dtype={dtype}).copy_({made})"
        made = made.replace("inf", "float('inf')").replace("nan", "float('nan')")
        return f"{made}.requires_grad_()" if x.requires_grad else made
    return repr(x)
