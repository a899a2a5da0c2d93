"""How much a model's answers hang on where things are in a photo, and on how clean it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.alterations import Alteration, Images
from pipeline.evaluation.measures.findings import Findings, measure_rows
from pipeline.ground.kept import blocks_of
from pipeline.tasks import accuracy

Probabilities = NDArray[np.floating]
ByAlteration = Mapping[Alteration, NDArray[Any]]  # of each photo


def measure_robustness(
    predict: Callable[[Images], Probabilities],
    clean: SplitPredictions,
    seed: int,
    alterations: Sequence[Alteration],
    altered: Callable[[Alteration], Images],
) -> Findings:
    """Accuracy on altered photos; and for those that were only moved, how often the answer stays the same.

    Consistency is Zhang's (2019, "Making Convolutional Networks Shift-Invariant Again"): the share of photos whose
    predicted class is that of the photo in its place, right or wrong.

    Args:
        predict: altered photos → (N, classes).
        clean: the same model's predictions of the same photos as they are.
        seed: of the model.
        alterations: the versions to measure.
        altered: the photos in one version, in the order of `clean`.
    """
    outputs, pixels = answers_to_altered(predict, alterations, altered)
    answers = {alteration: probabilities.argmax(axis=1) for alteration, probabilities in outputs.items()}
    clean_answers = clean.probabilities.argmax(axis=1)
    correct = {alteration: answers[alteration] == clean.labels for alteration in alterations}
    same = {alteration: answers[alteration] == clean_answers for alteration in alterations if alteration.moves_only}
    section: dict[str, Any] = {
        "seed": seed,
        "examples": len(clean.labels),
        "pixels": pixels,
        "clean_accuracy": accuracy(clean.labels, clean.probabilities),
        "accuracy": means(correct),
        "consistency": means(same),
    }
    values = {"clean_correct": clean_answers == clean.labels}
    values |= {f"{alteration.name}_correct": of_photos for alteration, of_photos in correct.items()}
    values |= {f"{alteration.name}_same": of_photos for alteration, of_photos in same.items()}
    rows = [measure_rows(name, seed, clean.examples, of_photos) for name, of_photos in values.items()]
    summary = _consistencies(same) | _accuracies(correct, section["clean_accuracy"])
    return Findings(summary, {"robustness": section}, pd.concat(rows, ignore_index=True))


def answers_to_altered(
    predict: Callable[[Images], Probabilities],
    alterations: Sequence[Alteration],
    altered: Callable[[Alteration], Images],
) -> tuple[dict[Alteration, Probabilities], str]:
    """What a model says of each altered version, and the SHA-256 of all their pixels.

    Args:
        predict: altered photos → (N, classes), or (N, 1) numbers.
        altered: the photos in one version.
    """
    digest, outputs = hashlib.sha256(), {}
    for alteration in alterations:
        images = altered(alteration)
        for block in blocks_of(images):
            digest.update(block.data)
        outputs[alteration] = predict(images)
    return outputs, digest.hexdigest()


def means(values: ByAlteration) -> dict[str, float]:
    """Over the photos, by the alteration's name."""
    return {alteration.name: float(of_photos.mean()) for alteration, of_photos in values.items()}


def corrupted_means(values: ByAlteration) -> dict[str, list[float]]:
    """Over the photos: of each kind of corruption, one for each severity."""
    by_kind: dict[str, list[float]] = {}
    for alteration, of_photos in values.items():
        if not alteration.moves_only:
            by_kind.setdefault(alteration.kind, []).append(float(of_photos.mean()))
    return by_kind


def _consistencies(same: ByAlteration) -> dict[str, float]:
    """shift_<pixels>_consistency, mirror_consistency."""
    return {f"{name}_consistency": share for name, share in means(same).items()}


def _accuracies(correct: ByAlteration, clean: float) -> dict[str, float]:
    """<kind>_accuracy of each corruption over its severities; corrupted_accuracy over all corruptions, and
    corrupted_degradation, the share of the accuracy on clean photos that is lost."""
    by_kind = corrupted_means(correct)
    if not by_kind:
        return {}
    accuracies = {f"{kind}_accuracy": float(np.mean(values)) for kind, values in by_kind.items()}
    corrupted = float(np.mean([value for values in by_kind.values() for value in values]))
    degradation = {"corrupted_degradation": 1 - corrupted / clean} if clean else {}
    return accuracies | {"corrupted_accuracy": corrupted} | degradation
