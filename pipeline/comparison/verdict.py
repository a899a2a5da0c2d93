"""The answer: one pure function from the numbers of a comparison to verdict.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.comparison.overfitting import fit_word
from pipeline.comparison.ranking import Comparison
from pipeline.comparison.settling import Gulf, Needs, needs
from pipeline.comparison.statistics import ASSUMED_SPREAD
from pipeline.comparison.wording import (
    FAMILIES,
    count_of,
    duration,
    level,
    listed,
    percent,
    percent_range,
    points,
    points_range,
    short_name,
)

CHEAPER = 0.75  # "cheaper" is at most this share of the other's cost
FEW_SEEDS = 2  # up to here the spread between seeds is assumed or hardly known: every verdict is provisional
RANKING_FILE, PAIRWISE_FILE, PARADIGMS_FILE = "comparison/ranking.csv", "comparison/pairwise.csv", "comparison/paradigms.csv"
DATASET_FILE = "data/prepared/dataset.json"


@dataclass(frozen=True)
class Facts:
    """All that the verdict is made of.

    Attributes:
        comparison: the tables.
        parameters: model parameters of each candidate.
        train_accuracy: mean over seeds, of each candidate.
        dataset: dataset.json.
        seeds: how many.
        confidence, margin: of params.yaml's `compare`.
    """

    comparison: Comparison
    parameters: Mapping[str, int]
    train_accuracy: Mapping[str, float]
    dataset: Mapping[str, Any]
    seeds: int
    confidence: float
    margin: float

    @property
    def rows(self) -> pd.DataFrame:
        return self.comparison.ranking.set_index("candidate", drop=False)

    @property
    def examples(self) -> int:
        return int(self.dataset["sizes"]["test"])

    @property
    def majority_class(self) -> str:
        return str(self.dataset["class_names"][self.comparison.floor.label])


@dataclass(frozen=True)
class Choice:
    """Which candidate to take, and what stands against it.

    Attributes:
        winner: the highest mean test accuracy.
        equivalents: shown to be within the margin of the winner.
        contenders: the winner and all that are not shown to be worse, in rank order; those that beat the floor.
        recommended: None where nothing beats the floor and the floor does not compete.
        rivals: contenders that may yet overturn the recommendation.
    """

    winner: str
    equivalents: list[str]
    contenders: list[str]
    recommended: str | None
    rivals: list[str]
    beats_floor: bool

    @property
    def settled(self) -> bool:
        return self.beats_floor and not self.rivals


def decide(facts: Facts) -> dict[str, Any]:
    """The content of verdict.json."""
    choice = choose(facts)
    change = _what_would_change_it(facts, choice)
    return {
        "answer": _answer(facts, choice),
        "winner": choice.winner,
        "equivalents": choice.equivalents,
        "recommended": choice.recommended,
        "provisional": not choice.settled or facts.seeds <= FEW_SEEDS,
        "overfitting": _overfitting(facts),
        "confidence": _confidence(facts, choice),
        "what_would_change_it": change,
        "evidence": _evidence(facts, choice),
    }


def choose(facts: Facts) -> Choice:
    """The cheapest among the winner's equivalents; failing any, the cheapest that cannot be told from the winner."""
    table, floor = facts.comparison.ranking, facts.comparison.floor
    winner = str(table["candidate"].iloc[0])
    beating = table[table["candidate"].isin(floor.beaten_by)]
    contenders = [str(name) for name in beating.loc[beating["relation_to_best"] != "worse", "candidate"]]
    equivalents = [str(name) for name in beating.loc[beating["relation_to_best"] == "equivalent", "candidate"]]
    if not contenders:
        return Choice(winner, equivalents, [], floor.candidate, [], beats_floor=False)
    alike = {winner, *equivalents}
    pool = [name for name in contenders if name in alike] if equivalents else contenders
    recommended = cheapest(pool, facts.rows["cost_seconds"].to_dict(), facts.parameters)
    rivals = [name for name in contenders if name != recommended and _may_overturn(name, recommended, facts)]
    return Choice(winner, equivalents, contenders, recommended, rivals, beats_floor=True)


