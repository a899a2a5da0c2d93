"""The two contenders, champion and challenger, on the same test photos, in one order of classes, timed alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.answering import Served, load
from pipeline.champions.inputs import as_images
from pipeline.champions.servable import best_seed
from pipeline.champions.versions import Champion, answering_folder, folder_of
from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import Predict, load_models, predictor
from pipeline.evaluation.costs.latency import latency_ms
from pipeline.evaluation.measures.classification import expected_calibration_error
from pipeline.models.archive import read_model
from pipeline.operations.retraining.drift import Sample
from pipeline.operations.retraining.evidence import Judged
from pipeline.trials import evaluation_folder, read_trial


class ReigningChampion:
    """The champion as it answers today; its model is loaded when it is first asked, and a network needs TensorFlow."""

    def __init__(self, champion: Champion) -> None:
        assert champion.image_size is not None  # a retraining takes photos only
        self.champion, self.image_size = champion, champion.image_size

    @cached_property
    def served(self) -> Served:
        return load(answering_folder(self.champion.version))

    @cached_property
    def predictions(self) -> pd.DataFrame:
        return pd.read_parquet(folder_of(self.champion.version) / "predictions.parquet")

    def probabilities(self, images: NDArray[np.uint8], class_names: Sequence[str]) -> NDArray[np.float64]:
        """(N, classes) in the order of `class_names`; a class that it does not know has probability 0."""
        own = self.served.probabilities(as_images(images, self.image_size))
        return in_classes(own, self.champion.class_names, class_names)

    def reference(self, class_names: Sequence[str]) -> Sample:
        """The examples that it was measured on when it was registered: its validation and its test split."""
        rows = self.predictions[self.predictions["split"] != "train"]
        own = rows.filter(regex=r"^p_\d+$").to_numpy(np.float64)
        labels = np.array([class_names.index(self.champion.class_names[label]) for label in rows["label"]], np.int64)
        return Sample(labels, in_classes(own, self.champion.class_names, class_names))

    def judge(self, test: Prepared, timed: int) -> Judged:
        learnt = self.predictions.loc[self.predictions["split"] != "test", "example"]
        images = as_images(test.images[:timed], self.image_size)
        return _judged(
            f"version {self.champion.version}",
            self.probabilities(test.images, test.class_names),
            test,
            latency_ms(self.served.answer, images)["median"],
            frozenset(map(str, learnt)),
        )


def judge_challenger(candidate: str, test: Prepared, timed: int) -> Judged:
    """The model of the candidate's best seed; its answers for the test photos are those that `evaluate` wrote."""
    trial = read_trial(candidate)
    seed = best_seed(trial)
    predictions = pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    rows = predictions[(predictions["seed"] == seed) & (predictions["split"] == "test")].set_index("example")
    probabilities = rows.filter(regex=r"^p_\d+$").loc[list(map(str, test.example_ids))].to_numpy(np.float64)
    (model,) = load_models([trial.model_file(seed)], read_model)
    answer: Predict = predictor(model)
    return _judged(candidate, probabilities, test, latency_ms(answer, test.images[:timed])["median"])


def in_classes(probabilities: NDArray[np.floating], own: Sequence[str], wanted: Sequence[str]) -> NDArray[np.float64]:
    """Columns of `own` classes → columns of `wanted` ones."""
    columns = np.zeros((len(probabilities), len(wanted)))
    for column, name in enumerate(own):
        if name in wanted:
            columns[:, list(wanted).index(name)] = probabilities[:, column]
    return columns


def _judged(
    name: str, probabilities: NDArray[np.float64], test: Prepared, latency: float, learnt: frozenset[str] = frozenset()
) -> Judged:
    error = expected_calibration_error(test.labels, probabilities)
    return Judged(name, probabilities, error, latency, learnt)
