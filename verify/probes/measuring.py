"""Measuring: the card of a device, from probes of every dtype in every mode of precision."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction

import numpy as np
import torch

from verify import devices
from verify.formulas.arithmetic import DTYPES
from verify.probes.card import NumericsCard, Products
from verify.probes.fact import Fact
from verify.probes.grade import Shape
from verify.probes.grading import grade
from verify.probes.multiplication import Array, Multiplication
from verify.probes.order import Order
from verify.probes.ordering import order
from verify.probes.precision import Mode, modes, threads
from verify.probes.product import facts
from verify.probes.rounding import kept_bits

# One that fills vectors, a row by a column, a few rows, and one that no block size divides.
SHAPES: tuple[Shape, ...] = ((64, 64, 64), (1, 257, 1), (4, 1000, 4), (129, 257, 65))
LAYOUTS = ("contiguous", "transposed", "strided")
LENGTHS = (16, 64, 257)
# Added one after the other in float32, tenths stop to count after a few million.
MILLIONS = 2**24
# Large enough that every product that is split among threads is.
THREADED = 256
# A few threads show whether a product is split; more of them only wait for each other.
MOST_THREADS = 8

Progress = Callable[[str], None]


def steps(device: str) -> int:
    """How many times `card` tells its progress."""
    return sum(1 + len(modes(device, dtype)) for dtype in _dtypes(device))


def card(device: str, progress: Progress = lambda what: None) -> NumericsCard:
    """Probe a device. Whatever mode and number of threads were set are set again afterwards."""
    products: list[Products] = []
    orders: list[Order] = []
    for dtype in _dtypes(device):
        for mode in modes(device, dtype):
            progress(f"{dtype} {mode.name}")
            products.append(_products(device, dtype, mode))
        progress(f"{dtype} orders")
        with threads(1):
            orders += _orders(device, dtype)
    return NumericsCard(device, devices.describe(device), tuple(products), tuple(orders), _millions(device))


def _dtypes(device: str) -> tuple[str, ...]:
    return tuple(dtype for dtype in DTYPES if devices.unsupported(device, dtype) is None)


def _products(device: str, dtype: str, mode: Mode) -> Products:
    m = Multiplication(torch.mm, dtype, device)
    with ExitStack() as stack:
        stack.enter_context(mode.entered())
        stack.enter_context(threads(1))
        found, operands = facts(m), min(kept_bits(m, side) for side in ("left", "right"))
        graded = [grade(m, shape, layout, mode.operands) for shape in SHAPES for layout in LAYOUTS]
        if device == "cpu" and _most_threads() > 1:
            found += (_threads(Multiplication(torch.mm, dtype, device, THREADED)),)
            with threads(_most_threads()):
                graded += [grade(m, shape, "contiguous", mode.operands) for shape in SHAPES]
    promised = m.precision if mode.operands is None else min(mode.operands, m.precision)
    return Products(dtype, mode.name, operands, promised, found, tuple(graded))


def _most_threads() -> int:
    return min(os.cpu_count() or 1, MOST_THREADS)


def _threads(m: Multiplication) -> Fact:
    """Whether a product has the same bits on one thread and on all."""
    a, b, most = m.random(m.size, m.size, 9), m.random(m.size, m.size, 10), _most_threads()
    one = m(a, b)
    with threads(most):
        all_of_them = m(a, b)
    same = np.array_equal(one, all_of_them)
    value = "same bits" if same else "other bits"
    return Fact("number of threads", value, f"1 and {most} threads, {m.size}³", regular=same)


def _orders(device: str, dtype: str) -> Iterator[Order]:
    kind = getattr(torch, dtype)

    def terms_of(values: Array) -> torch.Tensor:
        return torch.from_numpy(values).to(kind).to(device)

    for terms in LENGTHS:
        yield order("sum", lambda values: float(terms_of(values).sum()), dtype, terms)
        ones = torch.ones(terms, 4, dtype=kind, device=device)

        def of_row(values: Array, ones: torch.Tensor = ones) -> float:
            return float(torch.mm(terms_of(values).expand(4, -1), ones)[0, 0])

        yield order("a row of a product", of_row, dtype, terms)


def _millions(device: str) -> float:
    tenth = float(np.float32(0.1))
    found = float(torch.full((MILLIONS,), tenth, dtype=torch.float32, device=device).sum())
    if not math.isfinite(found):
        return math.inf
    return float(abs(Fraction(found) / (MILLIONS * Fraction(tenth)) - 1))
