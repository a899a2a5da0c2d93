"""The facts that the verdict and the report are made of: plain data, put together once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.costs import Work, measure_work
from pipeline.comparison.tables.design import SINGLE_EXAMPLES, ExampleDesign
from pipeline.comparison.tables.ensembles.ensemble import GREEDY
from pipeline.comparison.tables.ensembles.gains import Gains
from pipeline.comparison.tables.frames import Row, records
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.tables.studies.growth import Growth, no_growth
from pipeline.comparison.tables.studies.origins import Parts
from pipeline.comparison.tables.studies.other_scores import Advised
from pipeline.comparison.verdict.overfitting import describe_fits
from pipeline.floors import Floor
from pipeline.params.compare import ENSEMBLE, Compare, Prefer
from pipeline.scores.score import Score, ScoreWords
from pipeline.scores.score_for_task import floor_for, score_of


@dataclass(frozen=True)
class Known:
    """What is known of a candidate beside its row of ranking.csv.

    Attributes:
        parameters: of its model.
        work: that it takes to train and to answer with.
        train_score: mean over seeds of its score on its training examples.
        spread: standard deviation between its seeds' test scores; 0 with one seed.
    """

    parameters: int
    work: Work
    train_score: float
    spread: float


@dataclass(frozen=True)
class Facts:
    """What is known of the candidates and of the data that they were compared on. Numbers are in the score's units.

    Attributes:
        comparison: the tables.
        rows: of ranking.csv, by candidate, in rank order.
        pairs: of pairwise.csv, by two candidates in either order; the difference is the first minus the second.
        known: of each candidate.
        fits: underfits, sound or overfits, of each candidate.
        dataset: dataset.json.
        kind: images, table or series.
        score: what candidates are ranked by; column: its column in the tables; words: how it is put.
        floor: what any model must beat; how it does stands in `comparison.floor`.
        seeds, examples: how many of each every candidate was tested with.
        groups: how many groups the test examples are of; None where each is on its own.
        groups_of_class: how many of them hold a class, where each holds one class only; else empty.
        majority_class: the class that the floor says, such as the most common one; empty where it says none.
        confidence, margin, tolerance, prefer: of params.yaml's `compare`.
        unit: what the margin and other shares are of: 1, or the floor's value of the score.
        growth: the data-size study; without rows where there was none.
        others: what other scores advise, where that was asked.
        parts: of a series, the scores of consecutive parts of its test stretch; None where examples have no order.
        gains: what ensembles bring; None where none competes.
    """

    comparison: Comparison
    rows: Mapping[str, Row]
    pairs: Mapping[tuple[str, str], Row]
    known: Mapping[str, Known]
    fits: Mapping[str, str]
    dataset: Mapping[str, Any]
    kind: str
    score: Score
    column: str
    words: ScoreWords
    floor: Floor
    seeds: int
    examples: int
    groups: int | None
    groups_of_class: Mapping[str, int]
    majority_class: str
    confidence: float
    margin: float
    tolerance: float
    prefer: Prefer
    unit: float
    growth: Growth
    parts: Parts | None = None
    others: Sequence[Advised] = ()
    gains: Gains | None = None

    @property
    def ensembles(self) -> set[str]:
        """The candidates that are made of others."""
        return {name for name, row in self.rows.items() if row["family"] == ENSEMBLE}

    @property
    def ensembles_of_seeds(self) -> set[str]:
        """Those that more seeds would make into others, in place of telling more of them."""
        return self.ensembles - {GREEDY.name}


def know_candidates(measured: Sequence[Measured], outcomes: Outcomes, dataset: Mapping[str, Any]) -> dict[str, Known]:
    """Everything beside the tables that the verdict goes by.

    Args:
        dataset: dataset.json.
    """
    work, unit = measure_work(measured, dataset), outcomes.unit
    train = unit * outcomes.score.sign * outcomes.train_scores.mean(axis=1)  # (C,)
    by_seed = unit * outcomes.contributions.mean(axis=2)  # (C, S)
    spread = by_seed.std(axis=1, ddof=1) if by_seed.shape[1] > 1 else np.zeros(len(by_seed))
    return {
        one.name: Known(one.parameters, work[one.name], float(train[place]), float(spread[place]))
        for place, one in enumerate(measured)
    }


def state_facts(
    comparison: Comparison,
    known: Mapping[str, Known],
    dataset: Mapping[str, Any],
    seeds: int,
    settings: Compare,
    unit: float = 1.0,
    design: ExampleDesign = SINGLE_EXAMPLES,
    growth: Growth | None = None,
    parts: Parts | None = None,
    others: Sequence[Advised] = (),
    gains: Gains | None = None,
) -> Facts:
    """The arguments are as the attributes of Facts.

    Args:
        settings: `compare` of params.yaml.
        design: how the examples belong together.
    """
    kind, names = str(dataset.get("kind", "images")), dataset["class_names"]
    score = score_of(dataset["task"], settings, names)
    rows = {str(row["candidate"]): row for row in records(comparison.ranking)}
    return Facts(
        comparison=comparison,
        rows=rows,
        pairs=pairs_both_ways(records(comparison.pairs)),
        known=known,
        fits=describe_fits(rows, {name: one.train_score for name, one in known.items()}, score, unit),
        dataset=dataset,
        kind=kind,
        score=score,
        column=score.column,
        words=score.words,
        floor=floor_for(score, dataset["task"], kind),
        seeds=seeds,
        examples=int(dataset["sizes"]["test"]),
        groups=design.test_groups,
        groups_of_class={str(names[label]): count for label, count in design.groups_of_class.items()},
        majority_class=str(names[comparison.floor.label]) if comparison.floor.label >= 0 else "",
        confidence=settings.confidence,
        margin=settings.margin * unit,
        tolerance=settings.tolerated_regret * unit,
        prefer=settings.prefer,
        unit=unit,
        growth=growth or no_growth(),
        parts=parts,
        others=others,
        gains=gains,
    )


def pairs_both_ways(pairs: list[Row]) -> dict[tuple[str, str], Row]:
    """Rows of pairwise.csv by (a, b), and turned by (b, a); `relation` stays what the better-ranked one is."""
    both: dict[tuple[str, str], Row] = {}
    for row in pairs:
        both[row["a"], row["b"]] = row
        turned = {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
        both[row["b"], row["a"]] = row | turned
    return both
