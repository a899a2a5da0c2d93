"""Classical models under a check: the row of classical.yaml with one setting of its grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import predictor
from pipeline.models.archive import write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.models.networks.backbones import build_pooled, load_pretrained_weights
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.operations.checking.subjects import Phase, Subject, Trained, Weights
from pipeline.params.schema.backbones import Backbone, ReadBackbone
from pipeline.params.schema.classical import ClassicalModel
from pipeline.stages.assembly.training.classical_trials import problem_of

FOLDS, SEED = 2, 0
BACKBONE = "backbone"


class ClassicalSubject(Subject):
    """A row of classical.yaml, with or without a backbone below it."""

    suffix = ".skops"

    def __init__(self, name: str, row: ClassicalModel, examples: Prepared, extractor: PooledFeatures | None = None):
        """
        Args:
            extractor: makes the features of a row that learns from a backbone's.
        """
        last = {key: values[-1:] for key, values in row.grid.items()}  # one of them shows what the row promises
        self.name, self.row, self.examples = name, row.model_copy(update={"grid": last}), examples
        self.extractor = extractor
        self.phases = [Phase("the fit", frozen=[BACKBONE])] if extractor else []

    def train(self) -> Trained:
        data, extractor = self.examples, self.extractor
        features = extractor.transform(data.inputs) if extractor else compute_features(self.row, data.inputs)
        before = _backbone_of(extractor) if extractor else {}
        problem = problem_of(data, np.arange(len(data.labels)))
        fitted = fit_classical(self.name, self.row, features, data.labels, FOLDS, SEED, problem, extractor)
        after = [_backbone_of(fitted.model.named_steps["features"])] if extractor else []
        return Trained(fitted.model, [before, *after], predictor(fitted.model)(data.inputs))

    def save(self, model: Any, path: Path) -> None:
        write_model(path, model, compressed=self.extractor is None)


def pooled_features(row: Backbone | ReadBackbone, image_size: int, weights: Path | None) -> PooledFeatures:
    """
    Args:
        weights: the file with the pretrained weights; None: random ones.
    """
    body, _ = build_pooled(row, image_size)
    if weights:
        load_pretrained_weights(row, body, weights)
    return PooledFeatures(row.model_dump(), body.get_weights())


def _backbone_of(extractor: PooledFeatures) -> Weights:
    return {BACKBONE: [weight.copy() for weight in extractor.weights]}
