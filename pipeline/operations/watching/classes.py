"""Scores of a champion that tells classes apart, estimated for examples that it was asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.champions.served.servable import ranked_by
from pipeline.datasets.store.prepared import TEST, load_prepared
from pipeline.operations.retraining.contenders import ReigningChampion, groups_of
from pipeline.operations.retraining.drift import KINDS, Sample, visible_fall
from pipeline.operations.retraining.estimated_score import ScoreEstimate, Unlabelled, estimate_score
from pipeline.scores.classes import ACCURACY

LABELS = 100  # of which it is told what they would show, where there are so many


def at_registration(champion: ReigningChampion) -> Sample:
    """The champion's test examples as it was measured on them, in its own classes.

    Not its validation examples, which chose its epoch and its seed: it is better on them than on unseen ones.
    """
    rows = champion.predictions[champion.predictions["split"] == "test"]
    own = rows.filter(regex=r"^p_\d+$").to_numpy(np.float64)
    labels = rows["label"].to_numpy(np.int64)
    return Sample(labels, own, _groups(list(map(str, rows["example"]))), champion.decision.classes(own))


def estimates_of(
    champion: ReigningChampion, new: Unlabelled, reference: Sample, confidence: float
) -> tuple[list[ScoreEstimate], list[str]]:
    """Of the score that candidates are ranked by, and of accuracy; and a sentence for one that cannot be estimated.

    Args:
        new: in the champion's own classes.
        reference: as `at_registration` has it.
        confidence: of the intervals.

    Raises:
        ScoreError: compare.score is for numbers.
    """
    score = ranked_by(champion.champion.task, champion.champion.class_names)
    estimates, remarks = list[ScoreEstimate](), list[str]()
    for each in dict.fromkeys([score.name, ACCURACY.name]):
        estimate = estimate_score(score if each == score.name else ACCURACY, new, reference, confidence)
        if estimate is None:
            remarks.append(f"{score.words.title} is not estimated: it needs examples of each class, which are too few.")
        else:
            estimates.append(estimate)
    return estimates, remarks


def falls_that_labels_would_show(examples: int, reference: Sample, level: float) -> dict[int, float | None]:
    """{so many labels: the fall of accuracy that they would show}."""
    known, count = reference.one_of_each_group, min(LABELS, examples)
    total = len(known.labels)
    return {count: visible_fall(count, total, known.right / total, level / KINDS)}


def _groups(examples: list[str]) -> NDArray[np.int64] | None:
    """As the prepared test split has them; each on its own where it is not here."""
    return groups_of(examples, load_prepared(TEST)) if (TEST / "groups.npy").is_file() else None
