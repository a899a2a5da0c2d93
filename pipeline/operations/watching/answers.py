"""What a champion's answers say of how it does, whatever it was asked about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.served.servable import ranked_by
from pipeline.champions.versions import Champion
from pipeline.datasets.store.prepared import TEST, PreparedError, load_prepared
from pipeline.operations.retraining.contenders import ReigningChampion, groups_of
from pipeline.operations.retraining.drift import KINDS, Sample, visible_fall
from pipeline.operations.retraining.estimated_score import ScoreEstimate, Unlabelled, estimate_score, first_of_each
from pipeline.operations.retraining.row_drift import Shift
from pipeline.operations.watching.findings import EXPECTED, EXTRAPOLATED, NOTHING_MEANT, PICKED, Findings
from pipeline.operations.watching.input_drift import InputDrift, output_drift
from pipeline.params.compare import Compare
from pipeline.params.schema.reading import read_section
from pipeline.params.upkeep.retrain import Retrain
from pipeline.scores.classes import ACCURACY
from pipeline.scores.faults import unnamed_costs
from pipeline.scores.score_for_task import COST, usual_score, words_of
from pipeline.trials import probability_columns

LABELS = 100  # of which it is told what they would show, where there are so many
REMEDY = (
    "Label some drawn at random to know how good it is, or those that `python -m pipeline label-next` proposes to make "
    "it better, and run `python -m pipeline retrain`."
)
SOURCES = {"photo": "camera, or blurred, noisy or moved ones", "row": "place or device"}
LESS_NOT_SEEN = "In so few, a change of an answer by a distance below {least:.2f} would not show."
NOT_SEEN = "In so few, no change of an answer would show, however large."
UNGROUPED = (
    "{place} cannot be read (it is not here, or a retraining is writing it), so nothing is known of test examples that "
    "belong together: each counts by itself, and intervals may be too narrow."
)
UNNAMED_COSTS = (
    'The cost is not estimated: compare.costs does not name every mistake between the champion\'s classes; `"*"` there '
    "stands for classes that are not named."
)
NO_CONFIDENCE = (
    "No score is estimated: a model that predicts numbers says no probability of being right, so nothing of its errors "
    "shows without the true numbers. It was {attained} on {count} test {noun}s when it was registered, which holds "
    "only as long as neither inputs nor what follows from them have changed."
)


@dataclass(frozen=True)
class Asked:
    """Examples that a champion was asked about.

    Attributes:
        noun: what one is called.
        answers: (N, classes) probabilities, or (N, 1) numbers.
        groups: (N,) equal for examples that belong together; None where each is on its own.
        remarks: what else is to be said of them.
        columns: of a table, by how much each has drifted.
        unseen: {column: how many rows have a category that was never seen}.
    """

    noun: str
    answers: NDArray[np.float64]
    groups: NDArray[np.int64] | None = None
    remarks: list[str] = field(default_factory=list)
    columns: dict[str, Shift] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)

    @property
    def single(self) -> NDArray[np.int64]:
        """The places of one example of each group."""
        if self.groups is None:
            return np.arange(len(self.answers))
        return first_of_each(self.groups)


def findings_of(champion: ReigningChampion, asked: Asked, limits: Retrain, confidence: float) -> Findings:
    """Drift, of one example of each group, and where classes are told apart the estimated scores.

    Args:
        limits: the section `retrain` of params.yaml.
        confidence: of intervals.

    Raises:
        ScoreError: compare.score is for another kind of task.
    """
    names, single = champion.champion.class_names, asked.answers[asked.single]
    groups, ungrouped = _groups_at_registration(champion)
    reference = at_registration(champion, groups) if names else None
    before = (
        _numbers_at_registration(champion, groups) if reference is None else reference.one_of_each_group.probabilities
    )
    drift = InputDrift(asked.noun, output_drift(single, before, names or ["predicted"]), asked.columns, asked.unseen)
    alarms = drift.alarms(limits.drift_level)
    least = drift.least_visible(limits.drift_level, len(single), len(before))
    remarks = [*asked.remarks, *ungrouped, *_belonging_together(asked)]
    findings = Findings(
        champion.champion,
        asked.noun,
        len(asked.answers),
        alarms=alarms,
        remarks=remarks,
        blind_to=NOT_SEEN if least is None else LESS_NOT_SEEN.format(least=least),
        independent=len(single) if len(single) < len(asked.answers) else None,
        numbers={"drift": drift.numbers() | {"least_visible_distance": least}},
        remedy=REMEDY,
    )
    if reference is None:
        return replace(findings, remarks=[_no_confidence(champion, asked.noun), *remarks])
    new = Unlabelled(asked.answers, champion.decision.classes(asked.answers), asked.groups)
    estimates, lacking = _estimates(champion, new, reference, confidence)
    return replace(
        findings,
        estimates=estimates,
        remarks=[*lacking, *remarks],
        cannot_know=[
            NOTHING_MEANT.format(noun=asked.noun),
            EXTRAPOLATED.format(noun=asked.noun, source=SOURCES[asked.noun]),
            *([_picked(champion.champion, asked.noun)] if estimates else []),
        ],
        visible=_visible_falls(len(single), reference, limits.drift_level),
    )


def at_registration(champion: ReigningChampion, groups: NDArray[np.int64] | None) -> Sample:
    """The champion's test examples as it was measured on them, in its own classes.

    Not its validation examples, which chose its epoch and its seed: it is better on them than on unseen ones.
    """
    rows = _test_predictions(champion)
    own = rows[probability_columns(rows)].to_numpy(np.float64)
    labels = rows["label"].to_numpy(np.int64)
    return Sample(labels, own, groups, champion.decision.classes(own))


def _test_predictions(champion: ReigningChampion) -> pd.DataFrame:
    return champion.predictions[champion.predictions["split"] == "test"]


def _groups_at_registration(champion: ReigningChampion) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Of the test examples, as the prepared test split has them; and a sentence where that cannot be read."""
    try:
        if (TEST / "groups.npy").is_file():
            return groups_of(list(map(str, _test_predictions(champion)["example"])), load_prepared(TEST)), []
        return None, [] if (TEST / "schema.json").is_file() else [UNGROUPED.format(place=TEST)]
    except PreparedError:
        return None, [UNGROUPED.format(place=TEST)]


