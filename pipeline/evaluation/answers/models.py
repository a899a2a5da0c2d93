"""Saved models of both kinds, loaded, and each as a function from raw inputs to probabilities or predicted numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from pipeline.ground.files import reading

if TYPE_CHECKING:
    import keras

Inputs = NDArray[Any]  # raw RGB, (N, H, W, 3) uint8; or rows of a table, (N, columns) float64
Probabilities = NDArray[np.float32]  # (N, classes); (N, 1) predicted numbers of a regression
Predict = Callable[[Inputs], Probabilities]
ReadSkops = Callable[[Path], Any]  # how a .skops file becomes a scikit-learn model: models.archive.read_model


class UnsafeNetworkError(ValueError):
    """A network's file carries code."""


def load_models(paths: Sequence[Path], read_skops: ReadSkops) -> list[Any]:
    """The saved models of one candidate's seeds: scikit-learn pipelines from `.skops`, networks from `.keras`."""
    return [read_skops(path) if path.suffix == ".skops" else load_network(path) for path in paths]


def load_network(path: Path) -> keras.Model:
    """A `.keras` file in Keras' safe mode, in which it may hold no code.

    Raises:
        DamagedFileError: the file is cut off or damaged.
        UnsafeNetworkError: it is whole, and carries code.
    """
    import keras

    with reading(path):
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except ValueError as error:
            if "safe_mode" not in str(error):
                raise
    raise UnsafeNetworkError(
        f"{path}: carries code (such as a Lambda layer), which safe_mode does not load; none of this project does; "
        "train it again with `dvc repro`"
    )


def predictor(model: Any) -> Predict:
    """One model, or what remains of it above a prefix, as a function of its inputs."""
    return _classical(model) if is_classical(model) else _network(model)


def is_classical(model: Any) -> bool:
    return hasattr(model, "predict_proba") or hasattr(model, "named_steps")


def _network(network: keras.Model) -> Predict:
    from pipeline.folding import answering

    answer = answering(network)
    return lambda inputs: _two_columns(network, answer(inputs))


def _classical(model: Any) -> Predict:
    """On one thread: for batches of this size threads cost more than they save, seconds on a busy machine."""
    controller = ThreadpoolController()

    def predict(inputs: Inputs) -> Probabilities:
        with controller.limit(limits=1):
            if hasattr(model, "predict_proba"):
                return model.predict_proba(inputs).astype(np.float32)
            return np.asarray(model.predict(inputs), dtype=np.float32)[:, None]

    return predict


def _two_columns(network: keras.Model, outputs: NDArray[np.floating]) -> Probabilities:
    """(N, 1) probabilities of class 1 (a sigmoid's) → (N, 2); (N, classes), and numbers, as they are."""
    outputs = np.asarray(outputs, dtype=np.float32)
    is_sigmoid = outputs.shape[1] == 1 and network.layers[-1].get_config().get("activation") == "sigmoid"
    return np.hstack([1 - outputs, outputs]) if is_sigmoid else outputs