def cheapest(names: Sequence[str], costs: Mapping[str, float], parameters: Mapping[str, int]) -> str:
    """The one with the least cost; among those whose cost is less than a quarter above, fewest parameters, then name."""
    least = min(costs[name] for name in names)
    close = [name for name in names if least > CHEAPER * costs[name]]
    return min(close or names, key=lambda name: (parameters[name], name))


def _may_overturn(rival: str, recommended: str, facts: Facts) -> bool:
    """Whether the data leave open that the rival is better by more than the margin, or suffices at a lower cost."""
    pair = _pair(facts, rival, recommended)
    if pair["relation"] == "equivalent":
        return False
    costs = facts.rows["cost_seconds"]
    return bool(pair["high"] > facts.margin or costs[rival] <= CHEAPER * costs[recommended])


def _pair(facts: Facts, first: str, second: str) -> dict[str, Any]:
    """The row of pairwise.csv about two candidates, as the difference first minus second."""
    pairs = facts.comparison.pairs
    for a, b, sign in ((first, second, 1), (second, first, -1)):
        found = pairs[(pairs["a"] == a) & (pairs["b"] == b)]
        if len(found):
            row = found.iloc[0].to_dict()
            ends = sorted((sign * row["low"], sign * row["high"]))
            return row | {"difference": sign * row["difference"], "low": ends[0], "high": ends[1]}
    raise KeyError(f"comparison/pairwise.csv has no row for {first} and {second}")


def _overfitting(facts: Facts) -> dict[str, str]:
    best = float(facts.comparison.ranking["test_accuracy"].iloc[0])
    return {
        str(row["candidate"]): fit_word(facts.train_accuracy[row["candidate"]], row["gap_low"], best)
        for row in facts.comparison.ranking.to_dict("records")
    }


def _confidence(facts: Facts, choice: Choice) -> dict[str, Any]:
    """How sure, as a word with its reasons."""
    reasons = []
    if facts.seeds == 1:
        reasons.append(
            f"One seed says nothing about the spread between seeds; {ASSUMED_SPREAD * 100:.0f} points were assumed."
        )
    elif facts.seeds <= FEW_SEEDS:
        reasons.append(f"With {count_of(facts.seeds, 'seed')} the spread between seeds is hardly known.")
    if not choice.beats_floor:
        reasons.append("No candidate is shown to beat always guessing the most common class.")
    if choice.rivals:
        reasons.append(f"{count_of(len(choice.rivals), 'candidate')} may yet turn out better or cheaper.")
    if not reasons:
        reasons.append(
            f"The recommendation holds at {level(facts.confidence)} confidence, corrected for the number of comparisons."
        )
    word = "high" if choice.settled and facts.seeds > FEW_SEEDS else "moderate"
    return {"level": facts.confidence, "word": "low" if facts.seeds == 1 else word, "reasons": reasons}


def _answer(facts: Facts, choice: Choice) -> str:
    """One sentence with its uncertainty. The interval holds after the selection among all candidates."""
    floor = facts.comparison.floor
    if not choice.beats_floor:
        best = facts.rows.loc[choice.winner]
        return (
            f"Nothing here is shown to beat always guessing the most common class ({facts.majority_class}, "
            f"{percent(floor.accuracy)}): the best, {choice.winner}, reaches {percent(best['test_accuracy'])} "
            f"({level(facts.confidence)} interval {percent_range(best['low'], best['high'])})."
        )
    recommended = str(choice.recommended)
    family = str(facts.rows.loc[recommended, "family"])
    if choice.settled:
        lead = {
            "classical": f"Classical machine learning suffices: {_described(facts, recommended)}",
            "cnn": f"A small CNN trained from scratch suffices: {_described(facts, recommended)}",
            "finetune": f"Use {_described(facts, recommended)}:",
        }[family]
        verb = " it is" if family == "finetune" else " is"
        return f"{lead}{verb} right on {_accuracy(facts, recommended)}{_standing(facts, choice)}{_seed_caveat(facts)}."
    return (
        f"{_undecided(facts, choice)}; provisionally use {_described(facts, recommended)}, right on "
        f"{_accuracy(facts, recommended)}, the {_place(choice)} of {len(choice.contenders)} that "
        f"{count_of(facts.examples, 'test example')} and {count_of(facts.seeds, 'seed')} cannot tell apart{_seed_caveat(facts)}."
    )


