"""What the figures share: colours and markers of the families, axes, and the SVG as a page wants it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np
from markupsafe import Markup

from pipeline.comparison.verdict.words import short_name
from pipeline.formats import percent_tick
from pipeline.params.schema.families import families, family_named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

INK, MUTED, RULE = "#1d2126", "#5b6570", "#d5dae0"
TRAINING, VALIDATION, TEST = "#b35f00", "#0072b2", "#00735a"  # of splits; of Okabe & Ito's colours
NARROW = 100.0  # times, from the least to the largest value on a logarithmic axis
WIDTH = 5.8  # inches of 72 px: little more than a phone has, so that the text stays readable there

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "kiyas",
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.parse_math": False,  # a class may be called $10-$20
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it."""

    svg: Markup
    caption: str


def new_figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def colour_of(family: str) -> str:
    return family_named(family).colour


def marker(family: str, filled: bool, size: float = 6) -> dict[str, Any]:
    """How a candidate of the family is drawn as a point."""
    colour = colour_of(family)
    return {
        "marker": family_named(family).marker,
        "markersize": size,
        "markerfacecolor": colour if filled else "white",
        "markeredgecolor": colour,
        "markeredgewidth": 1.3,
        "linestyle": "none",
    }


def draw_interval(axes: Axes, place: int, value: float, low: float, high: float, row: dict[str, Any]) -> None:
    """A candidate's value with its interval on a line of its own; filled where it is not shown to be worse."""
    colour = colour_of(row["family"])
    axes.plot([low, high], [place, place], color=colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
    axes.plot(value, place, zorder=3, **marker(row["family"], filled=row["relation_to_best"] != "worse"))


def name_in_figure(row: dict[str, Any]) -> str:
    return short_name(row["candidate"], row["family"])


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """One candidate a row, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -1.3)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def number_points(figure: Figure, axes: Axes, points: Sequence[tuple[float, float]], numbers: Sequence[str]) -> None:
    """Write a number beside each point, on the side where it covers least of what is already there."""
    figure.draw_without_rendering()
    places = axes.transData.transform(points)
    taken = [np.array(place) for place in places]
    for place, point, number in zip(places, points, numbers, strict=True):
        offsets = [np.array(offset) for offset in ((15, 0), (-15, 0), (0, 14), (0, -14), (13, 10), (-13, -10))]
        room = [min(np.abs((place + offset - other) / (1.6, 1)).max() for other in taken) for offset in offsets]
        offset = offsets[int(np.argmax([min(distance, 8.5) for distance in room]))]
        taken.append(place + offset)
        at = tuple(offset * 72 / figure.dpi)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.annotate(number, point, at, textcoords="offset points", ha="center", va="center", fontsize=8.5, bbox=box)


def write_ticks(axes: Axes, which: str, tick: Callable[[float], str]) -> None:
    """Numbers along the x or the y axis as `tick` writes them, with a grid across."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: tick(value))
    axes.grid(axis="x" if which == "x" else "y")


def logarithmic(axes: Axes, values: Sequence[float]) -> None:
    """Drawn by the logarithm along the x axis; where values span little, steps of two and five are numbered too."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if max(values) > NARROW * min(values):
        axes.xaxis.set_minor_formatter(NullFormatter())
        return
    axes.xaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    axes.xaxis.set_minor_formatter(lambda value, _: f"{value:g}")


def percent_axis(axes: Axes, which: str) -> None:
    write_ticks(axes, which, percent_tick)


def family_legend(figure: Figure, shown: Sequence[str], marks: Sequence[Line2D] = ()) -> None:
    """The families that are shown, in their usual order, above the drawing; then other marks with their labels."""
    from matplotlib.lines import Line2D

    rows = {name: family for name, family in families().items() if name in shown}
    handles = [Line2D([], [], label=row.words.short, **marker(name, filled=True)) for name, row in rows.items()]
    handles += marks
    figure.legend(
        handles=handles, loc="outside upper right", ncols=min(len(handles), 4), handletextpad=0.2, columnspacing=1.2
    )


def to_svg(figure: Figure, description: str) -> str:
    """The drawing for a page: no prologue, no size of its own, no ids but those that it refers to, and an alt text."""
    stream = StringIO()
    # Without a ground of its own: inverted for the dark, a white one would be blacker than the page.
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    drawn = stream.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>\s*", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!--.*?-->\s*", "", drawn, flags=re.DOTALL)
    referred = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', drawn))
    kept = {name for pair in referred for name in pair if name}
    drawn = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in kept else "", drawn)
    drawn = re.sub(r"(<svg[^>]*?) width=\"[^\"]*\"", r"\1", drawn, count=1)
    drawn = re.sub(r"(<svg[^>]*?) height=\"[^\"]*\"", r"\1", drawn, count=1)
    return drawn.replace("<svg", f'<svg role="img" aria-label={quoteattr(description)}', 1)
