"""One model's answers explained: which patches of a photo they hang on, as numbers and as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.evaluation.answers.models import Predict, is_classical
from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.explanations.curves import versions_in_curves
from pipeline.evaluation.explanations.gain import Heat, measure_explanations
from pipeline.evaluation.explanations.gradcam import gradcam
from pipeline.evaluation.explanations.overlays import write_explanations, write_overlays
from pipeline.evaluation.explanations.patches import (
    Images,
    Patches,
    cut,
    permutation,
    versions_exchanged,
    versions_occluded,
)
from pipeline.evaluation.explanations.whole_answers import ClassAnswers
from pipeline.evaluation.measures.findings import Findings
from pipeline.params.evaluation import Explanations

GRADCAM, PERMUTATION = "gradcam", "permutation"
REPEATS = 2  # other photos that lend each patch


@dataclass(frozen=True)
class ExplainedModel:
    """
    Attributes:
        model: the whole model of one seed.
        predict: the same on photos that every candidate is asked about.
        predict_alone: the same on photos that only this one is asked about.
    """

    model: Any
    seed: int
    predict: Predict
    predict_alone: Predict

    @property
    def method(self) -> str:
        """How answers of its kind of model are usually explained."""
        return PERMUTATION if is_classical(self.model) else GRADCAM

    def heat(self, patches: Patches) -> Heat:
        """What its answers hang on, and where."""
        if self.method == PERMUTATION:
            return explain_classical(patches)
        answers = patches.answers
        return gradcam(self.model, patches.images, answers.classes if isinstance(answers, ClassAnswers) else None)


def explain(
    explained: ExplainedModel,
    images: Images,
    photos: SplitPredictions,
    settings: Explanations,
    folder: Path,
    unit: float | None,
) -> Findings:
    """metrics.json's `explanations`; writes explanations.json and its pictures.

    Args:
        images: (N, S, S, 3) uint8.
        photos: the ids and labels of the same photos.
        folder: figures/.
        unit: of predicted numbers, their standard deviation; None where classes are told apart.
    """
    patches = cut(images, settings.grid, explained.predict, explained.predict_alone, unit)
    heat, method = explained.heat(patches), explained.method
    findings, means = measure_explanations(patches, photos.examples, explained.seed, settings.steps, method, heat)
    entries = write_overlays(folder, patches, photos.examples, photos.labels, heat, settings.pictures)
    write_explanations(folder, method, means, entries)
    return findings


def explain_classical(patches: Patches) -> Heat:
    """Permutation importance; what a patch says against the answer counts as nothing."""
    return np.maximum(permutation(patches, REPEATS), 0).reshape(-1, patches.grid, patches.grid)


def photos_explained(settings: Explanations, available: int, classical: bool) -> int:
    """How many versions of photos every candidate of this kind is asked about alike.

    Args:
        available: how many test photos there are.
    """
    photos = min(settings.examples, available)
    versions = versions_occluded(settings.grid) + versions_in_curves(settings.steps)
    if classical:
        versions += versions_exchanged(photos, settings.grid, REPEATS)
    return photos * versions
