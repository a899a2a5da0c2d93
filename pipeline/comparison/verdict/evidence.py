"""What the answer rests on: sentences, each with the file and the place in it where its number stands."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.tables.frames import Row, records
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.labels_needed import growth_evidence
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.comparison.verdict.words import capitalised
from pipeline.formats import count_of, duration
from pipeline.ground import paths
from pipeline.params.schema.families import family_named
from pipeline.scores.classes import ACCURACY

RANKING = paths.RANKING.as_posix()
PAIRWISE = paths.PAIRWISE.as_posix()
PARADIGMS = paths.PARADIGMS.as_posix()
DATASET = paths.DATASET.as_posix()
VERDICT = paths.VERDICT.as_posix()

RELATIONS = {
    "best": "the best attempt",
    "equivalent": "equivalent to the best of all",
    "indistinguishable": "not shown to be worse than the best of all",
    "worse": "worse than the best of all",
}
FITS = {"underfits": "underfits", "overfits": "overfits", "sound": "is not shown to overfit"}

Evidence = dict[str, Any]


def evidence(facts: Facts, choice: Choice) -> list[Evidence]:
    """Entries with sentence, file and value; and row and column (CSV) or key, a list of keys (JSON), to find it by."""
    entries = [_winner(facts, choice.winner)]
    if choice.beats_floor and choice.recommended not in (None, choice.winner):
        entries += [_difference(facts, choice), _cost(facts, choice)]
    entries.append(_floor(facts))
    entries += _paradigms(facts, choice.winner)
    if choice.beats_floor and choice.recommended is not None:
        entries.append(_gap(facts, choice.recommended))
    return [*entries, *growth_evidence(facts.growth), _amount(facts)]


def _in_ranking(facts: Facts, candidate: str, column: str, sentence: str) -> Evidence:
    place = {"file": RANKING, "row": {"candidate": candidate}, "column": column}
    return {"sentence": sentence, **place, "value": facts.rows[candidate][column]}


def _winner(facts: Facts, winner: str) -> Evidence:
    row, words = facts.rows[winner], facts.words
    interval, attained = words.span(row["low"], row["high"]), words.value(row[facts.column])
    sentence = f"{winner} has the {words.best} mean {words.name}, {attained} ({interval} on its own)."
    return _in_ranking(facts, winner, facts.column, sentence)


def _difference(facts: Facts, choice: Choice) -> Evidence:
    a, b = choice.winner, str(choice.recommended)
    pair, words = facts.pairs[a, b], facts.words
    meaning = f"too little to tell them apart where the best was picked out of {count_of(len(facts.rows), 'candidate')}"
    if pair["relation"] == "equivalent":
        meaning = f"equivalent within the margin of {words.difference(facts.margin)}"
    if pair["relation"] in ("better", "worse"):
        within = facts.rows[b]["expected_regret"] <= facts.tolerance
        tolerated = f"within the tolerance of {words.difference(facts.tolerance)}"
        meaning = f"which is shown, and on average {tolerated if within else 'hardly more than any candidate costs'}"
    size = _size(facts, pair, "difference", "low", "high")
    place = {"file": PAIRWISE, "row": {"a": a, "b": b}, "column": "difference"}
    return {"sentence": f"{a} is ahead of {b} by {size}, {meaning}.", **place, "value": pair["difference"]}


def _cost(facts: Facts, choice: Choice) -> Evidence:
    own, other = (float(facts.rows[name]["cost_seconds"]) for name in (str(choice.recommended), choice.winner))
    sentence = f"Training {choice.recommended} once takes {duration(own)}, {choice.winner} {duration(other)}."
    return _in_ranking(facts, str(choice.recommended), "cost_seconds", sentence)


def _floor(facts: Facts) -> Evidence:
    """Where accuracy counts, its number is how many test examples are of the class that is guessed; else it is the
    floor's own score, which stands with the data where that was measured before anything was trained."""
    floor, name = facts.comparison.floor, facts.majority_class
    competing = len(facts.rows) - len(floor.no_attempts)
    attained = facts.words.attained.format(value=facts.words.value(floor.score))
    guess = f", {name}," if name else ""
    beaten = f"{len(floor.beaten_by)} of {count_of(competing, 'candidate')} are shown to beat that."
    file, keys, value = VERDICT, ["score", "floor"], floor.score
    if facts.score is ACCURACY:
        file, keys, value = DATASET, ["counts", "test", name], facts.dataset["counts"]["test"][name]
    elif facts.column in facts.dataset.get("floor", {}):
        file, keys, value = DATASET, ["floor", facts.column], facts.dataset["floor"][facts.column]
    sentence = f"{capitalised(facts.floor.name)}{guess} is {attained}; {beaten}"
    return {"sentence": sentence, "file": file, "key": keys, "value": value}


def _paradigms(facts: Facts, winner: str) -> list[Evidence]:
    """The best of every family, save that of the winner, who has a sentence already."""
    return [_paradigm(facts, row) for row in records(facts.comparison.paradigms) if row["candidate"] != winner]


def _paradigm(facts: Facts, row: Row) -> Evidence:
    attained = f"{facts.words.value(row[facts.column])} ({facts.words.span(row['low'], row['high'])})"
    members, relation = family_named(row["family"]).words.plural, RELATIONS[row["relation_to_best"]]
    sentence = f"Of the {members}, {row['candidate']} is best with {attained}, {relation}."
    place = {"file": PARADIGMS, "row": {"family": row["family"]}, "column": facts.column}
    return {"sentence": sentence, **place, "value": row[facts.column]}


def _gap(facts: Facts, candidate: str) -> Evidence:
    row = facts.rows[candidate]
    gap, overfit, shift = (
        _size(facts, row, part, f"{part}_low", f"{part}_high") for part in ("gap", "overfit", "shift")
    )
    parts = f"{overfit} of that between training and validation examples, {shift} between validation and test examples"
    told = facts.words.gap.format(size=gap) if row["gap"] >= 0 else f"{facts.words.gap_axis.partition(',')[0]} is {gap}"
    sentence = f"{candidate} {FITS[facts.fits[candidate]]}: {told}; {parts}."
    return _in_ranking(facts, candidate, "gap", sentence)


def _amount(facts: Facts) -> Evidence:
    judged = f"All were judged on the same {count_of(facts.examples, 'test example')}"
    trained = f"and trained with {count_of(facts.seeds, 'seed')} each."
    place = {"file": DATASET, "key": ["sizes", "test"]}
    return {"sentence": f"{judged} {trained}", **place, "value": facts.examples}


def _size(facts: Facts, row: Row, value: str, low: str, high: str) -> str:
    return f"{facts.words.difference(row[value])} ({facts.words.difference_span(row[low], row[high])})"
