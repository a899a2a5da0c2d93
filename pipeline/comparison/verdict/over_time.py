"""Whether the lead of the best candidate holds over the whole test stretch of a series."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.tables.studies.origins import LEAST_STEPS
from pipeline.comparison.verdict.facts import Facts
from pipeline.formats import count_of


def describe_parts(facts: Facts, winner: str) -> dict[str, Any] | None:
    """Of verdict.json: a sentence and the scores of each part; None where examples have no order.

    A count of parts is no test: it says where a lead comes from, and intervals say whether it is one.
    """
    parts = facts.parts
    if parts is None:
        return None
    ahead = parts.leaders.count(winner)
    return {
        "sentence": _sentence(facts, winner),
        "best_in": ahead if parts.lengths else None,
        "parts": [
            {
                "first": first,
                "last": last,
                "steps": steps,
                "leader": leader,
                facts.column: {name: float(f"{scores[place]:.6g}") for name, scores in parts.scores.items()},
            }
            for place, ((first, last), steps, leader) in enumerate(
                zip(parts.ends, parts.lengths, parts.leaders, strict=True)
            )
        ],
    }


def _sentence(facts: Facts, winner: str) -> str:
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
