"""What is shown, beside what is advised: how many candidates are worse than the best, equivalent, or undecided."""

from __future__ import annotations

from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.formats import count_of, level, listed

FEW_GROUPS = 10


def describe_shown(facts: Facts, choice: Choice) -> str:
    """One or two sentences that are true of any comparison, also of one in which nothing differs."""
    others = [row for name, row in facts.rows.items() if name != choice.winner]
    if not others:
        return "A single candidate competes, so nothing is shown of any other."
    if all(facts.pairs[choice.winner, row["candidate"]]["difference"] == 0 for row in others):
        return _no_difference(facts)
    counts = {word: sum(row["relation_to_best"] == word for row in others) for word in ("worse", "equivalent")}
    undecided = len(others) - sum(counts.values())
    within = facts.words.difference(facts.margin)
    parts = [f"{counts['worse']} worse than the best, {choice.winner}"]
    parts += [f"{counts['equivalent']} equivalent to it within {within}"]
    parts += [f"{undecided} undecided"]
    return f"Shown at {level(facts.confidence)} confidence, of {count_of(len(others), 'other')}: {listed(parts)}."


def describe_groups(groups: int | None) -> str:
    """What the intervals rest on where examples come in groups, with a warning below ten; else nothing."""
    if groups is None:
        return ""
    if groups == 1:
        return "All test examples are of one group, so nothing is shown of other groups: add examples of ten or more."
    rest = f"The intervals rest on {groups} groups of test examples, which are drawn as wholes."
    few = " That is few: take the intervals as rough, and add examples of other groups until there are ten or more."
    return rest + (few if groups < FEW_GROUPS else "")


def _no_difference(facts: Facts) -> str:
    count = len(facts.rows)
    best = next(iter(facts.rows.values()))[facts.column]
    if facts.score.is_share and best == 1:
        return (
            f"All {count} candidates are right on every test example: these are too easy to tell them apart, so cost "
            "decides. Harder or more test examples would show a difference, if there is one."
        )
    return f"All {count} candidates score the same on these test examples, so cost decides between them."