def _numbers_at_registration(champion: ReigningChampion, groups: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """(M, 1) what the champion said of its test examples, one of each group."""
    numbers = _test_predictions(champion)[["predicted"]].to_numpy(np.float64)
    return numbers if groups is None else numbers[first_of_each(groups)]


def _belonging_together(asked: Asked) -> list[str]:
    apart, count = len(asked.single), len(asked.answers)
    if apart == count:
        return []
    return [
        f"These {count:,} {asked.noun}s count as {apart:,}: of those that belong together or repeat one another, drift "
        "is tested on one."
    ]


def _picked(champion: Champion, noun: str) -> str:
    """With what was expected after the choice, where it is known: the plain interval is not corrected for it."""
    if not champion.model_interval:
        return PICKED.format(noun=noun, expected="")
    words = words_of(champion.score_column.removeprefix("test_"))
    span = words.span(*champion.model_interval)
    return PICKED.format(noun=noun, expected=EXPECTED.format(score=words.title, span=span, noun=noun))


def _estimates(
    champion: ReigningChampion, new: Unlabelled, reference: Sample, confidence: float
) -> tuple[list[ScoreEstimate], list[str]]:
    """Of the score that candidates are ranked by, and of accuracy; and a sentence where the first has none."""
    names = champion.champion.class_names
    score = ranked_by(champion.champion.task, names)
    unfit = score.name == COST and any(unnamed_costs(read_section("compare", Compare).costs, names))
    wanted = [*([] if unfit else [score]), *([] if score.name == ACCURACY.name else [ACCURACY])]
    estimates = [estimate_score(each, new, reference, confidence) for each in wanted]
    lacking = [UNNAMED_COSTS] if unfit else []
    lacking += [
        f"The {each.words.title} is not estimated: it takes examples of every class, and one is hardly ever expected."
        for each, estimate in zip(wanted, estimates, strict=True)
        if estimate is None
    ]
    return [estimate for estimate in estimates if estimate is not None], lacking


def _visible_falls(examples: int, reference: Sample, level: float) -> dict[int, float | None]:
    """{so many labels: the fall of accuracy that they would show}."""
    known, count = reference.one_of_each_group, min(LABELS, examples)
    total = len(known.labels)
    return {count: visible_fall(count, total, known.right / total, level / KINDS)}


def _no_confidence(champion: ReigningChampion, noun: str) -> str:
    rows, score = _test_predictions(champion), usual_score(champion.champion.task)
    value = score.value(rows["label"].to_numpy(np.float64), rows["predicted"].to_numpy(np.float64))
    words = words_of(score.name)
    return NO_CONFIDENCE.format(attained=words.attained.format(value=words.value(value)), count=len(rows), noun=noun)
