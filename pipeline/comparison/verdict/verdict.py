"""The answer: one pure function from the numbers of a comparison to verdict.json."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.statistics.intervals import ASSUMED_SPREAD
from pipeline.comparison.statistics.sample_size import Gulf, Needs, needs
from pipeline.comparison.tables.frames import Row
from pipeline.comparison.verdict.answer import answer, contending_families
from pipeline.comparison.verdict.evidence import evidence
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.labels_needed import describe_growth
from pipeline.comparison.verdict.recommendation import Choice, choose
from pipeline.comparison.verdict.words import chance, count_of, level, listed
from pipeline.scores import RMSE


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
        "overfitting": facts.fits,
        "confidence": _confidence(facts, choice),
        "what_would_change_it": _what_would_change_it(facts, choice),
        "more_data": more_data,
        "evidence": evidence(facts, choice),
    }


def _confidence(facts: Facts, choice: Choice) -> dict[str, Any]:
    """How sure, as a word with its reasons: high, moderate (the kind of model is settled, not which), or low."""
    reasons = []
    if facts.seeds == 1:
        share = ASSUMED_SPREAD * facts.unit
        spread = facts.words.difference(share) if facts.score is RMSE else f"{share * 100:.0f} points"
        reasons.append(f"One seed says nothing about the spread between seeds; {spread} were assumed.")
    if not choice.beats_floor:
        reasons.append(f"No candidate is shown to beat {facts.words.floor_name}.")
    if choice.rivals:
        reasons.append(f"{count_of(len(choice.rivals), 'candidate')} may yet turn out better or cheaper.")
    which_kind = not choice.settled and len(contending_families(facts, choice)) != 1  # none: nothing beats the floor
    word = "low" if facts.seeds == 1 or which_kind else "moderate" if reasons else "high"
    if not reasons:
        corrected = "corrected for the number of comparisons"
        reasons.append(f"The recommendation holds at {level(facts.confidence)} confidence, {corrected}.")
    return {"level": facts.confidence, "word": word, "reasons": reasons, **_power(facts)}


def _power(facts: Facts) -> dict[str, Any]:
    """What leads such a comparison finds: a promise that benchmarks/verdict_calibration.py checks."""
    power = facts.comparison.power
    chances = [f"one of {facts.words.difference(difference)} {chance(found)}" for difference, found in power.items()]
    sentence = (
        f"With these examples and seeds, a true lead of the best over another candidate is shown as likely as this: "
        f"{listed(chances)}."
    )
    return {
        "finds": sentence,
        "power": [{"difference": difference, "probability": found} for difference, found in power.items()],
    }


def _what_would_change_it(facts: Facts, choice: Choice) -> dict[str, Any]:
    """The pair that the recommendation hangs on, the smallest margin resolved for it, and what would settle it."""
    rival = _strongest_rival(facts, choice)
    if rival is None or choice.recommended is None:
        sentence = "Other data or other candidates: what was measured leaves nothing to choose between."
        return dict.fromkeys(("sentence", "rival", "resolvable_margin", "seeds", "examples", "both")) | {
            "sentence": sentence
        }
    pair = facts.pairs[rival, choice.recommended]
    variances = {"example_variance": pair["example_variance"], "seed_variance": pair["seed_variance"]}
    gulf = Gulf(pair["difference"], **variances, seeds=facts.seeds, examples=facts.examples)
    wanted = needs(gulf, facts.margin, facts.confidence, facts.comparison.threshold)
    resolvable = float(f"{(pair['high'] - pair['low']) / 2:.6g}")
    return {
        "sentence": _change_sentence(facts, choice, rival, pair, resolvable, wanted),
        "rival": rival,
        "resolvable_margin": resolvable,
        "seeds": wanted.seeds,
        "examples": wanted.examples,
        "both": {"seeds": wanted.both[0], "examples": wanted.both[1]},
    }


def _strongest_rival(facts: Facts, choice: Choice) -> str | None:
    """The rival that may be ahead by most; with none, whoever may be nearest."""
    recommended = choice.recommended
    if recommended is None or not choice.beats_floor:
        return None
    others = choice.rivals or [name for name in facts.rows if name != recommended]
    return max(others, key=lambda name: (facts.pairs[name, recommended]["high"], name), default=None)


def _change_sentence(facts: Facts, choice: Choice, rival: str, pair: Row, resolvable: float, wanted: Needs) -> str:
    words = facts.words
    size = f"{words.difference(pair['difference'])} ({words.difference_span(pair['low'], pair['high'])})"
    measured = f"{rival}: its difference from {choice.recommended} is {size}"
    resolves = f"The smallest margin that these data resolve between the two is {words.difference(resolvable)}."
    if choice.settled:
        return f"The closest candidate is {measured}. {resolves} Other data would reopen the question."
    ways = []
    if wanted.seeds is not None:
        ways.append(f"{count_of(wanted.seeds, 'seed')} in place of {facts.seeds}")
    if wanted.examples is not None:
        ways.append(f"{count_of(wanted.examples, 'test example')} in place of {facts.examples:,}")
    if not ways:
        together = [count_of(wanted.both[0], "seed"), count_of(wanted.both[1], "test example")]
        ways.append(f"{listed(together)} together")
    return f"The strongest rival is {measured}. {resolves} About {listed(ways, 'or')} would settle it."
