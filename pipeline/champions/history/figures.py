"""The two drawings of the page of history: scores over time, and what looks at the test examples have spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipeline.champions.history.facts import History, Look
from pipeline.comparison.report.drawing import INK, MUTED, RULE, STYLE, TEST, VALIDATION, Picture, new_figure, to_svg
from pipeline.scores.score_for_task import words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 6.0  # of markers


def draw_scores(history: History) -> Picture | None:
    """Every version with its interval when it was registered, and both models of every look; None without any."""
    score = history.score
    versions = [one for one in history.versions if one.score == score]
    looks = [look for look in history.looks if look.score == score]
    if score is None or not versions:
        return None
    import matplotlib as mpl

    words = words_of(score)
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(3.4)
        _draw_looks(axes, looks)
        for one in versions:
            moment: Any = one.moment
            axes.plot([moment, moment], [one.low, one.high], color=TEST, linewidth=1.6, zorder=2)
            if one.value is not None:
                face = TEST if one.reigned else "white"
                axes.plot(moment, one.value, **_marker("o", TEST, face), zorder=3)
            place = one.high if one.value is None else one.value
            axes.annotate(str(one.version), (moment, place), (7, 0), textcoords="offset points", va="center")
        axes.yaxis.set_major_formatter(lambda value, _: words.tick(value))
        axes.set_ylabel(words.name)
        axes.grid(axis="y")
        _write_dates(axes, [*(one.moment for one in versions), *(look.moment for look in looks)])
        svg = to_svg(figure, f"{words.name} of {len(versions)} registered versions over time")
    caption = (
        f"{words.name[0].upper()}{words.name[1:]} of each registered version with its interval, when it was "
        "registered; filled: it was champion. Small: the champion (dots, joined) and its challenger (diamonds) at "
        "every look, on the test examples of that day, so values of different days are of different examples."
    )
    return Picture(Markup(svg), caption)


def _draw_looks(axes: Axes, looks: Sequence[Look]) -> None:
    for version in dict.fromkeys(look.champion_version for look in looks):
        own = [look for look in looks if look.champion_version == version]
        moments: list[Any] = [look.moment for look in own]
        axes.plot(moments, [look.champion for look in own], color=MUTED, linewidth=1, marker=".", markersize=SIZE)
        axes.plot(moments, [look.challenger for look in own], **_marker("D", VALIDATION, "white", SIZE * 0.7))


def draw_spending(history: History) -> Picture | None:
    """What the looks of a year have spent of what they may; None where nothing was looked at."""
    if not history.looks:
        return None
    import matplotlib as mpl

    moments: list[Any] = [look.moment for look in history.looks]
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(2.2)
        axes.axhline(history.looks[-1].allowed, color=RULE, linewidth=1.4)
        axes.plot(moments, [look.spent for look in history.looks], color=INK, marker="o", markersize=4, linewidth=1.2)
        axes.set_ylim(0, max(look.allowed for look in history.looks) * 1.15)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylabel("spent within a year")
        axes.grid(axis="y")
        _write_dates(axes, [look.moment for look in history.looks])
        svg = to_svg(figure, f"{history.looks[-1].spent:.3f} of {history.looks[-1].allowed:g} spent")
    return Picture(Markup(svg), "What looks at the test examples have spent in the year before each; the line is all.")


def _marker(shape: str, colour: str, face: str, size: float = SIZE) -> dict[str, Any]:
    return {
        "marker": shape,
        "markersize": size,
        "markerfacecolor": face,
        "markeredgecolor": colour,
        "markeredgewidth": 1.3,
        "linestyle": "none",
    }


def _write_dates(axes: Axes, moments: Sequence[datetime]) -> None:
    """Few ticks with dates; all of one moment have room beside them."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    places: list[float] = [float(date2num(moment)) for moment in moments]
    room = max((max(places) - min(places)) * 0.06, 0.01)
    axes.set_xlim(min(places) - room, max(places) + room)
    locator = AutoDateLocator(minticks=2, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