def _described(facts: Facts, candidate: str) -> str:
    row = facts.rows.loc[candidate]
    if row["family"] == "finetune":
        return f"backbone {row['backbone']} with technique {row['technique']}"
    return short_name(candidate, row["family"])


def _accuracy(facts: Facts, candidate: str) -> str:
    low, high = facts.comparison.after_selection[candidate]
    return (
        f"{percent(facts.rows.loc[candidate, 'test_accuracy'])} of unseen examples "
        f"({level(facts.confidence)} interval {percent_range(low, high)})"
    )


def _standing(facts: Facts, choice: Choice) -> str:
    if choice.recommended != choice.winner:
        return f", equivalent to the best within {points(facts.margin)} and cheaper"
    others = len(facts.comparison.ranking) - 1
    if choice.equivalents:
        return f", and none of the {count_of(len(choice.equivalents), 'candidate')} equivalent to it is cheaper"
    worse = int((facts.comparison.ranking["relation_to_best"] == "worse").sum())
    return f", more than any of the {others} others" if worse == others and others > 1 else ""


def _seed_caveat(facts: Facts) -> str:
    return "" if facts.seeds > FEW_SEEDS else f" (provisional: {count_of(facts.seeds, 'seed')} only)"


def _undecided(facts: Facts, choice: Choice) -> str:
    families = list(dict.fromkeys(facts.rows.loc[choice.contenders, "family"]))
    if len(families) > 1:
        return f"Undecided between {listed([FAMILIES[family] for family in families])}"
    return {
        "classical": "Classical machine learning is enough, but which model is undecided",
        "cnn": "A CNN trained from scratch is enough, but which one is undecided",
        "finetune": "Fine-tune a pretrained backbone, but which one and how is undecided",
    }[str(families[0])]


def _place(choice: Choice) -> str:
    return "best and cheapest" if choice.recommended == choice.winner else "cheapest"


def _what_would_change_it(facts: Facts, choice: Choice) -> dict[str, Any]:
    """The pair that the recommendation hangs on, the margin that it resolves, and what would settle it."""
    rival = _strongest_rival(facts, choice)
    if rival is None or choice.recommended is None:
        sentence = "Other data or other candidates; what was measured leaves no rival."
        return {"sentence": sentence, "rival": None, "resolvable_margin": None, "seeds": None, "examples": None, "both": None}
    pair = _pair(facts, rival, choice.recommended)
    gulf = Gulf(
        pair["difference"], pair["example_variance"], pair["seed_variance"], seeds=facts.seeds, examples=facts.examples
    )
    wanted = needs(gulf, facts.margin, facts.confidence, len(facts.comparison.pairs))
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
    """The rival that may be ahead by most; with none, the next in rank."""
    if not choice.beats_floor:
        return None
    others = choice.rivals or [name for name in facts.rows.index if name != choice.recommended][:1]
    if not others:
        return None
    return max(others, key=lambda name: (_pair(facts, name, str(choice.recommended))["high"], name))


def _change_sentence(
    facts: Facts, choice: Choice, rival: str, pair: Mapping[str, Any], resolvable: float, wanted: Needs
) -> str:
    measured = f"{rival} against {choice.recommended}: {points(pair['difference'])} ({points_range(pair['low'], pair['high'])})"
    resolves = f"the smallest margin that this test set resolves between the two is {points(resolvable)}"
    if choice.settled:
        return f"The closest candidate is {measured}; {resolves}. Other data would reopen the question."
    ways = []
    if wanted.seeds is not None:
        ways.append(f"{count_of(wanted.seeds, 'seed')} in place of {facts.seeds}")
    if wanted.examples is not None:
        ways.append(f"{count_of(wanted.examples, 'test example')} in place of {facts.examples:,}")
    if not ways:
        ways.append(f"{count_of(wanted.both[0], 'seed')} and {count_of(wanted.both[1], 'test example')} together")
    return f"The strongest rival is {measured}; {resolves}. About {listed(ways, 'or')} would settle it."


