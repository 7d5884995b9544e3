"""Numerics: the stored cards of what each device computes with, read strictly and laid out. Pure.

A card that is not as `verify.probes.card` writes it is named and left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.probes.card import NumericsCard, Products
from verify.probes.fact import Fact
from verify.probes.grade import Grade
from verify.probes.order import Order
from verify.probes.tree import Tree
from verify.storage import NUMERICS, NUMERICS_SCHEMA, Unreadable, read_json


@dataclass(frozen=True)
class StoredCards:
    """The cards of one file, with when, with which torch and on which machine they were measured."""

    cards: tuple[NumericsCard, ...] = ()
    measured: str = ""
    torch: str = ""
    machine: str = ""
    complaints: tuple[str, ...] = ()


def read_numerics(results: Path) -> StoredCards:
    """The cards in a results folder; none where there is no file, and a complaint where it is damaged."""
    path = results / NUMERICS
    if not path.exists():
        return StoredCards()
    try:
        return cards_of(read_json(path))
    except Unreadable as error:
        return StoredCards(complaints=(str(error),))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return StoredCards(complaints=(f"{path}: no numerics card: {type(error).__name__} {error}",))


def cards_of(document: Any) -> StoredCards:
    """The cards of a document. Raises: KeyError, TypeError, ValueError, AttributeError for what is none."""
    if document["schema"] != NUMERICS_SCHEMA:
        raise ValueError(f"schema {document['schema']!r}, not {NUMERICS_SCHEMA!r}")
    cards = tuple(_card(record) for record in document["cards"])
    return StoredCards(
        cards, str(document["measured"]), str(document["torch"]), str(document["machine"].get("cpu", ""))
    )


def _card(record: Mapping[str, Any]) -> NumericsCard:
    return NumericsCard(
        device=str(record["device"]),
        description=str(record["description"]),
        products=tuple(_products(each) for each in record["products"]),
        orders=tuple(_order(each) for each in record["orders"]),
        millions=float(record["millions"]),
    )


def _products(record: Mapping[str, Any]) -> Products:
    facts = tuple(
        Fact(str(f["name"]), str(f["value"]), str(f["proof"]), f["regular"] is True) for f in record["facts"]
    )
    return Products(
        dtype=str(record["dtype"]),
        mode=str(record["mode"]),
        operands=int(record["operands"]),
        promised=int(record["promised"]),
        facts=facts,
        grades=tuple(map(_grade, record["grades"])),
    )


def _grade(record: Mapping[str, Any]) -> Grade:
    rows, inner, columns = map(int, record["shape"])
    depth = record["depth"]
    return Grade(
        shape=(rows, inner, columns),
        layout=str(record["layout"]),
        threads=int(record["threads"]),
        depth=None if depth is None else int(depth),
        certain=float(record["certain"]),
        random=float(record["random"]),
        explained=float(record["explained"]),
        entries=int(record["entries"]),
    )


def _order(record: Mapping[str, Any]) -> Order:
    tree = record["tree"]
    if tree is not None:
        tree = Tree(int(tree["terms"]), tuple(tuple(map(int, node)) for node in tree["nodes"]))
    return Order(
        str(record["what"]),
        str(record["dtype"]),
        int(record["terms"]),
        tree,
        str(record["added_in"]),
        str(record["reason"]),
    )


@dataclass(frozen=True)
class Column:
    """Products that have all facts in common: one dtype, in one mode of precision or in several."""

    dtype: str
    modes: tuple[str, ...]
    facts: tuple[Fact, ...]

    @property
    def label(self) -> str:
        """The dtype, and its modes where it has more than one."""
        return f"{self.dtype} ({', '.join(self.modes)})" if self.modes else self.dtype

    def fact(self, name: str) -> Fact | None:
        """The fact of a name."""
        return next((fact for fact in self.facts if fact.name == name), None)


def columns(card: NumericsCard) -> tuple[Column, ...]:
    """The products of a card, those of one dtype together whose facts are the same."""
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[Products]] = {}
    for products in card.products:
        answers = tuple((fact.name, fact.value) for fact in products.facts)
        alike.setdefault((products.dtype, answers), []).append(products)
    several = {p.dtype for p in card.products if sum(q.dtype == p.dtype for q in card.products) > 1}
    return tuple(
        Column(dtype, tuple(p.mode for p in those) if dtype in several else (), those[0].facts)
        for (dtype, _), those in alike.items()
    )


def names(card: NumericsCard) -> tuple[str, ...]:
    """What was asked of products, in order."""
    return tuple(dict.fromkeys(fact.name for products in card.products for fact in products.facts))


def worst(products: Products) -> Grade | None:
    """The grade that comes nearest to what is explained."""
    return max(products.grades, key=lambda grade: grade.explained, default=None)


@dataclass(frozen=True)
class Sums:
    """All lengths of one sum in one dtype."""

    what: str
    dtype: str
    orders: tuple[Order, ...]


def sums(card: NumericsCard) -> tuple[Sums, ...]:
    """The orders of a card by what is added and in which dtype."""
    found: dict[tuple[str, str], list[Order]] = {}
    for order in card.orders:
        found.setdefault((order.what, order.dtype), []).append(order)
    ordered = sorted(found.items(), key=lambda item: item[0][0] != "sum")
    return tuple(Sums(what, dtype, tuple(orders)) for (what, dtype), orders in ordered)


@dataclass(frozen=True)
class Drawing:
    """A tree, and whose it is."""

    tree: Tree
    whose: str


def drawings(card: NumericsCard, most: int) -> tuple[Drawing, ...]:
    """The different trees of the greatest length of at most so many terms, each once."""
    lengths = [order.terms for order in card.orders if order.terms <= most]
    if not lengths:
        return ()
    alike: dict[frozenset[tuple[int, ...]], list[Order]] = {}
    for order in card.orders:
        if order.terms == max(lengths) and order.tree is not None:
            alike.setdefault(_form(order.tree), []).append(order)
    return tuple(
        Drawing(those[0].tree, f"{_whose(those)}, {those[0].terms} terms")
        for those in alike.values()
        if those[0].tree is not None
    )


def _form(tree: Tree) -> frozenset[tuple[int, ...]]:
    return frozenset(tree.leaves(tree.terms + place) for place in range(len(tree.nodes)))


def _whose(orders: Iterable[Order]) -> str:
    dtypes: dict[str, list[str]] = {}
    for order in orders:
        dtypes.setdefault(order.what, []).append(order.dtype)
    return "; ".join(f"{what} in {' and '.join(those)}" for what, those in dtypes.items())
