"""The answer in one sentence of words, with its uncertainty."""

from __future__ import annotations

from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.comparison.verdict.words import short_name
from pipeline.formats import count_of, level, listed
from pipeline.params.schema.families import family_named


def answer(facts: Facts, choice: Choice) -> str:
    """What to train. The interval holds after the selection among all candidates.

    Plain characters only: the same sentence stands in JSON, in HTML and in MLflow.
    """
    if choice.recommended is None or not choice.beats_floor:
        return _nothing_beats_the_floor(facts, choice.winner)
    return _settled(facts, choice, choice.recommended) if choice.settled else _open(facts, choice, choice.recommended)


def describe(facts: Facts, candidate: str) -> str:
    """A candidate as a sentence names it."""
    row = facts.rows[candidate]
    names = {"backbone": row["backbone"], "technique": row["technique"]}
    return family_named(row["family"]).words.candidate.format(name=short_name(candidate, row["family"]), **names)


def contending_families(facts: Facts, choice: Choice) -> list[str]:
    """The kinds of model among the contenders, in rank order."""
    return list(dict.fromkeys(facts.rows[name]["family"] for name in choice.contenders))


def _settled(facts: Facts, choice: Choice, recommended: str) -> str:
    lead = family_named(facts.rows[recommended]["family"]).words.lead.format(candidate=describe(facts, recommended))
    caveat = "; provisional, since there is one seed only" if facts.seeds == 1 else ""
    return f"{lead} {_attained(facts, recommended)}{_standing(facts, choice)}{caveat}."


def _open(facts: Facts, choice: Choice, recommended: str) -> str:
    families = [family_named(family).words for family in contending_families(facts, choice)]
    lead = f"Undecided between {listed([family.noun for family in families])}"
    if len(families) == 1:
        lead = f"{families[0].advice}, but which is best is undecided"
    place = "best and cheapest" if recommended == choice.winner else "cheapest"
    return (
        f"{lead}; provisionally use {describe(facts, recommended)}, {_attained(facts, recommended)}, "
        f"the {place} of {len(choice.contenders)} that {count_of(facts.examples, 'test example')} and "
        f"{count_of(facts.seeds, 'seed')} cannot tell apart."
    )


def _nothing_beats_the_floor(facts: Facts, winner: str) -> str:
    attained = facts.words.attained.format(value=facts.words.value(facts.comparison.floor.score))
    floor = ", ".join(part for part in (facts.majority_class, attained) if part)
    return (
        f"Nothing here is shown to beat {facts.floor.name} ({floor}): the best, {winner}, is "
        f"{_attained(facts, winner)}."
    )


def _attained(facts: Facts, candidate: str) -> str:
    interval = f"{level(facts.confidence)} interval {facts.words.span(*facts.comparison.after_selection[candidate])}"
    value = facts.words.value(facts.rows[candidate][facts.column])
    return facts.words.attained_on_test.format(value=value, interval=interval)


def _standing(facts: Facts, choice: Choice) -> str:
    if choice.recommended != choice.winner:
        return f", equivalent to the best within {facts.words.difference(facts.margin)} and the cheapest of these"
    if choice.equivalents:
        return f", and nothing equivalent to it within {facts.words.difference(facts.margin)} is cheaper"
    others = [row["relation_to_best"] for name, row in facts.rows.items() if name != choice.winner]
    all_worse = len(others) > 1 and set(others) == {"worse"}
    return f", {facts.words.than_others} than each of the {len(others)} others" if all_worse else ""
