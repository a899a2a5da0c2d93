"""The answer in one sentence of words, with its uncertainty."""

from __future__ import annotations

from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.comparison.verdict.words import FAMILIES, count_of, level, listed, short_name
from pipeline.scores import RMSE

ENOUGH = {
    "classical": "Classical machine learning suffices",
    "cnn": "A small CNN trained from scratch suffices",
    "mlp": "A multilayer perceptron suffices",
    "recurrent": "A recurrent network suffices",
    "finetune": "Fine-tune a pretrained backbone",
}


def answer(facts: Facts, choice: Choice) -> str:
    """What to train. The interval holds after the selection among all candidates.

    Plain characters only: the same sentence stands in JSON, in HTML and in MLflow.
    """
    if choice.recommended is None or not choice.beats_floor:
        return _nothing_beats_the_floor(facts, choice.winner)
    return _settled(facts, choice, choice.recommended) if choice.settled else _open(facts, choice, choice.recommended)


def described(facts: Facts, candidate: str) -> str:
    row = facts.rows[candidate]
    if row["family"] == "finetune":
        return f"backbone {row['backbone']} with technique {row['technique']}"
    return short_name(candidate, row["family"])


def contending_families(facts: Facts, choice: Choice) -> list[str]:
    """The kinds of model among the contenders, in rank order."""
    return list(dict.fromkeys(facts.rows[name]["family"] for name in choice.contenders))


def _settled(facts: Facts, choice: Choice, recommended: str) -> str:
    family = facts.rows[recommended]["family"]
    name, reached = described(facts, recommended), _reached(facts, recommended)
    lead = f"Use {name}: it is" if family == "finetune" else f"{ENOUGH[family]}: {name} is"
    return f"{lead} {reached}{_standing(facts, choice)}{_caveat(facts)}."


def _open(facts: Facts, choice: Choice, recommended: str) -> str:
    families = contending_families(facts, choice)
    lead = f"Undecided between {listed([FAMILIES[family] for family in families])}"
    if len(families) == 1:
        lead = f"{ENOUGH[families[0]]}, but which is best is undecided"
    place = "best and cheapest" if recommended == choice.winner else "cheapest"
    return (
        f"{lead}; provisionally use {described(facts, recommended)}, {_reached(facts, recommended)}, "
        f"the {place} of {len(choice.contenders)} that {count_of(facts.examples, 'test example')} and "
        f"{count_of(facts.seeds, 'seed')} cannot tell apart."
    )


def _nothing_beats_the_floor(facts: Facts, winner: str) -> str:
    reached = facts.words.value(facts.comparison.floor.accuracy)
    floor = f"off by {reached}" if facts.score is RMSE else f"{facts.majority_class}, right on {reached}"
    return (
        f"Nothing here is shown to beat {facts.words.floor_name} ({floor}): the best, {winner}, is "
        f"{_reached(facts, winner)}."
    )


def _reached(facts: Facts, candidate: str) -> str:
    interval = f"{level(facts.confidence)} interval {facts.words.span(*facts.comparison.after_selection[candidate])}"
    value = facts.words.value(facts.rows[candidate][facts.column])
    if facts.score is RMSE:
        return f"off by {value} on unseen examples (root mean squared error, {interval})"
    return f"right on {value} of unseen examples ({interval})"


def _standing(facts: Facts, choice: Choice) -> str:
    if choice.recommended != choice.winner:
        return f", equivalent to the best within {facts.words.difference(facts.margin)} and the cheapest of these"
    if choice.equivalents:
        return f", and nothing equivalent to it within {facts.words.difference(facts.margin)} is cheaper"
    others = [row["relation_to_best"] for name, row in facts.rows.items() if name != choice.winner]
    all_worse = len(others) > 1 and set(others) == {"worse"}
    return f", {'less' if facts.score is RMSE else 'more'} than each of the {len(others)} others" if all_worse else ""


def _caveat(facts: Facts) -> str:
    return "; provisional, since there is one seed only" if facts.seeds == 1 else ""
