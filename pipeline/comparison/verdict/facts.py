"""The facts that the verdict and the report are made of: plain data, put together once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.frames import Row, records
from pipeline.comparison.tables.studies.growth import Growth, no_growth
from pipeline.comparison.verdict.overfitting import fit_word
from pipeline.floors import Floor, floor_of
from pipeline.scores import Score, ScoreWords, score_of


@dataclass(frozen=True)
class Facts:
    """What is known of the candidates and of the data that they were compared on.

    Attributes:
        comparison: the tables.
        rows: of ranking.csv, by candidate, in rank order.
        pairs: of pairwise.csv, by two candidates in either order; the difference is the first minus the second.
        costs: seconds that training one seed takes, of each candidate.
        parameters: model parameters of each candidate.
        train_scores: mean over seeds of each candidate's accuracy (or RMSE) on its training examples.
        fits: underfits, sound or overfits, of each candidate.
        dataset: dataset.json.
        kind: images, table or series.
        score: what candidates are ranked by; column: its column in the tables; words: how it is put.
        floor: what any model must beat; how it does stands in `comparison.floor`.
        seeds, examples: how many of each every candidate was tested with.
        majority_class: the most common class; empty for a regression.
        confidence, margin: of params.yaml's `compare`; the margin in the score's own units.
        unit: what the margin and other shares are of: 1, or the RMSE of the floor.
        growth: the data-size study; without rows where there was none.
    """

    comparison: Comparison
    rows: Mapping[str, Row]
    pairs: Mapping[tuple[str, str], Row]
    costs: Mapping[str, float]
    parameters: Mapping[str, int]
    train_scores: Mapping[str, float]
    fits: Mapping[str, str]
    dataset: Mapping[str, Any]
    kind: str
    score: Score
    column: str
    words: ScoreWords
    floor: Floor
    seeds: int
    examples: int
    majority_class: str
    confidence: float
    margin: float
    unit: float
    growth: Growth


def state_facts(
    comparison: Comparison,
    parameters: Mapping[str, int],
    train_scores: Mapping[str, float],
    dataset: Mapping[str, Any],
    seeds: int,
    confidence: float,
    margin: float,
    unit: float = 1.0,
    growth: Growth | None = None,
) -> Facts:
    """The arguments are as the attributes of Facts."""
    score, kind = score_of(dataset["task"]), str(dataset.get("kind", "images"))
    rows = {str(row["candidate"]): row for row in records(comparison.ranking)}
    names = dataset["class_names"]
    return Facts(
        comparison=comparison,
        rows=rows,
        pairs=pairs_both_ways(records(comparison.pairs)),
        costs={name: float(row["cost_seconds"]) for name, row in rows.items()},
        parameters=parameters,
        train_scores=train_scores,
        fits=describe_fits(rows, train_scores, score, unit),
        dataset=dataset,
        kind=kind,
        score=score,
        column=score.column,
        words=score.words,
        floor=floor_of(dataset["task"], kind),
        seeds=seeds,
        examples=int(dataset["sizes"]["test"]),
        majority_class=str(names[comparison.floor.label]) if names else "",
        confidence=confidence,
        margin=margin,
        unit=unit,
        growth=growth or no_growth(),
    )


def pairs_both_ways(pairs: list[Row]) -> dict[tuple[str, str], Row]:
    """Rows of pairwise.csv by (a, b), and turned by (b, a); `relation` stays what the better-ranked one is."""
    both: dict[tuple[str, str], Row] = {}
    for row in pairs:
        both[row["a"], row["b"]] = row
        both[row["b"], row["a"]] = row | {
            "difference": -row["difference"],
            "low": -row["high"],
            "high": -row["low"],
        }
    return both


def describe_fits(
    rows: Mapping[str, Row], train_scores: Mapping[str, float], score: Score, unit: float
) -> dict[str, str]:
    """underfits, sound or overfits, for each candidate."""
    best = score.sign * next(iter(rows.values()))[score.column]
    return {name: fit_word(score.sign * train_scores[name], row["gap_low"], best, unit) for name, row in rows.items()}
