"""Would more labels change the answer? Words from the numbers of the data-size study alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.comparison.statistics.sample_size import round_up
from pipeline.comparison.tables.studies.growth import REACH, Growth
from pipeline.formats import count_of, listed
from pipeline.ground.paths import GROWTH

FURTHEST = max(REACH)
LEAST_OF_A_DOUBLING = 0.55  # of all examples: where the smallest size that was measured is more, none was doubled


@dataclass(frozen=True)
class Labels:
    """How many more are worth having: until twice as many again would gain less than the margin.

    Attributes:
        more: as many as likely as fewer.
        low, high: the interval; a law is followed no further than FURTHEST times what there is.
        at_least: whether `more` is that far; `open_end`: whether `high` is.
    """

    more: int
    low: int
    high: int
    at_least: bool
    open_end: bool

    @property
    def shown(self) -> bool:
        """Whether any are shown to be worth having."""
        return self.low > 0


def describe_growth(growth: Growth, labels_now: int, margin: float) -> dict[str, Any] | None:
    """verdict.json's `more_data`; None where there was no study.

    Args:
        labels_now: the labelled examples that there are to learn from, validation included.
    """
    if growth.leader is None:
        return None
    worth = labels_worth(growth, growth.leader, labels_now)
    changes, ahead = ranking_changes(growth, growth.leader)
    leader = growth.leader
    told = [
        _trend(growth, leader),
        _last_doubling(growth, leader),
        _prospect(growth, leader),
        _worth(growth, worth, margin),
    ]
    told.append(ahead)
    return {
        "sentence": " ".join(sentence for sentence in told if sentence),
        "short": _short(worth, None if len(growth.at(1.0)) == 1 else changes, growth.leader),
        "leader": growth.leader,
        "ranking_changes": changes,
        "more_labels": None if worth is None else _numbers(worth),
    }


def labels_worth(growth: Growth, leader: str, labels_now: int) -> Labels | None:
    """None where the leader follows no law."""
    if leader not in growth.laws:
        return None
    now, worth = growth.laws[leader].now, growth.worth[leader]
    times = {"more": worth.value / now, "low": worth.low / now, "high": worth.high / now}
    numbers = {name: round_up(max(min(each, FURTHEST) - 1, 0.0) * labels_now) for name, each in times.items()}
    return Labels(**numbers, at_least=times["more"] > FURTHEST, open_end=times["high"] > FURTHEST)


def _numbers(worth: Labels) -> dict[str, Any]:
    """As verdict.json has them; no number is given where none is shown to be worth having."""
    numbers = {"number": worth.more if worth.shown else 0, "at_least": worth.at_least}
    return numbers | {"low": worth.low, "high": worth.high, "open_end": worth.open_end}


def ranking_changes(growth: Growth, leader: str) -> tuple[str, str]:
    """`no`, `yes` or `unknown`, and in a sentence: who would lead those studied with FURTHEST times the data."""
    if len(growth.at(1.0)) == 1:
        return "no", ""
    if growth.refusals:
        of = listed(list(growth.refusals))
        return "unknown", f"Whether more labels would change which is best cannot be said, for want of a law for {of}."
    rows = growth.at(FURTHEST).set_index("candidate")["relation_to_best"]
    ahead, open_between = str(rows.index[0]), [str(name) for name in rows.index if rows[name] != "worse"]
    reach = f"With {FURTHEST:g} times the labels"
    if leader not in open_between:
        return "yes", f"{reach} {ahead} would be ahead of it."
    if open_between == [leader]:
        return "no", f"{reach} it would still be ahead of the other studied candidates."
    return "unknown", f"{reach} it is open who would lead: {listed(open_between, 'or')}."


def growth_evidence(growth: Growth) -> list[dict[str, Any]]:
    """The sentences about the leader, each with its row of growth.csv."""
    if growth.leader is None:
        return []
    found = [(_trend(growth, growth.leader), float(growth.table["fraction"].min()))]
    if growth.leader in growth.laws:
        found.append((_prospect(growth, growth.leader), min(REACH)))
    return [
        {
            "sentence": sentence,
            "file": GROWTH.as_posix(),
            "row": {"candidate": growth.leader, "fraction": fraction},
            "column": growth.score.column,
            "value": float(growth.row(growth.leader, fraction)[growth.score.column]),
        }
        for sentence, fraction in found
    ]


def _trend(growth: Growth, leader: str) -> str:
    first, last = (growth.row(leader, fraction) for fraction in (growth.table["fraction"].min(), 1.0))
    before, now = (growth.score.words.value(row[growth.score.column]) for row in (first, last))
    sizes = f"{round(first['training_examples']):,} to {round(last['training_examples']):,} training examples"
    return f"From {sizes} {leader} goes from {before} to {now}, the best of those studied."


def _last_doubling(growth: Growth, leader: str) -> str:
    if leader not in growth.last_doubling:
        return ""
    gain, words = growth.last_doubling[leader], growth.score.words
    size = f"{words.difference(gain.value)} ({words.difference_span(gain.low, gain.high)})"
    sizes = growth.table.loc[
        (growth.table["candidate"] == leader) & (growth.table["kind"] == "measured"), "training_examples"
    ]
    if sizes.min() > LEAST_OF_A_DOUBLING * sizes.max():  # no size is near enough to half of all
        return f"From {sizes.min():,.0f} to {sizes.max():,.0f} training examples it gained {size}, as measured."
    return f"The last doubling brought {size}, as measured."


def _prospect(growth: Growth, leader: str) -> str:
    if leader not in growth.laws:
        return f"What more would bring cannot be said: {growth.refusals[leader]}."
    gain, twice = growth.doubling[leader], growth.row(leader, min(REACH))
    words = growth.score.words
    size = f"{words.difference(gain.value)} ({words.difference_span(gain.low, gain.high)})"
    return (
        f"If its errors go on falling by a power law, towards a floor that is not known, twice the labels would bring "
        f"{size}; {words.title} would then be {words.value(twice[growth.score.column])}."
    )


def _worth(growth: Growth, worth: Labels | None, margin: float) -> str:
    if worth is None:
        return ""
    least = growth.score.words.difference(margin)
    reach = f"{worth.low:,} to {worth.high:,}{' or more' if worth.open_end else ''}"
    until = f"until a doubling brings under {least}"
    if not worth.high:
        return f"More labels are hardly worth having: twice as many would bring less than {least}."
    if not worth.shown:
        return f"That more labels are worth having is not shown: {reach} would be, {until}."
    if worth.at_least:
        return (
            f"More labels are worth having: at least {worth.low:,}, and probably {worth.more:,} or more, {until}; the "
            f"law is followed to {FURTHEST:g} times the labels."
        )
    return f"About {count_of(worth.more, 'more label')} ({reach}) are worth having, {until}."


def _short(worth: Labels | None, changes: str | None, leader: str) -> str:
    """For the answer.

    Args:
        changes: whether another of those studied would lead; None where a single one was studied.
    """
    labels = "what more labels would bring cannot be said"
    if worth is not None and not worth.high:
        labels = "more bring little"
    elif worth is not None and not worth.shown:
        labels = "more labels are not shown to help enough"
    elif worth is not None:
        about = f"at least {worth.low:,}" if worth.at_least else f"about {worth.more:,}"
        labels = f"{about} more labels are worth having"
    if changes is None:
        return f"More data: {labels}."
    ranking = {
        "no": f"{leader} would stay ahead of the others studied",
        "yes": f"{leader} would be overtaken",
        "unknown": "whether the ranking would change is open",
    }[changes]
    return f"More data: {labels}; {ranking}."
