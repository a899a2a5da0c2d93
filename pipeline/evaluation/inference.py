"""Probabilities, or predicted numbers, from saved models; what a candidate's seeds have in common is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    import keras

Images = NDArray[Any]  # raw RGB, (N, H, W, 3) uint8; or rows of a table, (N, columns) float64
Probabilities = NDArray[np.float32]  # (N, classes); (N, 1) predicted numbers of a regression
Predict = Callable[[Images], Probabilities]
ReadSkops = Callable[[Path], Any]  # how a .skops file becomes a scikit-learn model: models.archive.read_model


def load_models(paths: Sequence[Path], read_skops: ReadSkops) -> list[Any]:
    """The saved models of one candidate's seeds: scikit-learn pipelines from `.skops`, networks from `.keras`."""
    return [read_skops(path) if path.suffix == ".skops" else load_network(path) for path in paths]


def predictor(model: Any) -> Predict:
    """One model as a function of raw images."""
    return _classical(model) if _is_classical(model) else _network(model)


def predictors(
    models: Sequence[Any], batch_size: int, cuts: Sequence[str] = ()
) -> Callable[[Images], list[Probabilities]]:
    """The models of one candidate's seeds as one function: images → each seed's probabilities.

    The images may be memory-mapped: they are read, and what the seeds share is kept, one batch at a time.

    Args:
        cuts: names of layers, from the input up, behind which the networks may be cut: what stands below the last
            one up to which all seeds have the same weights is computed once for all of them.
    """
    if _is_classical(models[0]):
        together = _pipelines(models)
    else:
        shared = split_off_shared(models, cuts)
        together = _networks(models) if shared is None else _behind(shared)
    return lambda images: _in_batches(together, images, batch_size)


def load_network(path: Path) -> keras.Model:
    """A `.keras` file in Keras' safe mode, in which it may hold no code."""
    import keras

    return keras.saving.load_model(path, compile=False, safe_mode=True)


@dataclass(frozen=True)
class Shared:
    """The part of several networks that computes the same in all of them, and what remains of each."""

    prefix: keras.Model
    rests: list[keras.Model]


def split_off_shared(networks: Sequence[keras.Model], cuts: Sequence[str]) -> Shared | None:
    """Cut networks of one architecture behind the last of `cuts` below which their weights are identical.

    None when there is no such place, or only one network.
    """
    import keras

    for cut in reversed(cuts if len(networks) > 1 else []):
        if _same_below(networks, cut):
            prefix = _prefix(networks[0], cut)
            return Shared(prefix, [keras.Model(net.get_layer(cut).output, net.output) for net in networks])
    return None


def even_batches(images: int, most: int) -> int:
    """A batch size of at most `most` that leaves as little as possible to fill up in the last batch."""
    return ceil(images / ceil(images / most))


def _prefix(network: keras.Model, cut: str) -> keras.Model:
    import keras

    return keras.Model(network.input, network.get_layer(cut).output)


def _same_below(networks: Sequence[keras.Model], cut: str) -> bool:
    """Whether all networks are bit-identical up to layer `cut`, and nothing bypasses it."""
    first, *others = [_prefix(network, cut).layers for network in networks]
    same = all(
        len(first) == len(other) and all(_same_layer(a, b) for a, b in zip(first, other, strict=True))
        for other in others
    )
    return same and not _bypassed(networks[0], cut)


def _same_layer(one: keras.Layer, other: keras.Layer) -> bool:
    if _configuration(one) != _configuration(other):
        return False
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _configuration(layer: keras.Layer) -> dict[str, Any]:
    """Without `trainable`, which changes no output and depends on the phase that a seed's best epoch lies in."""
    return {"class": type(layer), **layer.get_config(), "trainable": None}


def _bypassed(network: keras.Model, cut: str) -> bool:
    """Whether something above layer `cut` reads from below it other than through its output."""
    below = {operation.name for operation in _prefix(network, cut).operations}
    above = [operation for operation in network.operations if operation.name not in below]
    parents = {
        parent.operation.name
        for operation in above
        for node in operation._inbound_nodes
        for parent in node.parent_nodes
    }
    return bool(parents & (below - {cut}))


def _is_classical(model: Any) -> bool:
    return hasattr(model, "predict_proba") or hasattr(model, "named_steps")


def _pipelines(models: Sequence[Any]) -> Callable[[Images], list[Probabilities]]:
    """Features learn nothing from data: where a row has them, they are the first step, and the same for all seeds."""
    if "features" not in models[0].named_steps:
        return lambda images: [_classical(model)(images) for model in models]
    features, rests = models[0].named_steps["features"], [_classical(model[1:]) for model in models]

    def predict(images: Images) -> list[Probabilities]:
        rows = features.transform(images)
        return [rest(rows) for rest in rests]

    return predict


def _networks(networks: Sequence[keras.Model]) -> Callable[[Images], list[Probabilities]]:
    return lambda images: [_network(network)(images) for network in networks]


def _behind(shared: Shared) -> Callable[[Images], list[Probabilities]]:
    def predict(images: Images) -> list[Probabilities]:
        activations = shared.prefix.predict_on_batch(images.astype(np.float32))
        return [_two_columns(rest, rest.predict_on_batch(activations)) for rest in shared.rests]

    return predict


def _network(network: keras.Model) -> Predict:
    return lambda images: _two_columns(network, network.predict_on_batch(images.astype(np.float32)))


def _classical(model: Any) -> Callable[[NDArray[Any]], Probabilities]:
    """On one thread: for batches of this size threads cost more than they save, seconds on a busy machine."""
    controller = ThreadpoolController()

    def predict(inputs: NDArray[Any]) -> Probabilities:
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


def _in_batches(
    predict: Callable[[Images], list[Probabilities]], images: Images, batch_size: int
) -> list[Probabilities]:
    """Each model's probabilities for all images, (N, classes)."""
    parts = [[part[:count] for part in predict(batch)] for batch, count in _batches(images, batch_size)]
    return [np.concatenate(of_model) for of_model in zip(*parts, strict=True)]


def _batches(images: Images, batch_size: int) -> Iterator[tuple[Images, int]]:
    """Batches of one size and how many of their images count: a smaller last one would have every network traced
    again, so the last is filled up with copies of its last image."""
    batch_size = min(batch_size, len(images))
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size])
        missing = batch_size - len(batch)
        yield np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]), len(batch)
