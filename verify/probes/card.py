"""Card: what one device computes sums and matrix products with, as data. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from verify.outcome import plain
from verify.probes.fact import Fact
from verify.probes.grade import Grade
from verify.probes.order import Order


@dataclass(frozen=True)
class Products:
    """The facts of matrix products of one dtype in one mode, and the grades of a few shapes and layouts.

    Units: `operands` are the bits that are left of the shorter operand, `promised` those of the mode.
    """

    dtype: str
    mode: str
    operands: int
    promised: int
    facts: tuple[Fact, ...]
    grades: tuple[Grade, ...]


@dataclass(frozen=True)
class NumericsCard:
    """What one device computes with. `millions` is the relative error of the sum of 2²⁴ float32 tenths."""

    device: str
    description: str
    products: tuple[Products, ...]
    orders: tuple[Order, ...]
    millions: float

    @property
    def short(self) -> tuple[Products, ...]:
        """The modes that leave fewer bits of an operand than they promise."""
        return tuple(products for products in self.products if products.operands < products.promised)

    @property
    def unexplained(self) -> tuple[tuple[Products, Grade], ...]:
        """The products whose error is more than their mode, their order and random roundings explain."""
        return tuple((p, g) for p in self.products for g in p.grades if not g.within)


def to_json(measured: NumericsCard) -> dict[str, Any]:
    """A card in JSON types; non-finite floats become the strings `inf`, `-inf` and `nan`."""
    record = asdict(measured)
    for products, written in zip(measured.products, record["products"], strict=True):
        for graded, entry in zip(products.grades, written["grades"], strict=True):
            entry["within"] = graded.within
    for found, entry in zip(measured.orders, record["orders"], strict=True):
        entry["depth"] = found.tree.depth if found.tree else None
    written_out: dict[str, Any] = plain(record)
    return written_out
