"""A trained candidate as one model that answers: photos, rows or a series in, classes and probabilities or numbers out.

    served = load(Path("…/model"))
    served.predict([Path("apple.jpg")])                               # what learned from photos, raw or encoded
    served.predict(pd.DataFrame({"age": [52], "sex": ["female"]}))    # what learned from a table
    served.predict(pd.DataFrame({"sales": [3, 5, 4, 6]}))             # the next value of a series, oldest value first

Used in the checkout, and packed with every model that MLflow keeps (bundle.py), where it runs without a checkout: so it
imports only what answering needs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.champions.inputs import InputError, as_images, as_rows, as_window, refuse_late
from pipeline.champions.integrity.signing import refuse_unsigned
from pipeline.champions.request_size import limit_request_size
from pipeline.datasets.photos.decoding import WHITE
from pipeline.datasets.request_cells import CellError, refuse_lost_words
from pipeline.datasets.store.columns import Column
from pipeline.evaluation.answers.models import Predict, load_models, predictor
from pipeline.ground.files import read_json
from pipeline.models.archive import read_model
from pipeline.scores.decisions import MOST_PROBABLE, Decision, described_decision

# Beside the model's file: task, class_names, image_size (of photos), columns (of a table), model (the file's name),
# decision where the most probable class is not the answer, and series where that is what it predicts the next value of.
# Of an ensemble members in place of model: each one's model and weight.
DESCRIPTION = "served.json"
LARGEST_BATCH = 64  # photos that a network sees at once
# Of one request to a server: whoever asks about more sends several, so that others are answered in between.
MOST_PHOTOS, MOST_ROWS = 256, 100_000
SERVING = "_MLFLOW_IS_IN_SERVING_ENVIRONMENT"  # MLflow's server sets it; batch jobs may ask about any number


@dataclass
class Served:
    """A model, the names of its classes (none: it predicts a number), and its photos' size or its rows' columns.

    Several threads may ask at once; they are answered one after another, each with all the processor's cores.
    """

    answer: Callable[[np.ndarray], np.ndarray]
    class_names: list[str]
    image_size: int | None
    columns: list[Column] | None = None
    white: int = WHITE
    decision: Decision = MOST_PROBABLE
    series: dict[str, Any] | None = None
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, asked: Any, until: float = inf) -> pd.DataFrame:
        """One row an example: `predicted` (a class name, by `decision`), `probability` (its), and `p_<class>` for every
        class; where a number is predicted, `predicted` alone.

        Args:
            asked: (N, H, W, 3) uint8 RGB of any size; or N photos, each a Path, a Pillow image, encoded (bytes, or
                base64 as text) or raw (H, W, 3); or a table with one column of these. Where rows of a table were
                learned: a table. Where the next value of a series is predicted: a table with its target, oldest value
                first, which has one answer; or one of windows, "lag 1" the latest value.
            until: no photo is read and no batch answered after that, on the clock `time.monotonic`.

        Raises:
            InputError: naming the first photo that is none, or the row and column that cannot be read; or the time is
                over.
        """
        if self.columns is not None and self.series is not None:
            inputs = as_window(asked, self.columns, self.series)
        elif self.columns is not None:
            inputs = as_rows(asked, self.columns)
        else:
            assert self.image_size is not None
            inputs = as_images(asked, self.image_size, self.white, until)
        return self.as_table(self.probabilities(inputs, until))

    def as_table(self, probabilities: np.ndarray) -> pd.DataFrame:
        """(N, classes) probabilities, or (N, 1) numbers, as `predict` answers."""
        if not self.class_names:
            return pd.DataFrame({"predicted": probabilities[:, 0]})
        columns = {f"p_{name}": probabilities[:, index] for index, name in enumerate(self.class_names)}
        numbers = self.decision.classes(probabilities)
        predicted = [self.class_names[index] for index in numbers]
        own = np.take_along_axis(probabilities, numbers[:, None], axis=1)[:, 0]
        return pd.DataFrame({"predicted": predicted, "probability": own, **columns})

    def probabilities(self, inputs: np.ndarray, until: float = inf) -> np.ndarray:
        """(N, S, S, 3) uint8, or (N, columns) float64 → (N, classes) float64; (N, 1) of predicted numbers.

        Raises:
            InputError: the time is over, as where many others were answered first.
        """
        parts = []
        with self._one_at_a_time:
            for start in range(0, len(inputs), LARGEST_BATCH):
                refuse_late(until)
                parts.append(self._batch(inputs[start : start + LARGEST_BATCH]))
        return np.concatenate(parts).astype(np.float64)

    def _batch(self, inputs: np.ndarray) -> np.ndarray:
        """Filled up to a power of two: a network is traced anew for every size of batch."""
        size = 1 << (len(inputs) - 1).bit_length()
        filled = np.concatenate([inputs, np.repeat(inputs[-1:], size - len(inputs), axis=0)])
        return self.answer(filled)[: len(inputs)]


def load(folder: Path) -> Served:
    """A folder with a model's file and served.json."""
    description = read_json(folder / DESCRIPTION)
    members = description.get("members") or [{"model": description["model"], "weight": 1.0}]
    models = load_models([folder / member["model"] for member in members], read_model)
    columns = description.get("columns")
    return Served(
        together(list(map(predictor, models)), [member["weight"] for member in members]),
        description["class_names"],
        description["image_size"],
        None if columns is None else [Column(**column) for column in columns],
        description.get("white", WHITE),
        described_decision(description.get("decision", {})),
        description.get("series"),
    )


def together(answers: Sequence[Predict], weights: Sequence[float]) -> Predict:
    """Several models as one: the weighted mean of their probabilities, or of their numbers."""
    if len(answers) == 1:
        return answers[0]

    def mean(inputs: np.ndarray) -> np.ndarray:
        parts = [weight * answer(inputs).astype(np.float64) for answer, weight in zip(answers, weights, strict=True)]
        return np.sum(parts, axis=0).astype(np.float32)

    return mean


class _Answering:
    """What MLflow calls; a fault of the request is reported as such (HTTP 400) rather than as the server's."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        from mlflow.exceptions import MlflowException

        try:
            if os.environ.get(SERVING):
                self._refuse_many(model_input)
            if self._served.columns is not None and isinstance(model_input, pd.DataFrame):
                refuse_lost_words(model_input, self._served.columns)
            return self._served.predict(model_input, _end_of_request())
        except (InputError, CellError) as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    def _refuse_many(self, model_input: Any) -> None:
        """
        Raises:
            InputError: the request asks about too much at once.
        """
        asked = 1 if getattr(model_input, "shape", None) == () else len(model_input)
        most, what = (MOST_PHOTOS, "photos") if self._served.columns is None else (MOST_ROWS, "rows")
        if asked > most:
            raise InputError(f"{asked} {what} in one request, of which a server answers {most}; send several requests")


def _end_of_request() -> float:
    """When a server has given up on a request that begins now, on the clock `time.monotonic`; a batch job never does.

    MLflow answers with 504 then, but what computes the answer would go on, and others would wait for it.
    """
    from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT

    return time.monotonic() + MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get() if os.environ.get(SERVING) else inf


def _load_pyfunc(folder: str) -> _Answering:
    """MLflow's entry point (`loader_module` in MLmodel).

    Raises:
        SignatureError: signatures are demanded, and the version around the folder has none that holds. What runs here
            is the version's own code, so who cannot trust that runs `python -m pipeline verify` first.
        ValueError: KIYAS_REQUEST_MB is no number.
    """
    refuse_unsigned(Path(folder).absolute().parents[2])
    limit_request_size()
    return _Answering(load(Path(folder)))
