"""Photos without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.operations.predicting.photos import answer_photos
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.estimated_score import Unlabelled
from pipeline.operations.retraining.intake.bursts import taken_together
from pipeline.operations.retraining.intake.incoming import INCOMING
from pipeline.operations.watching.classes import at_registration, estimates_of, falls_that_labels_would_show
from pipeline.operations.watching.findings import EXTRAPOLATED, NOTHING_MEANT, Findings, WatchError, refuse_few
from pipeline.operations.watching.input_drift import InputDrift, output_drift
from pipeline.params.upkeep.retrain import Retrain

NOUN = "photo"
REMEDY = f"Put some of them with labels into {INCOMING}/<class>/ and run `python -m pipeline retrain`."


def watch_photos(champion: ReigningChampion, files: Sequence[Path], limits: Retrain, confidence: float) -> Findings:
    """
    Args:
        files: photos; those taken within seconds of one another count as one where drift is tested.
        limits: the section `retrain` of params.yaml.
        confidence: of intervals.

    Raises:
        WatchError: there are too few photos, or more unreadable ones than `retrain.unusable` allows.
        ChampionError: the champion is not on disk as it was registered.
    """
    names = champion.champion.class_names
    answers = list(answer_photos(champion.served, files))
    left_out = {str(answer.file): answer.error for answer in answers if answer.error}
    answered = [answer for answer in answers if answer.probabilities is not None]
    _refuse_unreadable(left_out, len(files), limits.unusable)
    refuse_few(len(answered), NOUN)
    new = Unlabelled(
        np.array([list((answer.probabilities or {}).values()) for answer in answered]),
        np.array([names.index(str(answer.predicted)) for answer in answered], np.int64),
        taken_together([answer.file for answer in answered]),
    )
    reference = at_registration(champion)
    estimates, remarks = estimates_of(champion, new, reference, confidence)
    single, known = new.one_of_each_group, reference.one_of_each_group
    drift = InputDrift(NOUN, output_drift(single.probabilities, known.probabilities, names))
    alarms = drift.alarms(limits.drift_level)
    return Findings(
        champion.champion,
        NOUN,
        len(answered),
        estimates,
        alarms,
        remarks,
        [NOTHING_MEANT.format(noun=NOUN), *([EXTRAPOLATED] if alarms else [])],
        falls_that_labels_would_show(len(single.predicted), reference, limits.drift_level),
        {"drift": drift.numbers()},
        left_out,
        REMEDY,
    )


def _refuse_unreadable(left_out: dict[str, str], total: int, limit: float) -> None:
    if len(left_out) / total > limit:
        file, fault = next(iter(left_out.items()))
        raise WatchError(
            f"{len(left_out)} of {total} files are no photos that can be read, such as {file}: {fault} "
            f"(retrain.unusable = {limit:g}); mend or remove them"
        )