def _evidence(facts: Facts, choice: Choice) -> list[dict[str, Any]]:
    """What the answer rests on: each sentence with the file, the row and column (or JSON key) and the value there."""
    rows = [_ranking_evidence(facts, choice.winner, "test_accuracy", _winner_sentence(facts, choice.winner))]
    if choice.recommended not in (None, choice.winner):
        rows.append(_pair_evidence(facts, choice))
        rows.append(_cost_evidence(facts, choice))
    rows.append(_floor_evidence(facts))
    rows.extend(_paradigm_evidence(facts))
    if choice.beats_floor and choice.recommended is not None:
        rows.append(_gap_evidence(facts, choice.recommended))
    rows.append(
        {
            "sentence": f"All were judged on the same {count_of(facts.examples, 'test example')}, "
            f"with {count_of(facts.seeds, 'seed')} each.",
            "file": DATASET_FILE,
            "key": ["sizes", "test"],
            "value": facts.examples,
        }
    )
    return rows


def _ranking_evidence(facts: Facts, candidate: str, column: str, sentence: str) -> dict[str, Any]:
    value = float(facts.rows.loc[candidate, column])
    return {"sentence": sentence, "file": RANKING_FILE, "row": {"candidate": candidate}, "column": column, "value": value}


def _winner_sentence(facts: Facts, winner: str) -> str:
    row = facts.rows.loc[winner]
    return (
        f"{winner} has the highest mean test accuracy, {percent(row['test_accuracy'])} "
        f"({percent_range(row['low'], row['high'])})."
    )


def _pair_evidence(facts: Facts, choice: Choice) -> dict[str, Any]:
    pairs = facts.comparison.pairs
    row = pairs[(pairs["a"] == choice.winner) & (pairs["b"] == choice.recommended)].iloc[0]
    told = {
        "equivalent": f"equivalent within the margin of {points(facts.margin)}",
        "indistinguishable": "which these data cannot tell from no difference",
    }[row["relation"]]
    return {
        "sentence": f"{choice.winner} is ahead of {choice.recommended} by {points(row['difference'])} "
        f"({points_range(row['low'], row['high'])}), {told}.",
        "file": PAIRWISE_FILE,
        "row": {"a": choice.winner, "b": choice.recommended},
        "column": "difference",
        "value": float(row["difference"]),
    }


def _cost_evidence(facts: Facts, choice: Choice) -> dict[str, Any]:
    costs = facts.rows["cost_seconds"]
    own, other = float(costs[choice.recommended]), float(costs[choice.winner])
    sentence = f"Training {choice.recommended} once takes {duration(own)}, {choice.winner} {duration(other)}."
    return _ranking_evidence(facts, str(choice.recommended), "cost_seconds", sentence)


def _floor_evidence(facts: Facts) -> dict[str, Any]:
    floor, name = facts.comparison.floor, facts.majority_class
    beaten = len(floor.beaten_by)
    competing = len(facts.comparison.ranking) - (floor.candidate is not None)
    return {
        "sentence": f"Always guessing the most common class, {name}, is right on {percent(floor.accuracy)}; "
        f"{beaten} of {count_of(competing, 'candidate')} are shown to beat it.",
        "file": DATASET_FILE,
        "key": ["counts", "test", name],
        "value": facts.dataset["counts"]["test"][name],
    }


def _paradigm_evidence(facts: Facts) -> list[dict[str, Any]]:
    said = {
        "best": "which nothing beats",
        "equivalent": "equivalent to the best",
        "indistinguishable": "which cannot be told from the best",
        "worse": "worse than the best",
    }
    found = []
    for row in facts.comparison.paradigms.to_dict("records"):
        paradigm = FAMILIES[row["family"]]
        found.append(
            {
                "sentence": f"The best of {paradigm}, {row['candidate']}, reaches {percent(row['test_accuracy'])} "
                f"({percent_range(row['low'], row['high'])}), {said[row['relation_to_best']]}.",
                "file": PARADIGMS_FILE,
                "row": {"family": row["family"]},
                "column": "test_accuracy",
                "value": float(row["test_accuracy"]),
            }
        )
    return found


def _gap_evidence(facts: Facts, candidate: str) -> dict[str, Any]:
    row = facts.rows.loc[candidate]
    sentence = (
        f"{candidate} {_overfitting(facts)[candidate]}: it is more accurate on its training examples than on unseen "
        f"ones by {points(row['gap'])} ({points_range(row['gap_low'], row['gap_high'])})."
    )
    if _overfitting(facts)[candidate] == "sound":
        sentence = sentence.replace(" sound: it", " is sound: it", 1)
    return _ranking_evidence(facts, candidate, "gap", sentence)
