"""How much a model's answers hang on where things are in a photo, and on how clean it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.measures.alterations import MIRROR, SHIFT, Alteration, Images
from pipeline.evaluation.measures.findings import Findings, measured
from pipeline.tasks import accuracy

Probabilities = NDArray[np.floating]


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
        clean: what the same model says of the same photos as they are.
        altered: the photos in one version, in the order of `clean`.
    """
    digest, said = hashlib.sha256(), {}
    for alteration in alterations:
        images = altered(alteration)
        digest.update(np.ascontiguousarray(images).tobytes())
        said[alteration] = predict(images)
    right = {one: said[one].argmax(axis=1) == clean.labels for one in alterations}
    same = {
        one: said[one].argmax(axis=1) == clean.probabilities.argmax(axis=1) for one in alterations if one.moves_only
    }
    rows = [
        measured("clean_correct", seed, clean.examples, clean.probabilities.argmax(axis=1) == clean.labels),
        *(measured(f"{one.name}_correct", seed, clean.examples, values) for one, values in right.items()),
        *(measured(f"{one.name}_same", seed, clean.examples, values) for one, values in same.items()),
    ]
    accuracies = {one: float(values.mean()) for one, values in right.items()}
    consistencies = {one: float(values.mean()) for one, values in same.items()}
    section: dict[str, Any] = {
        "seed": seed,
        "examples": len(clean.labels),
        "pixels": digest.hexdigest(),
        "clean_accuracy": accuracy(clean.labels, clean.probabilities),
        "accuracy": {one.name: value for one, value in accuracies.items()},
        "consistency": {one.name: value for one, value in consistencies.items()},
    }
    summary = _summary(accuracies, consistencies, section["clean_accuracy"])
    return Findings(summary, {"robustness": section}, pd.concat(rows, ignore_index=True))


def _summary(
    accuracies: Mapping[Alteration, float], consistencies: Mapping[Alteration, float], clean: float
) -> dict[str, float]:
    """shift_<pixels>_consistency, mirror_consistency; <kind>_accuracy over its severities; corrupted_accuracy over all
    corruptions, and corrupted_degradation, the share of the accuracy on clean photos that is lost."""
    found = {f"{one.name}_consistency": value for one, value in consistencies.items()}
    by_kind: dict[str, list[float]] = {}
    for one, value in accuracies.items():
        if one.kind not in (SHIFT, MIRROR):
            by_kind.setdefault(one.kind, []).append(value)
    found |= {f"{kind}_accuracy": float(np.mean(values)) for kind, values in by_kind.items()}
    if by_kind:
        found["corrupted_accuracy"] = float(np.mean([value for values in by_kind.values() for value in values]))
        if clean:
            found["corrupted_degradation"] = 1 - found["corrupted_accuracy"] / clean
    return found
