"""A trained candidate as evaluation asks it: its models, together behind what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.answers.batches import even_batches
from pipeline.evaluation.answers.kept_prefix import Storage
from pipeline.evaluation.answers.models import predictor
from pipeline.evaluation.answers.predictions import Predictions, SplitPredictions
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.answers.seed_networks import load_split
from pipeline.ground.kept import KeptArrays
from pipeline.models.archive import read_model
from pipeline.params.evaluation import Evaluation
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.evaluating.prefixes import TrainingActivations, cuts_of, make_prefix
from pipeline.trials import Trial

FOLDER = Path(".kiyas/altered")  # altered photos, and what prefixes make of photos


@dataclass(frozen=True)
class TrainedCandidate:
    """
    Attributes:
        first: the whole model of the first seed in trial.json.
        seeds: the models of all seeds, in this order, asked together.
        activations: what training kept of development; None where it kept nothing that evaluation could use.
    """

    trial: Trial
    first: Any
    seeds: SeedModels
    activations: TrainingActivations | None

    def predict_splits(self, development: Prepared, test: Prepared) -> Predictions:
        """Every seed on its own training and validation split, and on the test split that all share."""
        on_development, on_test = self._predict_development(development), self.seeds.predict(test.inputs)
        fraction = self.trial.parameters["splits"]["validation_fraction"]
        share = self.trial.parameters.get("training_share", 1.0)
        predictions: Predictions = {}
        for number, entry in enumerate(self.trial.seeds):
            train, val = split_development(development, fraction, entry["seed"], share)
            predictions[entry["seed"]] = {
                "train": predictions_of(development, train, on_development[number][train]),
                "val": predictions_of(development, val, on_development[number][val]),
                "test": predictions_of(test, np.arange(len(test.labels)), on_test[number]),
            }
        return predictions

    def _predict_development(self, development: Prepared) -> list[np.ndarray]:
        if self.activations is None:
            return self.seeds.predict(development.inputs)
        return self.seeds.predict_from(self.activations.values(), development.inputs)


def predictions_of(data: Prepared, rows: np.ndarray, answers: np.ndarray) -> SplitPredictions:
    """
    Args:
        rows: (N,) some of the examples.
        answers: (N, classes) of these.
    """
    groups = None if data.groups is None else data.groups[rows]
    return SplitPredictions(data.example_ids[rows], data.labels[rows], answers, groups)


def load_candidate(
    trial: Trial, settings: Evaluation, keep: Keep, development: Prepared, photos: int
) -> TrainedCandidate:
    """
    Args:
        photos: how many the candidate will be asked about, development left out.
    """
    cuts, batch_size = cuts_of(trial), batch_size_for(settings)
    first, split = load_split(model_paths(trial), cuts, read_model)
    storage = Storage(kept_arrays(keep), batch_size, photos)
    prefix, activations = make_prefix(trial, split.prefix, cuts, development, keep, storage)
    seeds = SeedModels([predictor(rest) for rest in split.rests], batch_size, prefix)
    return TrainedCandidate(trial, first, seeds, activations)


def model_paths(trial: Trial) -> list[Path]:
    return [trial.model_file(entry["seed"]) for entry in trial.seeds]


def batch_size_for(settings: Evaluation) -> int:
    """One size for everything, since a network is traced anew for each."""
    return even_batches(max(settings.robustness.examples, settings.batch_size), settings.batch_size)


def kept_arrays(keep: Keep) -> KeptArrays:
    """What evaluation keeps for all candidates."""
    return KeptArrays(FOLDER, keep.altered_gb)
