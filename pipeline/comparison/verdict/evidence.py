"""What the answer rests on: sentences, each with the file and the place in it where its number stands."""

from __future__ import annotations

from typing import Any

from pipeline.comparison.tables.frames import records
from pipeline.comparison.verdict.facts import Facts
from pipeline.comparison.verdict.labels_needed import growth_evidence
from pipeline.comparison.verdict.recommendation import Choice
from pipeline.comparison.verdict.words import MEMBERS, count_of, duration, percent
from pipeline.scores import RMSE

RANKING = "comparison/ranking.csv"
PAIRWISE = "comparison/pairwise.csv"
PARADIGMS = "comparison/paradigms.csv"
DATASET = "data/prepared/dataset.json"

RELATIONS = {
    "best": "the most accurate attempt",
    "equivalent": "equivalent to the best of all",
    "indistinguishable": "not shown to be worse than the best of all",
    "worse": "worse than the best of all",
}
FITS = {"underfits": "underfits", "overfits": "overfits", "sound": "fits soundly"}


def evidence(facts: Facts, choice: Choice) -> list[dict[str, Any]]:
    """Entries with sentence, file and value; and row and column (CSV) or key, a list of keys (JSON), to find it by."""
    found = [_winner(facts, choice.winner)]
    if choice.beats_floor and choice.recommended not in (None, choice.winner):
        found += [_difference(facts, choice), _cost(facts, choice)]
    found.append(_floor(facts))
    found += _paradigms(facts, choice.winner)
    if choice.beats_floor and choice.recommended is not None:
        found.append(_gap(facts, choice.recommended))
    return [*found, *growth_evidence(facts.growth), _amount(facts)]


def _in_ranking(facts: Facts, candidate: str, column: str, sentence: str) -> dict[str, Any]:
    place = {"file": RANKING, "row": {"candidate": candidate}, "column": column}
    return {"sentence": sentence, **place, "value": facts.rows[candidate][column]}


def _winner(facts: Facts, winner: str) -> dict[str, Any]:
    row = facts.rows[winner]
    interval, reached = facts.words.span(row["low"], row["high"]), facts.words.value(row[facts.column])
    best = "lowest" if facts.score is RMSE else "highest"
    sentence = f"{winner} has the {best} mean {facts.words.name}, {reached} ({interval} on its own)."
    return _in_ranking(facts, winner, facts.column, sentence)


def _difference(facts: Facts, choice: Choice) -> dict[str, Any]:
    a, b = choice.winner, str(choice.recommended)
    pair = facts.pairs[a, b]
    told = f"too little to tell them apart where the best was picked out of {count_of(len(facts.rows), 'candidate')}"
    if pair["relation"] == "equivalent":
        told = f"equivalent within the margin of {facts.words.difference(facts.margin)}"
    size = f"{facts.words.difference(pair['difference'])} ({facts.words.difference_span(pair['low'], pair['high'])})"
    return {
        "sentence": f"{a} is ahead of {b} by {size}, {told}.",
        "file": PAIRWISE,
        "row": {"a": a, "b": b},
        "column": "difference",
        "value": pair["difference"],
    }


def _cost(facts: Facts, choice: Choice) -> dict[str, Any]:
    own, other = facts.costs[str(choice.recommended)], facts.costs[choice.winner]
    sentence = f"Training {choice.recommended} once takes {duration(own)}, {choice.winner} {duration(other)}."
    return _in_ranking(facts, str(choice.recommended), "cost_seconds", sentence)


def _floor(facts: Facts) -> dict[str, Any]:
    floor = facts.comparison.floor
    competing = len(facts.rows) - (floor.candidate is not None)
    if facts.score is RMSE:
        shown = f"{len(floor.beaten_by)} of {count_of(competing, 'candidate')} are shown to beat that."
        return {
            "sentence": f"{facts.words.floor_name.capitalize()} is off by {facts.words.value(floor.accuracy)}; {shown}",
            "file": DATASET,
            "key": ["floor", "test_rmse"],
            "value": facts.dataset["floor"]["test_rmse"],
        }
    name = facts.majority_class
    return {
        "sentence": f"Always guessing the most common class, {name}, is right on {percent(floor.accuracy)}; "
        f"{len(floor.beaten_by)} of {count_of(competing, 'candidate')} are shown to beat that.",
        "file": DATASET,
        "key": ["counts", "test", name],
        "value": facts.dataset["counts"]["test"][name],
    }


def _paradigms(facts: Facts, winner: str) -> list[dict[str, Any]]:
    """The best of every family, save that of the winner, who has a sentence already."""
    found = []
    for row in records(facts.comparison.paradigms):
        if row["candidate"] == winner:
            continue
        reached = f"{facts.words.value(row[facts.column])} ({facts.words.span(row['low'], row['high'])})"
        relation = RELATIONS[row["relation_to_best"]]
        sentence = f"Of the {MEMBERS[row['family']]}, {row['candidate']} is best with {reached}, {relation}."
        place = {"file": PARADIGMS, "row": {"family": row["family"]}, "column": facts.column}
        found.append({"sentence": sentence, **place, "value": row[facts.column]})
    return found


def _gap(facts: Facts, candidate: str) -> dict[str, Any]:
    row, word = facts.rows[candidate], facts.fits[candidate]
    size = f"{facts.words.difference(row['gap'])} ({facts.words.difference_span(row['gap_low'], row['gap_high'])})"
    sentence = f"{candidate} {FITS[word]}: training examples are recognised more often than unseen ones by {size}."
    if facts.score is RMSE:
        sentence = (
            f"{candidate} {FITS[word]}: it is further off on unseen examples than on its training ones by {size}."
        )
    return _in_ranking(facts, candidate, "gap", sentence)


def _amount(facts: Facts) -> dict[str, Any]:
    judged = f"All were judged on the same {count_of(facts.examples, 'test example')}"
    trained = f"and trained with {count_of(facts.seeds, 'seed')} each."
    place = {"file": DATASET, "key": ["sizes", "test"]}
    return {"sentence": f"{judged} {trained}", **place, "value": facts.examples}
