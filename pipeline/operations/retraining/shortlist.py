"""Which candidates a scheduled retraining trains anew, and what came of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from pipeline.champions.served.deployed import recorded_ensembles
from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.comparison import Comparison, compare_candidates
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.ensembles.building import make_ensembles
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.ensembles.library import SPLITS
from pipeline.comparison.tables.ensembles.verdict_entry import record_of
from pipeline.comparison.tables.measurements import Measured, probabilities_asked, read_measurements
from pipeline.configuration.whole import Params
from pipeline.floors import LAST_VALUE
from pipeline.ground.files import read_json
from pipeline.ground.paths import DATASET, RANKING, VERDICT
from pipeline.params.compare import Ensembles, soup_stage
from pipeline.params.training.candidates import Candidate
from pipeline.scores.score_for_task import floor_for, score_of

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
        ensemble: which models it holds, as verdict.json would say it; None where it is a trained candidate.
        others: where it is an ensemble, what comes next in the ranking, down to the best trained candidate: these may
            be promoted where the ensemble is too slow.
    """

    candidate: str
    interval: list[float]
    compared: int
    beats_floor: bool
    floor: str
    accuracies: dict[str, float]
    ensemble: dict[str, Any] | None = None
    others: tuple[Challenge, ...] = ()


def choose_shortlist(params: Params, champion: Sequence[str] = (), waiting: Sequence[str] = ()) -> list[Candidate]:
    """The champion's recipe, then what the last comparison recommends, then all that it did not show to be worse.

    Of a series the last value comes besides: it is the floor, and without it nothing says what that is.

    Of an ensemble its members are trained. Without a comparison there is only the champion's recipe; without a champion
    either, or where it does not compete any more, everything.

    Args:
        params: the parameters; `retrain.shortlist` is the most that are chosen.
        champion: the candidate that is champion, or the members of the ensemble that is.
        waiting: the same of a registered version that nobody has decided on; these are always among the chosen.
    """
    candidates = {candidate.name: candidate for candidate in params.candidates()}
    first = [name for name in dict.fromkeys([*champion, *waiting]) if name in candidates]
    others = [name for name in dict.fromkeys(_standing_in_comparison()) if name in candidates and name not in first]
    named = [*first, *others][: max(params.retrain.shortlist, len(first))]
    if not named:
        return list(candidates.values())
    floor = LAST_VALUE.candidate
    if params.data.kind == "series" and floor in candidates and floor not in named:
        named.append(floor)
    return [candidates[str(name)] for name in named]


def evaluate_targets(candidates: Sequence[Candidate], soups: Collection[str] = ()) -> list[str]:
    """Their evaluate stages in dvc.yaml, and those of their soups; DVC runs what these need first.

    Args:
        soups: of which candidates there are any.
    """
    evaluated = [candidate.evaluation_stage for candidate in candidates]
    return [*evaluated, *(soup_stage(candidate.name) for candidate in candidates if candidate.name in soups)]


def pick_challenger(candidates: Sequence[Candidate], params: Params) -> Challenge:
    """The statistics of `compare` on these candidates alone.

    Raises:
        ComparisonError: one of them was not evaluated on the current data.
    """
    dataset = read_json(DATASET)
    score = score_of(dataset["task"], params.compare, dataset["class_names"])
    ensembles = params.compare.ensembles
    trained = read_measurements(candidates, SPLITS if ensembles.kinds else probabilities_asked(score))
    measured = [*trained, *make_ensembles(trained, ensembles_among(ensembles, trained), score)]
    kind = dataset.get("kind", "images")
    design = read_design(measured, kind)
    outcomes = align(measured, design.groups, design.order, score)
    comparison = compare_candidates(measured, outcomes, params.compare)
    rows = comparison.ranking.to_dict("records")
    ensembles_made = {one.name: record_of(one) for one in measured if isinstance(one, Ensemble)}
    best, *others = [
        Challenge(
            candidate=name,
            interval=[comparison.deployed[name].low, comparison.deployed[name].high],
            compared=len(rows),
            beats_floor=_beats_floor(name, comparison),
            floor=floor_for(score, dataset["task"], kind).name,
            accuracies={str(row["candidate"]): float(row[score.column]) for row in rows},
            ensemble=ensembles_made.get(name),
        )
        for name in contenders([str(row["candidate"]) for row in rows], ensembles_made)
    ]
    return replace(best, others=tuple(others))


def contenders(ranked: Sequence[str], ensembles: Collection[str]) -> list[str]:
    """The best of the ranking; where that is an ensemble, what follows too, down to the best trained candidate.

    >>> contenders(["ensemble-greedy", "cnn-lecture", "mlp-lecture"], ["ensemble-greedy"])
    ['ensemble-greedy', 'cnn-lecture']
    """
    return list(ranked[: next(place for place, name in enumerate(ranked, 1) if name not in ensembles)])


def ensembles_among(wanted: Ensembles, trained: Sequence[Measured]) -> Ensembles:
    """Those that the shortlist can make; a selection needs two candidates to choose from."""
    attempts = [one.name for one in trained if not one.is_floor]
    kinds = [kind for kind in wanted.kinds if kind != "greedy" or len(attempts) > 1]
    of = None if wanted.of is None else [name for name in wanted.of if name in attempts]
    soups = [name for name in wanted.soups if name in attempts]
    return wanted.model_copy(update={"kinds": kinds, "of": of, "soups": soups})


def _beats_floor(candidate: str, comparison: Comparison) -> bool:
    return candidate in comparison.floor.beaten_by


def _standing_in_comparison() -> list[str]:
    """Recommended first, then those that are not shown to be worse than the best, by rank; ensembles as members."""
    if not (RANKING.is_file() and VERDICT.is_file()):
        return []
    recommended: Any = read_json(VERDICT).get("recommended")
    ranking = pd.read_csv(RANKING)
    standing = ranking.loc[ranking["relation_to_best"].isin(STANDING), "candidate"]
    ensembles, named = recorded_ensembles(), [*([recommended] if recommended else []), *standing]
    return [member for name in named for member in (ensembles[name]["members"] if name in ensembles else [name])]
