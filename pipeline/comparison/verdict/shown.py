"""What is shown, beside what is advised: how many candidates are worse than the best, equivalent, or undecided.

And what that rests on: on how many groups of examples, and whether the best of a series is so over time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pipeline.comparison.tables.studies.origins import LEAST_STEPS
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.formats import count_of, level, listed, significant

FEW_GROUPS = 10
NAMED = 5  # of what is left out


def describe_shown(facts: Facts, choice: Choice) -> str:
    """One or two sentences that are true of any comparison, also of one in which nothing differs."""
    others = [row for name, row in facts.rows.items() if name != choice.winner]
    if not others:
        return "A single candidate competes, so nothing is shown of any other."
    if all(facts.pairs[choice.winner, row["candidate"]]["difference"] == 0 for row in others):
        return _no_difference(facts, choice)
    counts = {word: sum(row["relation_to_best"] == word for row in others) for word in ("worse", "equivalent")}
    undecided = len(others) - sum(counts.values())
    parts = [f"{counts['worse'] or 'none'} worse than {choice.winner} (the {name_of_best(facts)})"]
    parts += [f"{counts['equivalent']} equivalent to it within {facts.words.difference(facts.margin)}"]
    kept = parts if counts["equivalent"] else parts[:1]
    kept += [f"{undecided} undecided"] if undecided else []
    return f"Shown at {level(facts.confidence)} confidence, of {count_of(len(others), 'other')}: {listed(kept)}."


def describe_left_out(names: Sequence[str]) -> str:
    """What does not compete for lack of time, so that nobody takes the answer for one about it; "" where nothing is."""
    if not names:
        return ""
    more = len(names) - NAMED
    shown = names if more <= 1 else [*names[:NAMED], f"{more} more (study.left_out in params.yaml)"]
    return f"Left out for lack of time: {listed(shown)}."


def name_of_best(facts: Facts) -> str:
    """What the first of the ranking is called: less of a loss is better."""
    return "highest score" if facts.score.sign > 0 else f"lowest {facts.words.title}"


def of_groups(facts: Facts, examples: int, further: bool = False) -> str:
    """How many groups so many test examples are to come from, with as many in each as now; further: beside those that
    there are. More examples of the same groups would show little that is new. Nothing where examples are on their own.
    """
    if facts.groups is None:
        return ""
    wanted = math.ceil(facts.groups * examples / facts.examples)
    told = count_of(max(wanted - facts.groups, 1), "further group") if further else count_of(wanted, "group")
    return f" of about {told}"


def describe_groups(facts: Facts) -> list[str]:
    """What the intervals rest on where examples come in groups, with a warning below ten; else nothing."""
    if facts.groups is None:
        return []
    if facts.groups == 1:
        return ["All test examples are of one group, so nothing is shown of other groups: add ten groups or more."]
    rest = f"The intervals rest on {facts.groups} groups of test examples, which are drawn as wholes."
    return [rest, *_few_groups(facts.groups), *_one_class_each(facts)]


def describe_parts(facts: Facts, winner: str) -> dict[str, Any] | None:
    """Of verdict.json: a sentence and the scores of each part; None where examples have no order.

    A count of parts is no test: it says where a lead comes from, and intervals say whether it is one.
    """
    parts = facts.parts
    if parts is None:
        return None
    ahead = parts.leaders.count(winner)
    return {
        "sentence": _over_time(facts, winner),
        "best_in": ahead if parts.lengths else None,
        "parts": [
            {
                "first": first,
                "last": last,
                "steps": steps,
                "leader": leader,
                facts.column: {name: significant(scores[place]) for name, scores in parts.scores.items()},
            }
            for place, ((first, last), steps, leader) in enumerate(
                zip(parts.ends, parts.lengths, parts.leaders, strict=True)
            )
        ],
    }


def warn_of_groups(facts: Facts) -> str:
    """The same for the head of the page, where groups are so few that all intervals are in doubt; else nothing."""
    return " ".join(describe_groups(facts)) if has_few_groups(facts) else ""


def has_few_groups(facts: Facts) -> bool:
    """Whether there are too few groups of test examples to trust intervals that rest on them."""
    return facts.groups is not None and facts.groups < FEW_GROUPS


def _few_groups(groups: int) -> list[str]:
    if groups >= FEW_GROUPS:
        return []
    return ["That is few: take the intervals as rough, and add other groups until there are ten or more."]


def _one_class_each(facts: Facts) -> list[str]:
    if not facts.groups_of_class:
        return []
    fewest = min(facts.groups_of_class, key=lambda name: (facts.groups_of_class[name], name))
    fewest = f"{fewest} has {count_of(facts.groups_of_class[fewest], 'group')}, the fewest"
    return [f"Each group holds examples of one class only, so a class is judged by its own groups alone: {fewest}."]


def _no_difference(facts: Facts, choice: Choice) -> str:
    """Cost decides where something beats the floor and cost is weighed at all."""
    decides = choice.beats_floor and facts.prefer != "accuracy"
    cost, between = (", so cost decides", " between them") if decides else ("", "")
    best = next(iter(facts.rows.values()))[facts.column]
    if facts.score.is_share and best == 1:
        return (
            f"All {len(facts.rows)} candidates are right on every test example: these are too easy to tell them apart"
            f"{cost}. Harder or more test examples would show a difference, if there is one."
        )
    return f"All {len(facts.rows)} candidates score the same on these test examples{cost}{between}."


def _over_time(facts: Facts, winner: str) -> str:
    parts = facts.parts
    assert parts is not None
    if not parts.lengths:
        return (
            f"The test stretch has {count_of(parts.steps, 'step')}, too few to tell whether a lead holds over time: "
            f"two parts of {LEAST_STEPS} would take {2 * LEAST_STEPS}."
        )
    if len(facts.rows) == 1:
        return f"{_stretch(facts)}, {winner} has nothing to be ahead of."
    count, ahead = len(parts.lengths), parts.leaders.count(winner)
    where = f"{_stretch(facts)}, {winner} is best in {ahead}"
    if ahead == count:
        return f"{where}: its lead holds over time."
    latest = f"{parts.leaders[-1]} in the last"
    if 2 * ahead > count:
        last = "also in the last" if parts.leaders[-1] == winner else latest
        return f"{where}, {last}: its lead holds over most of the time."
    return f"{where}, {latest}: its lead does not hold over time, so the test stretch as a whole decides."


def _stretch(facts: Facts) -> str:
    assert facts.parts is not None
    least, most = min(facts.parts.lengths), max(facts.parts.lengths)
    steps = f"{least}" if least == most else f"{least} to {most}"
    return f"Of {len(facts.parts.lengths)} consecutive parts of the test stretch, {steps} steps each"
