"""Photos without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.operations.predicting.photos import Answer, answer_photos
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.intake.bursts import taken_together
from pipeline.operations.watching.answers import Asked, findings_of
from pipeline.operations.watching.findings import Findings, WatchError, drawn, refuse_few
from pipeline.params.upkeep.retrain import Retrain

NOUN = "photo"


def watch_photos(
    champion: ReigningChampion, files: Sequence[Path], limits: Retrain, confidence: float, most: int | None = None
) -> Findings:
    """
    Args:
        files: photos; those taken within seconds of one another count as one where drift is tested.
        limits: the section `retrain` of params.yaml.
        confidence: of intervals.
        most: photos that are looked at, drawn at random where there are more; None: all.

    Raises:
        WatchError: there are too few photos, or more unreadable ones than `retrain.unusable` allows.
        ChampionError: the champion is not on disk as it was registered.
    """
    given, files = len(files), [files[place] for place in drawn(len(files), most)]
    answers = list(answer_photos(champion.served, files))
    left_out = {str(answer.file): answer.error for answer in answers if answer.error}
    answered = [answer for answer in answers if not answer.error]
    _refuse_unreadable(left_out, len(files), limits.unusable)
    refuse_few(len(answered), NOUN)
    numbers = np.array(list(map(_numbers, answered)), np.float64)
    asked = Asked(NOUN, numbers, taken_together([answer.file for answer in answered]))
    findings = findings_of(champion, asked, limits, confidence)
    return replace(findings, left_out=left_out, drawn_from=given if given > len(files) else None)


def _numbers(answer: Answer) -> list[float]:
    """The probabilities of all classes, or the number that is said."""
    return list((answer.probabilities or {}).values()) or [float(answer.predicted or 0)]


def _refuse_unreadable(left_out: Mapping[str, str], total: int, limit: float) -> None:
    if len(left_out) / total > limit:
        file, fault = next(iter(left_out.items()))
        raise WatchError(
            f"{len(left_out)} of {total} files are no photos that can be read, such as {file}: {fault} "
            f"(retrain.unusable = {limit:g}); mend or remove them"
        )
