"""The seeds of a candidate and their soups, asked behind what all of them have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.answers.kept_prefix import Storage
from pipeline.evaluation.answers.models import Probabilities, predictor
from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.answers.seed_networks import load_split
from pipeline.ground.files import read_parquet
from pipeline.ground.kept import SomeRows
from pipeline.models.archive import read_model
from pipeline.params.evaluation import Evaluation
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.evaluating.prefixes import cuts_of, make_prefix
from pipeline.stages.assembly.evaluating.trained_candidate import (
    batch_size_for,
    kept_arrays,
    model_paths,
    predictions_of,
)
from pipeline.stages.assembly.soups.averaging import average_weights, whole_soup
from pipeline.trials import Trial, evaluation_folder, probability_columns

Seeds = tuple[int, ...]  # places of seeds in trial.json, in order
Rows = NDArray[np.int64]


class SoupMaker:
    """Averages the weights of a candidate's seeds, of all or of some, and asks what comes of it.

    Attributes:
        seeds: the places of all seeds.
        validated: (S, N) which examples of development each seed validated on; example_ids: (N,) their ids.
    """

    def __init__(self, trial: Trial, settings: Evaluation, keep: Keep, development: Prepared, test: Prepared) -> None:
        cuts, self._batch_size = cuts_of(trial), batch_size_for(settings)
        self.trial, self._development, self._test = trial, development, test
        self.seeds: Seeds = tuple(range(len(trial.seeds)))
        self.validated, self.example_ids = _validated(trial, development), development.example_ids
        self._first, split = load_split(model_paths(trial), cuts, read_model)
        storage = Storage(kept_arrays(keep), self._batch_size, len(test.labels))
        self._prefix, activations = make_prefix(trial, split.prefix, cuts, development, keep, storage)
        self._kept = None if activations is None else activations.values()
        self._rests = split.rests

    def whole(self) -> Any:
        """The soup of all seeds, as one network from raw pixels up."""
        return whole_soup(self._first, self._soup(self.seeds))

    def on_test(self, seeds: Sequence[Seeds]) -> dict[Seeds, SplitPredictions]:
        """What the soups of these seeds answer on the test examples."""
        answers = self._models(seeds).predict(self._test.inputs)
        everything = np.arange(len(self._test.labels))
        return {one: predictions_of(self._test, everything, given) for one, given in zip(seeds, answers, strict=True)}

    def on_development(self, seeds: Seeds, rows: Rows) -> SplitPredictions:
        """What the soup of these seeds answers on these examples of development."""
        values = None if self._kept is None else SomeRows(self._kept, rows)
        (answers,) = self._models([seeds]).predict_from(values, SomeRows(self._development.inputs, rows))
        return self.of_development(rows, answers)

    def of_development(self, rows: Rows, answers: Probabilities) -> SplitPredictions:
        return predictions_of(self._development, rows, answers)

    def alone_on_validation(self) -> tuple[Rows, Probabilities]:
        """The examples that exactly one seed validated on, and what the network of this seed answered on each."""
        told = read_parquet(evaluation_folder(self.trial.candidate) / "predictions.parquet")
        names = probability_columns(told.columns) or ["predicted"]
        places = {str(example): row for row, example in enumerate(self._development.example_ids)}
        once = self.validated.sum(axis=0) == 1
        rows, answers = [], []
        for entry in self.trial.seeds:
            own = told[(told["split"] == "val") & (told["seed"] == entry["seed"])]
            at = np.array([places[str(example)] for example in own["example"]], np.int64)
            rows.append(at[once[at]])
            answers.append(own[names].to_numpy(np.float32)[once[at]])
        return np.concatenate(rows), np.concatenate(answers)

    def _models(self, seeds: Sequence[Seeds]) -> SeedModels:
        return SeedModels([predictor(self._soup(one)) for one in seeds], self._batch_size, self._prefix)

    def _soup(self, seeds: Seeds) -> Any:
        """Averaged anew each time, which takes less than keeping the networks of all subsets in memory."""
        return average_weights([self._rests[place] for place in seeds])


def _validated(trial: Trial, development: Prepared) -> NDArray[np.bool_]:
    fraction = trial.parameters["splits"]["validation_fraction"]
    masks = np.zeros((len(trial.seeds), len(development.labels)), bool)
    for mask, entry in zip(masks, trial.seeds, strict=True):
        mask[split_development(development, fraction, entry["seed"])[1]] = True
    return masks
