"""Dendrogram: a summation tree drawn, as lines of text for a terminal and as SVG for the page. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape

from verify.probes.tree import Tree

# Points of an SVG between two terms and over all levels, of its letters and of the room around it.
APART, HIGH, LETTERS, ROOM = 11.0, 190.0, 7, 16.0
# Characters between two levels.
WIDE = 2


def ordered(tree: Tree) -> tuple[int, ...]:
    """The terms in an order in which no two branches cross."""
    if not tree.nodes:
        return tuple(range(tree.terms))
    found: list[int] = []
    open_members = [tree.terms + len(tree.nodes) - 1]
    while open_members:
        member = open_members.pop()
        if member < tree.terms:
            found.append(member)
        else:
            below = sorted(tree.nodes[member - tree.terms], key=lambda each: tree.leaves(each)[0])
            open_members += reversed(below)
    return tuple(found)


def heights(tree: Tree) -> tuple[int, ...]:
    """How many nodes are on the longest way from a term up to each term (0) and node."""
    found = [0] * tree.terms
    for node in tree.nodes:
        found.append(1 + max(found[member] for member in node))
    return tuple(found)


def lines(tree: Tree) -> tuple[str, ...]:
    """A line a term; where branches meet they are added, and what reaches the right edge is the sum."""
    height, terms = heights(tree), ordered(tree)
    width = len(str(tree.terms - 1))
    grid = [[" "] * (WIDE * (max(height) + 1) + 1) for _ in terms]
    row = {term: place for place, term in enumerate(terms)}
    for number, node in enumerate(tree.nodes, start=tree.terms):
        column = WIDE * height[number]
        for member in node:
            for place in range(WIDE * height[member] + 1, column):
                grid[row[member]][place] = "─"
        rows = sorted(row[member] for member in node)
        for place in range(rows[0], rows[-1]):
            grid[place][column] = "┐" if place == rows[0] else "┤" if place in rows else "│"
        grid[rows[-1]][column] = "┴"
        row[number] = rows[-1]
    last = WIDE * max(height) + 1
    grid[row[tree.terms + len(tree.nodes) - 1]][last : last + 2] = "─Σ"
    return tuple(f"{term:>{width}} {''.join(grid[place])}".rstrip() for place, term in enumerate(terms))


def svg(tree: Tree, title: str) -> str:
    """An `<svg>` element: terms along the bottom, a node as high as it has nodes below it, the sum on top."""
    height, terms = heights(tree), ordered(tree)
    level = HIGH / max(1, max(height))
    across = {term: ROOM + APART * place for place, term in enumerate(terms)}
    paths = []
    for number, node in enumerate(tree.nodes, start=tree.terms):
        at = _up(height[number], level)
        places = sorted(across[member] for member in node)
        across[number] = (places[0] + places[-1]) / 2
        paths.append(f"M{places[0]:.5g} {at:.5g}H{places[-1]:.5g}")
        paths += [f"M{across[m]:.5g} {_up(height[m], level):.5g}V{at:.5g}" for m in node]
    root = tree.terms + len(tree.nodes) - 1
    top = _up(height[root], level)
    paths.append(f"M{across[root]:.5g} {top:.5g}V{top - 8:.5g}")
    wide, high = 2 * ROOM + APART * (tree.terms - 1), HIGH + 2 * ROOM
    labels = "".join(
        f'<text x="{across[term]:.5g}" y="{high - ROOM + 10:.5g}">{term}</text>' for term in terms
    )
    return (
        f'<svg class="tree" role="img" viewBox="0 0 {wide:.5g} {high:.5g}" width="{wide:.5g}">'
        f'<title>{escape(title)}</title><path d="{"".join(paths)}" fill="none" stroke="currentColor"/>'
        f'<g fill="currentColor" font-size="{LETTERS}" text-anchor="middle">{labels}</g></svg>'
    )


def _up(levels: int, level: float) -> float:
    return ROOM + HIGH - levels * level
