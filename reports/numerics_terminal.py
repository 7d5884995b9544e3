"""Numerics on a terminal: a device's card as tables of at most a hundred columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reports import dendrogram
from reports.notation import number
from reports.numerics import Sums, columns, drawings, names, sums, worst
from verify.probes.card import NumericsCard

WIDTH = 100
# More terms than these fit no screen.
DRAWN = 16


def told(card: NumericsCard) -> Group:
    """The whole card: what products compute with, how near they come to their bounds, and how sums add."""
    parts: list[RenderableType] = [
        Text.assemble((f"Numerics card of {card.device}", "bold"), (f"  {card.description}", "dim")),
        Text(""),
        facts(card),
        Text(""),
        *differences(card),
        grades(card),
        Text(""),
        orders(card),
        Text(""),
        *trees(card),
        Text(
            f"2²⁴ tenths in float32 add to within {number(card.millions)} of their exact sum, relative to it."
        ),
    ]
    return Group(*parts)


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", width=WIDTH)
    for head in heads:
        table.add_column(head)
    return table


def facts(card: NumericsCard) -> Table:
    """What was asked of products, by dtype; what a plain loop over K would answer otherwise is marked."""
    found = columns(card)
    table = _table("A matrix product", *(column.label for column in found))
    for name in names(card):
        cells = []
        for column in found:
            fact = column.fact(name)
            cells.append(
                Text("–", "dim") if fact is None else Text(fact.value, "" if fact.regular else "yellow")
            )
        table.add_row(name, *cells)
    return table


def differences(card: NumericsCard) -> list[Text]:
    """The proof of everything that a plain loop would answer otherwise."""
    odd = [
        (fact.name, fact.proof, column.label)
        for column in columns(card)
        for fact in column.facts
        if not fact.regular
    ]
    if not odd:
        return []
    lines = [Text("Other than a loop over K in the documented arithmetic:", "bold")]
    for (name, proof), those in groupby(sorted(odd), key=lambda each: each[:2]):
        lines.append(Text(f"  {', '.join(label for *_, label in those)}: {name}, {proof}"))
    return [*lines, Text("")]


def grades(card: NumericsCard) -> Table:
    """For each dtype and mode the shape that comes nearest to what is explained."""
    table = _table(
        "Largest error", "mode", "of γ|A||B|", "of √k u|A||B|", "of explained", "shape", "layout", "threads"
    )
    for column in (2, 3, 4, 7):
        table.columns[column].justify = "right"
    for products in card.products:
        grade = worst(products)
        if grade is None:
            continue
        rows, inner, wide = grade.shape
        style = "" if grade.within else "bold red"
        most = max(each.certain for each in products.grades)
        table.add_row(
            products.dtype,
            products.mode,
            number(most),
            number(max(each.random for each in products.grades)),
            Text(number(grade.explained), style),
            f"{rows}×{inner}×{wide}",
            grade.layout,
            str(grade.threads),
        )
    return table


def orders(card: NumericsCard) -> Table:
    """The depth of every sum, and the type that reproduces its bits."""
    lengths = sorted({order.terms for order in card.orders})
    table = _table("Additions in a row", "dtype", *(f"of {n}" for n in lengths), "added in")
    for each in sums(card):
        depths = {o.terms: "not told" if o.tree is None else str(o.tree.depth) for o in each.orders}
        table.add_row(each.what, each.dtype, *(depths.get(n, "–") for n in lengths), _added_in(each))
    return table


def _added_in(found: Sums) -> str:
    kinds = dict.fromkeys(order.added_in for order in found.orders if order.tree is not None)
    return " or ".join(kind or "none that reproduces it" for kind in kinds) or "not told"


def trees(card: NumericsCard) -> list[RenderableType]:
    """The different orders of a few terms, two beside each other."""
    drawn = drawings(card, DRAWN)
    parts: list[RenderableType] = []
    for at in range(0, len(drawn), 2):
        beside = Table.grid(padding=(0, 4))
        pair = drawn[at : at + 2]
        for _ in pair:
            beside.add_column(width=(WIDTH - 4) // 2)
        beside.add_row(*(Text(each.whose, "bold") for each in pair))
        beside.add_row(*(Text("\n".join(dendrogram.lines(each.tree)), no_wrap=True) for each in pair))
        parts += [beside, Text("")]
    return parts


def complaints(cards: Sequence[NumericsCard]) -> tuple[str, ...]:
    """A line for every mode that breaks its promise, then one for every product that nothing explains."""
    return (
        *(line for card in cards for line in _short(card)),
        *(line for card in cards for line in _unexplained(card)),
    )


def _short(card: NumericsCard) -> Iterator[str]:
    for products in card.short:
        yield (
            f"fail  {card.device} {products.dtype} {products.mode}: {products.operands} bits are left of an "
            f"operand, and the mode promises {products.promised}"
        )


def _unexplained(card: NumericsCard) -> Iterator[str]:
    for products, grade in card.unexplained:
        rows, inner, wide = grade.shape
        threads = "1 thread" if grade.threads == 1 else f"{grade.threads} threads"
        yield (
            f"fail  {card.device} {products.dtype} {products.mode}, {rows}×{inner}×{wide} {grade.layout} on "
            f"{threads}: the error is {grade.explained:.3g} times what its order, random roundings and the "
            "mode explain"
        )
