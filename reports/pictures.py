"""Pictures: a picture's data drawn as one SVG, the same bytes for the same data.

Text stays text, so that a reader can search it and a screen reader speak it; the widths are those of
DejaVu Sans and Verdana, the widest common fonts, so that what another font draws fits too.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Sequence
from itertools import cycle
from typing import Any
from xml.sax.saxutils import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from verify.picture import Field, Picture, Series

# Okabe & Ito 2008, told apart in every common kind of colour blindness; in place of their yellow, which is
# too light for paper, the wine of Tol 2021.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333", "#882255")
# A dash and a marker each, so that no series is told by its colour alone.
DASHES = ("-", (0, (6, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)), (0, (3, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P")
# The paper is drawn, since the page behind may be dark.
PAPER, INK, SOFT, GRID = "#ffffff", "#1c1d1f", "#575c63", "#e4e2dc"
LOW, HIGH = "#f4f7fa", "#c3cfdb"
# Inches of paper around everything: the page behind may be of another colour.
PAD = 0.1
# More points than these cannot be told apart, and make the file long.
MOST_POINTS = 400
# Up to so many, points may be large.
FEW = 25
# How many letters fit beside one another in a title and in a legend; a legend's handle takes as much.
LETTERS_A_LINE, LETTERS_OF_LEGEND, LETTERS_OF_HANDLE = 64, 88, 7
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 10,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
}


def svg(picture: Picture) -> str:
    """The picture as an `<svg>` element, to stand in a page or in a file of its own."""
    # The salt names what is referred to inside: two pictures in one page must not share a name.
    with mpl.rc_context():
        # Whatever style the user has set would draw the same data otherwise.
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": picture.title})
        figure = _drawn(picture)
        stream = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", facecolor=PAPER, metadata=nothing)
    text = stream.getvalue()
    return _short(text[text.index("<svg") :], picture.title)


def _drawn(picture: Picture) -> Figure:
    layout = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
    figure = Figure(figsize=(6.4, 5.6 if picture.equal else 4.2), layout=layout)
    axes = figure.add_subplot()
    _scale(axes, picture)
    if picture.field is not None:
        _contours(axes, picture.field)
    else:
        axes.grid(color=GRID, linewidth=0.7)
    _series(axes, picture.series)
    for note in picture.notes:
        axes.annotate(
            note.text,
            (note.x, note.y),
            (4, 4),
            textcoords="offset points",
            fontsize=9,
            bbox={"facecolor": PAPER, "alpha": 0.75, "edgecolor": "none", "pad": 1},
        )
    axes.set_xlabel(picture.x_label)
    axes.set_ylabel(picture.y_label)
    title = textwrap.fill(picture.title, LETTERS_A_LINE)
    figure.suptitle(title, x=0.02, horizontalalignment="left", fontsize=11.5, fontweight="bold")
    labels = [series.label for series in picture.series]
    columns = min(len(labels), LETTERS_OF_LEGEND // (max(map(len, labels), default=0) + LETTERS_OF_HANDLE))
    if labels:
        figure.legend(
            loc="outside lower center", ncols=max(1, columns), frameon=False, fontsize=9, borderaxespad=0.2
        )
    return figure


def _scale(axes: Axes, picture: Picture) -> None:
    for axis, logarithmic in ((axes.xaxis, picture.x_log), (axes.yaxis, picture.y_log)):
        if logarithmic:
            (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
            axis.set_major_locator(LogLocator(numticks=8))
            axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
            axis.set_minor_formatter(NullFormatter())
        else:
            axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    if picture.x_ticks:
        width = LETTERS_A_LINE // len(picture.x_ticks)
        axes.set_xticks(range(len(picture.x_ticks)), [textwrap.fill(t, width) for t in picture.x_ticks])
    if picture.equal:
        axes.set_aspect("equal")


def _power(value: float) -> str:
    exponent = round(math.log10(value))
    return {0: "1", 1: "10"}.get(exponent, "10" + str(exponent).translate(_SUPERSCRIPTS))


def _contours(axes: Axes, field: Field) -> None:
    """Bands between the levels, darker the higher, with a thin line at each level."""
    levels = sorted(field.levels)
    heights = [height for row in field.heights for height in row if math.isfinite(height)]
    edges = sorted({min([*heights, levels[0]]), *levels, max([*heights, levels[-1]])})
    bands = mpl.colors.LinearSegmentedColormap.from_list("bands", [LOW, HIGH], len(edges) - 1)
    axes.contourf(
        field.x,
        field.y,
        field.heights,
        edges,
        cmap=bands,
        norm=mpl.colors.BoundaryNorm(edges, len(edges) - 1),
    )
    axes.contour(
        field.x, field.y, field.heights, levels, colors="#8d99a6", linewidths=0.6, linestyles="solid"
    )


def _series(axes: Axes, series: Sequence[Series]) -> None:
    colours, dashes, markers = cycle(COLOURS), cycle(DASHES), cycle(MARKERS)
    bars = [each for each in series if each.kind == "bars"]
    points = [each for each in series if each.kind == "points"]
    for each in series:
        if each.kind == "bars":
            width = 0.8 / len(bars)
            shift = (bars.index(each) + 0.5) * width - 0.4
            places = [x + shift for x in each.x]
            axes.bar(places, each.y, 0.92 * width, color=next(colours), label=each.label)
        elif each.kind == "points":
            later = points[points.index(each) + 1 :]
            _points(axes, each, later, color=next(colours), marker=next(markers))
        else:
            axes.plot(
                each.x,
                each.y,
                drawstyle="steps-post" if each.kind == "steps" else "default",
                linestyle=next(dashes),
                linewidth=1.8,
                color=next(colours),
                label=each.label,
            )


def _points(axes: Axes, series: Series, later: Sequence[Series], **look: Any) -> None:
    places = list(zip(series.x, series.y, strict=True))
    # What a later series will cover is larger, so that it shows around it.
    covered = any(set(places) & set(zip(each.x, each.y, strict=True)) for each in later)
    size = 3.5 if len(places) > FEW else 8.5 if covered else 5.5
    every = max(1, math.ceil(len(places) / MOST_POINTS))
    axes.plot(
        series.x[::every],
        series.y[::every],
        linestyle="none",
        markersize=size,
        markeredgewidth=0,
        label=series.label,
        zorder=3,
        **look,
    )


def _short(text: str, title: str) -> str:
    """Fit to stand in a page beside others: no style, name or name space that reaches beyond it; and short.

    Matplotlib names every group, sets a style for all there is, and writes places to a millionth of a point.
    """
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r' transform="rotate\(-0 [^"]*"', "", text)
    text = re.sub(r' (d|x|y)="[^"]*"', lambda found: _places(found[0]), text)
    text = re.sub(r"<g([^>]*)>\s*((?:<use [^>]*/>\s*)+)</g>", _styled_once, text)
    head = '<svg role="img" style="stroke-linejoin: round; stroke-linecap: butt" '
    text = text.replace("<svg ", head, 1).replace(">", f"><title>{escape(title)}</title>", 1)
    return re.sub(r">\s+<", "><", text)


def _places(attribute: str) -> str:
    """A hundredth of a point, and no space that says nothing."""
    attribute = re.sub(r"(\.\d\d)\d+", r"\1", attribute)
    return re.sub(r"\s*([MLCQz])\s*", r"\1", attribute) if attribute.startswith(" d=") else attribute


def _styled_once(group: re.Match[str]) -> str:
    """Markers of one style take it from their group."""
    styles = set(re.findall(r' style="[^"]*"', group[2]))
    if len(styles) != 1:
        return group[0]
    (style,) = styles
    return f"<g{group[1]}{style}>{group[2].replace(style, '')}</g>"
