"""How sure the verdict is, in a word with its reasons, and what leads such a comparison finds."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.statistics.variation.seeds import ASSUMED_SPREAD
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.comparison.verdict.shown import describe_groups, has_few_groups
from pipeline.formats import chance, count_of, level, listed

MODERATE = 5  # times what is tolerated: five points of accuracy where one point does not matter


def describe_confidence(facts: Facts, choice: Choice) -> dict[str, Any]:
    """How sure, as a word with its reasons. The word goes by what the data show of the advice, and nothing else.

    high: the recommended candidate is shown to be behind by no more than is tolerated; moderate: by no more than a few
    times as much, or the test examples are of few groups; low: it may be behind by more, or nothing beats the floor, or
    there is one seed.
    """
    reasons = [*_probability(facts, choice), *_doubts(facts, choice)]
    return {"level": facts.confidence, "word": _word(facts, choice), "reasons": reasons, **_power(facts)}


def _word(facts: Facts, choice: Choice) -> str:
    if facts.seeds == 1 or not choice.beats_floor or choice.recommended is None:
        return "low"
    if choice.settled:
        return "moderate" if has_few_groups(facts) else "high"
    behind = facts.rows[choice.recommended]["at_most_behind"]
    return "moderate" if behind <= MODERATE * max(facts.margin, facts.tolerance) else "low"


def _probability(facts: Facts, choice: Choice) -> list[str]:
    if choice.recommended is None or not choice.beats_floor or len(facts.rows) == 1:
        return []
    row, corrected = facts.rows[choice.recommended], "for all candidates at once"
    most = facts.words.difference(row["at_most_behind"])
    return [
        f"{choice.recommended} is truly the best with a probability of {chance(row['p_best'])}, and behind the best by "
        f"at most {most} ({level(facts.confidence)} confidence, {corrected})."
    ]


def _doubts(facts: Facts, choice: Choice) -> list[str]:
    doubts = []
    if facts.seeds == 1:
        spread = facts.words.assumed(ASSUMED_SPREAD * facts.unit)
        doubts.append(
            f"One seed says nothing about the spread between seeds; intervals and limits assume {spread}, which is "
            "much, so fewer leads are shown than there may be."
        )
    if not choice.beats_floor:
        doubts.append(f"No candidate is shown to beat {facts.floor.name}.")
    if choice.rivals:
        lead = f"better by more than {facts.words.difference(facts.margin)}"
        doubts.append(f"{count_of(len(choice.rivals), 'candidate')} may yet turn out {lead}.")
    return [*doubts, *describe_groups(facts)]


def _power(facts: Facts) -> dict[str, Any]:
    """What leads such a comparison finds: a promise that benchmarks/verdict_calibration.py checks."""
    if len(facts.rows) == 1:
        return {"finds": "A single candidate competes, so there is no lead to find.", "power": []}
    power = facts.comparison.power
    chances = [f"one of {facts.words.difference(lead)} ({chance(share)})" for lead, share in power.items()]
    sentence = (
        f"With these examples and seeds, a true lead of the best over another candidate is shown as likely as this: "
        f"{listed(chances)}."
    )
    return {
        "finds": sentence,
        "power": [{"difference": lead, "probability": share} for lead, share in power.items()],
    }
