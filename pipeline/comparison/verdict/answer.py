"""The answer: the advice with its price, and what there is for less work, or else for more."""

from __future__ import annotations

from pipeline.comparison.statistics.variation.seeds import ASSUMED_SPREAD, USUAL_SPREAD
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import MUCH_CHEAPER, Alternative, Choice
from pipeline.comparison.verdict.words import capitalised, cost_text, short_name, times
from pipeline.formats import level, listed
from pipeline.params.compare import ENSEMBLE, soup_of
from pipeline.params.schema.families import family_named
from pipeline.params.training.candidates import CLASSICAL

NOTICEABLE = 0.5  # of the margin


def answer(facts: Facts, choice: Choice) -> list[str]:
    """Three sentences: what to train, what choosing it costs, and what there is for less work, or else for more.

    The interval of its score holds after the selection among all candidates. Plain characters only: the same sentences
    stand in JSON, in HTML and in MLflow. There are fewer where no other candidate is worth a sentence.
    """
    if choice.recommended is None or not choice.beats_floor:
        return [_nothing_beats_the_floor(facts, choice.winner)]
    lead = f"{_lead(facts, choice, choice.recommended)} {_attained(facts, choice.recommended)}."
    sentences = [lead, f"{capitalised(_price(facts, choice.recommended))}."]
    if choice.alternative is not None:
        sentences.append(describe_alternative(facts, choice.alternative))
    elif choice.safest is not None and _gains_by_cost(facts, choice.recommended, choice.safest):
        sentences.append(_describe_safest(facts, choice.safest))
    return sentences


def describe(facts: Facts, candidate: str) -> str:
    """A candidate as a sentence names it."""
    row, words = facts.rows[candidate], family_named(facts.rows[candidate]["family"]).words
    name, backbone = short_name(candidate, row["family"]), row["backbone"]
    if row["family"] == CLASSICAL and isinstance(backbone, str) and backbone:  # most see through none
        name = f"{short_name(candidate.removesuffix(f'-{backbone}'), row['family'])} on {backbone}"
    return words.candidate.format(name=name, backbone=backbone, technique=row["technique"])


def describe_alternative(facts: Facts, alternative: Alternative) -> str:
    """What it saves, and what choosing it costs."""
    need = "training" if alternative.training >= MUCH_CHEAPER else "answers"
    savings = [f"{times(alternative.training)} less work to train"] if alternative.training >= 2 else []
    savings += [f"{times(alternative.answers)} less to answer"] if alternative.answers >= 2 else []
    expected, most = _regret(facts, alternative.candidate)
    verb = "must be cheap" if need == "training" else "must be fast"
    return (
        f"If {need} {verb}: {describe(facts, alternative.candidate)}, {listed(savings)}, costs {expected} on average, "
        f"at most {most}."
    )


def describe_deployed(facts: Facts, candidate: str) -> str:
    """What to expect of the one model that is served, as against the mean over seeds, which the answer is about."""
    one = facts.comparison.deployed[candidate]
    told = _on_unseen(facts, one.score, (one.low, one.high))
    if facts.rows[candidate]["family"] == ENSEMBLE:
        together = "" if candidate.startswith(soup_of("").name) else ", all its models together,"
        return f"What is served{together} is {told}."
    chosen = ", of the lowest validation loss," if facts.seeds > 1 else ""
    return f"The model of seed {one.seed}{chosen} is {told}."


def _lead(facts: Facts, choice: Choice, recommended: str) -> str:
    """That its kind of model suffices is said only where another kind competes, and it is shown to be behind by no more
    than is tolerated."""
    no_attempts = facts.comparison.floor.no_attempts
    families = {row["family"] for name, row in facts.rows.items() if name not in no_attempts}
    shown = choice.settled and facts.seeds > 1 and len(families) > 1
    lead = family_named(facts.rows[recommended]["family"]).words.lead if shown else "Use {candidate}: it is"
    return lead.format(candidate=describe(facts, recommended))


def _gains_by_cost(facts: Facts, recommended: str, safest: str) -> bool:
    """Whether the advice would cost noticeably less on average if cost did not matter."""
    spared = facts.rows[recommended]["expected_regret"] - facts.rows[safest]["expected_regret"]
    return bool(spared > NOTICEABLE * facts.margin)


def _describe_safest(facts: Facts, safest: str) -> str:
    """What to take where nothing but the score counts: the advice is the cheapest there is, but not the safest."""
    expected, most = _regret(facts, safest)
    return f"If the score alone counts: {describe(facts, safest)} costs {expected} on average, at most {most}."


def _price(facts: Facts, candidate: str) -> str:
    if len(facts.rows) == 1:
        return "it is the only candidate, so there is nothing to choose from"
    expected, most = _regret(facts, candidate)
    costs = f"choosing it costs {expected} on average against whatever is truly best"
    if facts.seeds == 1:
        least, largest = (spread * facts.unit for spread in (USUAL_SPREAD, ASSUMED_SPREAD))
        spreads = f"{facts.words.bare(least)} to {facts.words.difference(largest)}"
        costs += f" (where seeds vary by {spreads}; one seed does not tell)"
    return f"{costs}, at most {most}"


def _regret(facts: Facts, candidate: str) -> tuple[str, str]:
    """On average, and at most. With one seed on average is a range, from a usual spread to the large one assumed."""
    row, words = facts.rows[candidate], facts.words
    expected, most = cost_text(words, row["expected_regret"]), words.bare(row["at_most_behind"])
    steady = facts.comparison.regret_if_steady.get(candidate)
    if steady is None or words.bare(steady) == words.bare(row["expected_regret"]):
        return expected, most
    least, largest = sorted([steady, row["expected_regret"]])
    return f"{words.bare(least)} to {words.difference(largest)}", most


def _nothing_beats_the_floor(facts: Facts, winner: str) -> str:
    attained = facts.words.attained.format(value=facts.words.value(facts.comparison.floor.score))
    floor = ", ".join(part for part in (facts.majority_class, attained) if part)
    best = f"the best, {winner}, is {_attained(facts, winner)}"
    return f"Nothing here is shown to beat {facts.floor.name} ({floor}): {best}."


def _attained(facts: Facts, candidate: str) -> str:
    return _on_unseen(facts, float(facts.rows[candidate][facts.column]), facts.comparison.after_selection[candidate])


def _on_unseen(facts: Facts, score: float, interval: tuple[float, float]) -> str:
    told = f"{level(facts.confidence)} interval {facts.words.span(*interval)}"
    return facts.words.attained_on_test.format(value=facts.words.value(score), interval=told)
