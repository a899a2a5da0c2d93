"""How sure the verdict is, in a word with its reasons, and what leads such a comparison finds."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.statistics.variation.seeds import ASSUMED_SPREAD
from pipeline.comparison.verdict.answer import contending_families
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.formats import chance, count_of, level, listed


def describe_confidence(facts: Facts, choice: Choice) -> dict[str, Any]:
    """How sure, as a word with its reasons: high, moderate (the kind of model is settled, not which), or low."""
    reasons = _doubts(facts, choice)
    which_kind = not choice.settled and len(contending_families(facts, choice)) != 1  # none: nothing beats the floor
    word = "low" if facts.seeds == 1 or which_kind else "moderate" if reasons else "high"
    if not reasons:
        corrected = "corrected for the number of comparisons"
        reasons.append(f"The recommendation holds at {level(facts.confidence)} confidence, {corrected}.")
    return {"level": facts.confidence, "word": word, "reasons": reasons, **_power(facts)}


def _doubts(facts: Facts, choice: Choice) -> list[str]:
    doubts = []
    if facts.seeds == 1:
        spread = facts.words.assumed(ASSUMED_SPREAD * facts.unit)
        doubts.append(f"One seed says nothing about the spread between seeds; {spread} were assumed.")
    if not choice.beats_floor:
        doubts.append(f"No candidate is shown to beat {facts.floor.name}.")
    if choice.rivals:
        doubts.append(f"{count_of(len(choice.rivals), 'candidate')} may yet turn out better or cheaper.")
    return doubts


def _power(facts: Facts) -> dict[str, Any]:
    """What leads such a comparison finds: a promise that benchmarks/verdict_calibration.py checks."""
    power = facts.comparison.power
    chances = [f"one of {facts.words.difference(lead)} {chance(share)}" for lead, share in power.items()]
    sentence = (
        f"With these examples and seeds, a true lead of the best over another candidate is shown as likely as this: "
        f"{listed(chances)}."
    )
    return {
        "finds": sentence,
        "power": [{"difference": lead, "probability": share} for lead, share in power.items()],
    }
