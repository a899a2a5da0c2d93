"""Which candidates a scheduled retraining trains anew, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.champions.servable import best_seed
from pipeline.comparison.statistics.intervals import after_selection
from pipeline.comparison.statistics.outcomes import Outcomes
from pipeline.comparison.statistics.quantities import score_quantity, units_of_test
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import Comparison, compare_candidates
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.measurements import Measured, probabilities_asked, read_measurements
from pipeline.comparison.tables.units import range_in_units
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET, RANKING, VERDICT
from pipeline.params.training.candidates import Candidate
from pipeline.scores.choice import floor_for, score_of

STANDING = ("best", "equivalent", "indistinguishable")


@dataclass(frozen=True)
class Challenge:
    """The best of the retrained candidates.

    Attributes:
        candidate: its name.
        interval: of the test score of its best seed's model, wide enough for having been picked here.
        compared: among how many it was picked.
        beats_floor: whether it is shown to beat the floor.
        floor: what that is, such as "always guessing the most common class".
        accuracies: of all that were compared, by name: what they were ranked by.
    """

    candidate: str
    interval: list[float]
    compared: int
    beats_floor: bool
    floor: str
    accuracies: dict[str, float]


def choose_shortlist(params: Params, champion: str | None, waiting: str | None = None) -> list[Candidate]:
    """The champion's recipe, then what the last comparison recommends, then all that it did not show to be worse.

    Without a comparison there is only the champion's recipe; without a champion either, or where it does not compete
    any more, everything.

    Args:
        params: the parameters; `retrain.shortlist` is the most that are chosen.
        champion: the candidate that is champion.
        waiting: a candidate whose registered version nobody has decided on; it is always among the chosen.
    """
    candidates = {candidate.name: candidate for candidate in params.candidates()}
    first = [name for name in dict.fromkeys([champion, waiting]) if name in candidates]
    others = [name for name in dict.fromkeys(_standing_in_comparison()) if name in candidates and name not in first]
    named = [*first, *others][: max(params.retrain.shortlist, len(first))]
    return [candidates[str(name)] for name in named] or list(candidates.values())


def evaluate_targets(candidates: Sequence[Candidate]) -> list[str]:
    """Their evaluate stages in dvc.yaml; DVC runs what these need first."""
    return [candidate.evaluation_stage for candidate in candidates]


def pick_challenger(candidates: Sequence[Candidate], params: Params) -> Challenge:
    """The statistics of `compare` on these candidates alone.

    Raises:
        ComparisonError: one of them was not evaluated on the current data.
    """
    dataset = read_json(DATASET)
    score = score_of(dataset["task"], params.compare, dataset["class_names"])
    measured = read_measurements(candidates, probabilities_asked(score))
    kind = dataset.get("kind", "images")
    design = read_design(measured, kind)
    outcomes = align(measured, design.groups, design.order, score)
    comparison = compare_candidates(measured, outcomes, params.compare)
    rows = comparison.ranking.to_dict("records")
    best = str(rows[0]["candidate"])
    return Challenge(
        candidate=best,
        interval=interval_of_deployed(best, measured, outcomes, params),
        compared=len(rows),
        beats_floor=_beats_floor(best, comparison),
        floor=floor_for(score, dataset["task"], kind).name,
        accuracies={str(row["candidate"]): float(row[score.column]) for row in rows},
    )


def interval_of_deployed(best: str, measured: Sequence[Measured], outcomes: Outcomes, params: Params) -> list[float]:
    """Of the model that would be served, not of its recipe; it holds for whichever candidate is picked."""
    seeds = [outcomes.seeds.index(best_seed(one.trial)) for one in measured]
    deployed = outcomes.contributions[np.arange(len(measured)), seeds][:, None]  # (C, 1, N)
    quantity = score_quantity(deployed, params.compare.resamples, units_of_test(outcomes)).of_trained_models()
    low, high = after_selection(quantity, params.compare.confidence, outcomes.bounds)
    place = outcomes.candidates.index(best)
    return list(range_in_units(low[place], high[place], outcomes))


def _beats_floor(candidate: str, comparison: Comparison) -> bool:
    return candidate in comparison.floor.beaten_by


def _standing_in_comparison() -> list[str]:
    """Recommended first, then those that are not shown to be worse than the best, by rank."""
    if not (RANKING.is_file() and VERDICT.is_file()):
        return []
    recommended: Any = read_json(VERDICT).get("recommended")
    ranking = pd.read_csv(RANKING)
    standing = ranking.loc[ranking["relation_to_best"].isin(STANDING), "candidate"]
    return [*([recommended] if recommended else []), *standing]
