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
OfImages = Callable[[Images], NDArray[Any]]
ReadSkops = Callable[[Path], Any]  # how a .skops file becomes a scikit-learn model: models.archive.read_model


@dataclass(frozen=True)
class Below:
    """What the models of a candidate's seeds have in common, up to where they differ.

    Attributes:
        of_a_batch: what it makes of one batch, computed.
        of_all_images: the same of all images at once, computed or found; None where it is not to be kept, since it
            would be too much to hold, and is computed a batch at a time.
    """

    of_a_batch: OfImages
    of_all_images: Callable[[Images], NDArray[Any] | None] = lambda images: None


Keep = Callable[[Any], Below]  # such as features.KeptFeatures.of


def load_models(paths: Sequence[Path], read_skops: ReadSkops) -> list[Any]:
    """The saved models of one candidate's seeds: scikit-learn pipelines from `.skops`, networks from `.keras`."""
    return [read_skops(path) if path.suffix == ".skops" else load_network(path) for path in paths]


def predictor(model: Any) -> Predict:
    """One model as a function of raw images."""
    return _classical(model) if _is_classical(model) else _network(model)


def predictors(models: Sequence[Any], batch_size: int, cuts: Sequence[str] = (), keep: Keep | None = None) -> Together:
    """The models of one candidate's seeds as one function: images → each seed's probabilities.

    The images may be memory-mapped: they are read one batch at a time, and what the seeds share is held so too, save
    where `keep` gives it for all images at once.

    Args:
        cuts: names of layers, from the input up, behind which the networks may be cut: what stands below the last
            one up to which all seeds have the same weights is computed once for all of them; one network by itself is
            cut behind the last.
        keep: makes of what the seeds share a function that computes nothing twice.
    """
    if _is_classical(models[0]):
        return _pipelines(models, batch_size, keep)
    shared = split_off_shared(models, cuts)
    if shared is None:
        return Together([_network(network) for network in models], batch_size)
    rests = [_network(rest) for rest in shared.rests]
    return Together(rests, batch_size, keep(shared.prefix) if keep else Below(activations(shared.prefix)))


@dataclass(frozen=True)
class Together:
    """The models of one candidate's seeds behind what they have in common.

    Attributes:
        rests: what remains of each model.
        below: what they have in common.
    """

    rests: Sequence[Predict]
    batch_size: int
    below: Below | None = None

    def __call__(self, images: Images) -> list[Probabilities]:
        return self._said(images, self.rests)

    def first(self, images: Images) -> Probabilities:
        """What the first seed's model says."""
        return self._said(images, self.rests[:1])[0]

    def first_alone(self, images: Images) -> Probabilities:
        """The same of images that no other candidate is asked about: nothing is kept of them."""
        return self._said(images, self.rests[:1], kept=False)[0]

    def _said(self, images: Images, rests: Sequence[Predict], kept: bool = True) -> list[Probabilities]:
        """Of each of these models, (N, classes)."""
        found = self.below.of_all_images(images) if self.below and kept else None
        parts = []
        for batch, count in batches(images if found is None else found, self.batch_size):
            shared = self.below.of_a_batch(batch) if self.below and found is None else batch
            parts.append([rest(shared)[:count] for rest in rests])
        return [np.concatenate(of_model) for of_model in zip(*parts, strict=True)]


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

    None when there is no such place.
    """
    import keras

    for cut in reversed(cuts):
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


def _pipelines(models: Sequence[Any], batch_size: int, keep: Keep | None) -> Together:
    """Features are made by the first step, and the same for all seeds."""
    if "features" not in models[0].named_steps:
        return Together([_classical(model) for model in models], batch_size)
    features, rests = models[0].named_steps["features"], [_classical(model[1:]) for model in models]
    return Together(rests, batch_size, keep(features) if keep else Below(features.transform))


def activations(network: keras.Model) -> OfImages:
    """What a network without its head makes of one batch, as float32, whatever it computes in."""
    return lambda images: np.asarray(network.predict_on_batch(images.astype(np.float32)), np.float32)


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


def in_batches(compute: OfImages, images: Images, batch_size: int) -> NDArray[Any]:
    """What `compute` makes of all images, a batch at a time."""
    return np.concatenate([compute(batch)[:count] for batch, count in batches(images, batch_size)])


def batches(images: Images, batch_size: int) -> Iterator[tuple[Images, int]]:
    """Batches of one size and how many of their images count: every other size would have a network traced again, so
    the last is filled up with copies of its last image."""
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size])
        missing = batch_size - len(batch)
        yield np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)]), len(batch)
