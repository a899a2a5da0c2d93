"""The verdict: one pure function from the facts of a comparison to verdict.json."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.verdict.answer import answer
from pipeline.comparison.verdict.confidence import describe_confidence
from pipeline.comparison.verdict.evidence import evidence
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.labels_needed import describe_growth
from pipeline.comparison.verdict.overturning import what_would_change_it
from pipeline.comparison.verdict.recommendation import choose


def decide(facts: Facts) -> dict[str, Any]:
    """The content of verdict.json.

    One seed leaves every verdict provisional, however far apart the candidates are: the spread between seeds was
    assumed, not seen.
    """
    choice = choose(facts)
    more_data = describe_growth(facts.growth, int(facts.dataset["sizes"].get("development", 0)), facts.margin)
    return {
        "answer": " ".join([answer(facts, choice), *([more_data["short"]] if more_data else [])]),
        "winner": choice.winner,
        "equivalents": choice.equivalents,
        "recommended": choice.recommended,
        "provisional": not choice.settled or facts.seeds == 1,
        "overfitting": dict(facts.fits),
        "confidence": describe_confidence(facts, choice),
        "what_would_change_it": what_would_change_it(facts, choice),
        "more_data": more_data,
        "evidence": evidence(facts, choice),
    }
