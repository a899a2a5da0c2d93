"""The verdict: one pure function from the facts of a comparison to verdict.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.comparison.tables.ensembles.verdict_entry import describe_ensembles
from pipeline.comparison.verdict.answer import answer, describe_alternative
from pipeline.comparison.verdict.confidence import describe_confidence
from pipeline.comparison.verdict.evidence import evidence
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.labels_needed import describe_growth
from pipeline.comparison.verdict.overfitting import shared_shift
from pipeline.comparison.verdict.overturning import describe_other_scores, what_would_change_it
from pipeline.comparison.verdict.recommendation import Choice, choose
from pipeline.comparison.verdict.shown import describe_left_out, describe_parts, describe_shown
from pipeline.formats import significant


def decide(facts: Facts, left_out: Sequence[str] = ()) -> dict[str, Any]:
    """The content of verdict.json.

    One seed leaves every verdict provisional, however far apart the candidates are: the spread between seeds was
    assumed, not seen.

    Args:
        left_out: what does not compete for lack of time, by name or in a few words.
    """
    choice = choose(facts)
    more_data = describe_growth(facts.growth, int(facts.dataset["sizes"].get("development", 0)), facts.margin)
    summary = answer(facts, choice) + ([more_data["short"]] if more_data else [])
    return {
        "answer": " ".join(summary),
        "summary": summary,
        "winner": choice.winner,
        "winner_interval": list(facts.comparison.after_selection[choice.winner]),
        "equivalents": choice.equivalents,
        "recommended": choice.recommended,
        **_prospects(facts, choice),
        "expected_regret_if_steady": facts.comparison.regret_if_steady.get(choice.recommended or ""),
        "deployed": {name: _deployed(facts, name) for name in facts.comparison.deployed},
        "alternative": _alternative(facts, choice),
        "shown": describe_shown(facts, choice),
        "left_out": describe_left_out(left_out) or None,
        "provisional": not choice.settled or facts.seeds == 1,
        "overfitting": dict(facts.fits),
        "shift": shared_shift(_trained(facts), facts.unit, facts.words) or None,
        "confidence": describe_confidence(facts, choice),
        "over_time": describe_parts(facts, choice.winner),
        "what_would_change_it": what_would_change_it(facts, choice),
        "more_data": more_data,
        "evidence": evidence(facts, choice),
        "score": _score(facts),
        "other_scores": describe_other_scores(facts, choice),
        "ensembles": describe_ensembles(facts.gains, facts.words),
    }


def _score(facts: Facts) -> dict[str, Any]:
    """What candidates are ranked by, what the floor reaches of it, what mistakes cost (said class by true class), and
    of which quantile a pinball loss is."""
    score = facts.score
    return {
        "name": score.name,
        "column": facts.column,
        "less_is_better": score.sign < 0,
        "floor": facts.comparison.floor.score,
        "costs": None if score.costs is None else score.costs.tolist(),
        "quantile": score.quantile,
    }


def _prospects(facts: Facts, choice: Choice) -> dict[str, Any]:
    """Of the recommended candidate, as ranking.csv has them, and the interval that holds after the selection."""
    keys = ("p_best", "expected_regret", "at_most_behind")
    if choice.recommended is None:
        return dict.fromkeys((*keys, "interval"))
    row = facts.rows[choice.recommended]
    interval = list(facts.comparison.after_selection[choice.recommended])
    return {key: float(row[key]) for key in keys} | {"interval": interval}


def _deployed(facts: Facts, candidate: str) -> dict[str, Any]:
    """What is known of the one model of a candidate that is served."""
    one = facts.comparison.deployed[candidate]
    numbers = {facts.column: one.score, "low": one.low, "high": one.high}
    return {"seed": one.seed, **{key: significant(value) for key, value in numbers.items()}}


def _alternative(facts: Facts, choice: Choice) -> dict[str, Any] | None:
    one = choice.alternative
    if one is None:
        return None
    row = facts.rows[one.candidate]
    return {
        "candidate": one.candidate,
        "expected_regret": float(row["expected_regret"]),
        "at_most_behind": float(row["at_most_behind"]),
        "training_work": significant(1 / one.training, 3),
        "answer_work": significant(1 / one.answers, 3),
        "sentence": describe_alternative(facts, one),
    }


def _trained(facts: Facts) -> list[dict[str, Any]]:
    """Without floors, and without ensembles: what shifts these are their members, which are counted already."""
    others = {*facts.comparison.floor.no_attempts, *facts.ensembles}
    return [row for name, row in facts.rows.items() if name not in others]
