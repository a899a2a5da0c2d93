"""What a better score costs: score against training and against answers, with the advice marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipeline.comparison.report.drawing import (
    INK,
    MUTED,
    STYLE,
    WIDTH,
    Picture,
    family_legend,
    logarithmic,
    marker,
    number_points,
    to_svg,
    write_ticks,
)
from pipeline.comparison.report.material import Material
from pipeline.comparison.report.section import Section
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import tolerable_regret
from pipeline.comparison.verdict.words import capitalised

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT = "Filled and joined by the dashed line: no other candidate is both cheaper and better (Pareto front)."
CAPTION = (
    f"Numbers are ranks; the circle is the advice, the square what to take where it must be cheaper or faster. {FRONT}"
)
ROLES = {"recommended": ("advised", "o"), "alternative": ("cheaper or faster", "s")}
RULES = {
    "accuracy": "the candidate that costs least on average, whatever it takes to train or answer",
    "balanced": "the one of least work, in training and answers alike, of those that cost {most} on average",
    "cheap_training": "the one of least work in training, of those that cost {most} on average",
    "fast_answers": "the one of least work in answers, of those that cost {most} on average",
}


@dataclass(frozen=True)
class Side:
    """A cost that candidates are drawn by.

    Attributes:
        axis: what the axis says.
        costs: of each candidate.
        front: candidates than which none is both at least as good and at least as cheap.
    """

    axis: str
    costs: Mapping[str, float]
    front: Sequence[str]


def section(material: Material) -> Section:
    facts, verdict = material.facts, material.verdict
    shown = bool(facts.comparison.floor.beaten_by)
    roles = advised(verdict) if shown else {}
    caption = CAPTION if shown else f"Numbers are ranks. {FRONT}"
    picture = Picture(Markup(tradeoff_plot(material.attempts, sides(material), roles, facts)), caption)
    chosen = dict.fromkeys([*roles.values(), verdict["winner"]])
    data = {
        "picture": picture,
        "chosen": [facts.rows[name] for name in chosen],
        "names": {name: role_name(name, roles, verdict["winner"]) for name in chosen},
        "latency": latencies(material),
        "rule": describe_rule(facts) if shown else "",
    }
    return Section("tradeoff", "Score against cost", "answer", data)


def describe_rule(facts: Facts) -> str:
    """What the advice goes by; where no candidate is within the tolerance, what is tolerated in its place, and why."""
    most = tolerable_regret(facts)
    rule = RULES[facts.prefer].format(most=f"at most {facts.words.difference(most)}")
    if facts.prefer == "accuracy" or most <= facts.tolerance:
        return rule
    tolerance = facts.words.difference(facts.tolerance)
    return f"{rule}; the least that any costs takes up the tolerance of {tolerance}, so little is allowed beyond it"


def advised(verdict: Mapping[str, Any]) -> dict[str, str]:
    """The candidate of each of ROLES, where there is one."""
    names = {"recommended": verdict["recommended"], "alternative": (verdict["alternative"] or {}).get("candidate")}
    return {role: str(name) for role, name in names.items() if name is not None}


def role_name(candidate: str, roles: Mapping[str, str], winner: str) -> str:
    """What the candidate is here: advised, cheaper or faster, or best on these test examples."""
    names = [ROLES[role][0] for role, name in roles.items() if name == candidate]
    return ", ".join([*names, *(["best on these test examples"] if candidate == winner else [])])


def latencies(material: Material) -> dict[str, float]:
    """Milliseconds of an answer, median, of each candidate."""
    return {one.name: float(one.latency["latency_ms_per_image"]["median"]) for one in material.competing}


def sides(material: Material) -> list[Side]:
    """Training and answers."""
    training = {row["candidate"]: float(row["cost_seconds"]) for row in material.attempts}
    axes = {"seconds to train one seed": training, "milliseconds an answer": latencies(material)}
    return [Side(axis, costs, pareto_front(material.attempts, costs, material.facts)) for axis, costs in axes.items()]


def pareto_front(rows: Sequence[Row], costs: Mapping[str, float], facts: Facts) -> list[str]:
    """Candidates than which none is both at least as good and at least as cheap, and better in one of the two."""
    places = {row["candidate"]: (costs[row["candidate"]], -facts.score.sign * row[facts.column]) for row in rows}
    return [
        name
        for name, (cost, worse) in places.items()
        if not any(other[0] <= cost and other[1] <= worse and other != (cost, worse) for other in places.values())
    ]


def tradeoff_plot(rows: Sequence[Row], drawn: Sequence[Side], roles: Mapping[str, str], facts: Facts) -> str:
    """The score against each cost, one drawing below the other; the Pareto front is drawn as a line.

    Args:
        roles: the candidate of each of ROLES that is marked.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.1 * len(drawn)), layout="constrained")
        for axes, side in zip(figure.subplots(len(drawn), 1, squeeze=False)[:, 0], drawn, strict=True):
            _draw_side(axes, rows, side, facts)
            for role, name in roles.items():
                if name in side.costs:
                    axes.plot(side.costs[name], facts.rows[name][facts.column], zorder=4, **_ring(role))
        marks = [Line2D([], [], label=ROLES[role][0], **_ring(role, 9)) for role in roles]
        family_legend(figure, [row["family"] for row in rows], marks)
        for axes, side in zip(figure.axes, drawn, strict=True):
            _number(figure, axes, rows, side, facts)
        return to_svg(figure, _alt_text(drawn, roles, facts))


def _draw_side(axes: Axes, rows: Sequence[Row], side: Side, facts: Facts) -> None:
    steps = sorted((side.costs[name], float(facts.rows[name][facts.column])) for name in side.front)
    axes.step(*zip(*steps, strict=True), where="post", color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    for row in rows:
        look = marker(row["family"], filled=row["candidate"] in side.front, size=7)
        axes.plot(side.costs[row["candidate"]], row[facts.column], zorder=3, **look)
    logarithmic(axes, [side.costs[row["candidate"]] for row in rows])
    axes.set_xlabel(f"{side.axis}, drawn by their logarithm")
    axes.set_ylabel(facts.words.name)
    write_ticks(axes, "y", facts.words.tick)


def _ring(role: str, size: float = 15) -> dict[str, Any]:
    """How a candidate of this role is marked."""
    look = {"markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.3, "linestyle": "none"}
    return look | {"marker": ROLES[role][1], "markersize": size}


def _number(figure: Figure, axes: Axes, rows: Sequence[Row], side: Side, facts: Facts) -> None:
    places = [(side.costs[row["candidate"]], float(row[facts.column])) for row in rows]
    number_points(figure, axes, places, [str(row["rank"]) for row in rows])


def _alt_text(drawn: Sequence[Side], roles: Mapping[str, str], facts: Facts) -> str:
    costs = " and ".join(side.axis for side in drawn)
    marked = " ".join(f"{capitalised(ROLES[role][0])}: {name}." for role, name in roles.items())
    fronts = " ".join(f"Pareto front by {side.axis}: {', '.join(side.front)}." for side in drawn)
    return f"{capitalised(facts.words.name)} against {costs}. {marked} {fronts}"
