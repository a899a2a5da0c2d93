"""What the champion's last layer sees of an example: the features in which proposals are spread out.

The features right below the classifier, as in Sener and Savarese 2018 ("Active Learning for Convolutional Neural
Networks: A Core-Set Approach"), are those by which the champion tells examples apart: two that it cannot tell apart are
one to it. Of an ensemble they are those of its first model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, normalize

from pipeline.champions.answering import DESCRIPTION, Served
from pipeline.champions.versions import answering_folder
from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.models import is_classical, load_models
from pipeline.ground.files import read_json
from pipeline.models.archive import read_model
from pipeline.models.features.photos import reduce
from pipeline.models.networks.target_units import without_units
from pipeline.operations.labelling.choice import Floats, Rows
from pipeline.operations.labelling.pool import BLOCK, Pool
from pipeline.operations.retraining.contenders import ReigningChampion

if TYPE_CHECKING:
    import keras

SIDE = 16  # pixels of a photo where the champion has no features of it

See = Callable[[NDArray[Any]], NDArray[Any]]  # inputs of the champion → (n, …) what its last layer sees of them


def features_of(champion: ReigningChampion, pool: Pool, today: Prepared, places: Rows) -> Floats:
    """(n, F): of photos with length 1, so that brightness counts less than kind; of rows each column standardised.

    Args:
        today: a prepared split, for its columns.
        places: (n,) of the examples in the pool.
    """
    (model,) = load_models(files_of(champion)[:1], read_model)
    see = _below_estimator(model) if is_classical(model) else _below_head(model)
    blocks = (places[start : start + BLOCK] for start in range(0, len(places), BLOCK))
    parts = [see(champion.asked(pool.inputs_of(block), today.columns)) for block in blocks]
    seen = np.concatenate(parts).astype(np.float64).reshape(len(places), -1)
    if today.columns is None:
        return np.asarray(normalize(np.nan_to_num(seen)))
    return np.nan_to_num(StandardScaler().fit_transform(seen))  # a missing value counts as the mean


def files_of(champion: ReigningChampion) -> list[Path]:
    """Its model; of an ensemble its models."""
    folder = answering_folder(champion.champion.version)
    description = read_json(folder / DESCRIPTION)
    return [folder / member["model"] for member in description.get("members") or [description]]


def _below_estimator(model: Pipeline) -> See:
    """All steps but the last, those inside a calibration too; the inputs where there is no other."""
    *steps, (_, last) = model.steps
    if isinstance(last, CalibratedClassifierCV):
        inner = last.calibrated_classifiers_[0].estimator
        steps += inner.steps[:-1] if isinstance(inner, Pipeline) else []
    return Pipeline(steps).transform if steps else _inputs


def _inputs(inputs: NDArray[Any]) -> NDArray[Any]:
    """Rows as they are, photos as small ones: a champion that looks at nothing has no features."""
    return np.stack([reduce(photo, SIDE) for photo in inputs]) if inputs.ndim == 4 else inputs


def _below_head(network: keras.Model) -> See:
    """What the last layer is given; where a number is predicted, not the one that only has its units."""
    import keras

    from pipeline.folding import answering

    body = answering(keras.Model(network.input, without_units(network.layers)[-1].input))
    return Served(body, [], None).probabilities
