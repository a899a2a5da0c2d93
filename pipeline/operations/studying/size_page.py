"""The page of a study of photo sizes: accuracy against size, and against the time that each size costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pandas as pd
from markupsafe import Markup

from pipeline import formats
from pipeline.comparison.report import page
from pipeline.comparison.report.drawing import (
    INK,
    STYLE,
    colour_of,
    family_legend,
    logarithmic,
    marker,
    new_figure,
    percent_axis,
    to_svg,
)
from pipeline.comparison.tables.frames import records
from pipeline.comparison.verdict.words import short_name
from pipeline.operations.studying.photo_sizes import smallest_sufficient

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = 10.5  # points from one name to the next
FOLDERS = (Path(__file__).parent, Path(page.__file__).parent)  # of templates; the second one has the style


def sentences(table: pd.DataFrame) -> list[str]:
    """One for each candidate: up to which size more pixels were worth their time."""
    return [_sentence(rows) for _, rows in table.groupby("candidate", sort=False)]


def render(table: pd.DataFrame, study: str, confidence: float) -> str:
    """
    Args:
        table: as `compare_sizes` gives it.
        study: its name.
        confidence: of the intervals.
    """
    loader = jinja2.FileSystemLoader(FOLDERS)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.globals |= {name: getattr(formats, name) for name in ("percent", "percent_range", "points")}
    environment.globals |= {name: getattr(formats, name) for name in ("points_range", "duration")}
    return environment.get_template("photo_sizes.html.j2").render(
        sentences=sentences(table),
        by_size=Markup(draw(table, "image_size", "pixels a side")),
        by_time=Markup(draw(table, "training_seconds", "seconds of one training alone, by their logarithm")),
        rows=[row | {"short": short_name(row["candidate"], row["family"])} for row in records(table)],
        study=study,
        confidence=formats.level(confidence),
    )


def draw(table: pd.DataFrame, column: str, label: str) -> str:
    """Test accuracy against a column, as SVG: one curve a candidate, each point with its interval and its size."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, axes = new_figure(3.4)
        for _, rows in table.groupby("candidate", sort=False):
            family = str(rows["family"].iloc[0])
            colour, places = colour_of(family), rows[column]
            axes.vlines(places, rows["low"], rows["high"], color=colour, linewidth=1.2, alpha=0.6)
            axes.plot(places, rows["test_accuracy"], color=colour, linewidth=1.2)
            axes.plot(places, rows["test_accuracy"], zorder=3, **marker(family, filled=True))
            if column != "image_size":
                _name_sizes(axes, rows, column)
        if column == "image_size":
            axes.set_xticks(sorted(set(table[column])))
        else:
            logarithmic(axes, list(table[column]))
        axes.set_xlim(right=_room_for_names(axes.get_xlim(), by_factor=column != "image_size"))
        axes.set_xlabel(label)
        axes.set_ylabel("test accuracy")
        percent_axis(axes, "y")
        family_legend(figure, list(table["family"]))
        _name_curves(figure, axes, table, column)
        return to_svg(figure, f"Test accuracy by {label}. {' '.join(sentences(table))}")


def _name_curves(figure: Figure, axes: Axes, table: pd.DataFrame, column: str) -> None:
    """The candidate beside the last point of each curve; where points lie close together, names keep a line apart."""
    ends = [rows.iloc[-1] for _, rows in table.groupby("candidate", sort=False)]
    ends.sort(key=lambda row: float(row["test_accuracy"]))
    figure.draw_without_rendering()
    taken = -LINE
    for row in ends:
        at = (row[column], row["test_accuracy"])
        height = float(axes.transData.transform(at)[1]) * 72 / figure.dpi
        taken = max(height, taken + LINE)
        name, offset = short_name(row["candidate"], row["family"]), (7, taken - height)
        axes.annotate(name, at, offset, textcoords="offset points", va="center", fontsize=8.5, color=INK)


def _name_sizes(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """The pixels of each point, above it."""
    for row in records(rows):
        at = (row[column], row["test_accuracy"])
        axes.annotate(
            str(row["image_size"]), at, (-5, 4), textcoords="offset points", ha="right", fontsize=8, color=INK
        )


def _room_for_names(limits: tuple[float, float], by_factor: bool) -> float:
    low, high = limits
    return high * (high / low) ** 0.4 if by_factor else high + 0.4 * (high - low)


def _sentence(rows: pd.DataFrame) -> str:
    sizes = records(rows)
    best = max(sizes, key=lambda row: row["test_accuracy"])
    enough = next(row for row in sizes if row["image_size"] == smallest_sufficient(rows))
    name = short_name(best["candidate"], best["family"])
    score = f"{formats.percent(best['test_accuracy'])} at {best['image_size']} pixels"
    if enough["image_size"] == best["image_size"]:
        is_smallest = best["image_size"] == rows["image_size"].min()
        return f"{name}: {score}{'' if is_smallest else ', and every smaller size is shown to be worse'}."
    behind = formats.points(enough["behind_best"])
    interval = formats.points_range(enough["behind_low"], enough["behind_high"])
    times = best["training_seconds"] / enough["training_seconds"]
    training = f"takes 1/{times:.1f} of the training time"
    if times < 1.05:
        training = f"took {1 / times:.1f} times as long to train here, which fewer pixels do not explain"
    undecided = f"{enough['image_size']} is not shown to be worse ({behind} behind, {interval})"
    return f"{name}: {score}; {undecided} and {training}."
