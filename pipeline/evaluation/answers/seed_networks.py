"""The saved networks of one candidate's seeds, cut in two, with as few as possible of them built.

Building a network takes longer than reading its weights. Where the seeds have a prefix in common, the first is built
whole, and of the others what lies above the prefix.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.answers.models import ReadSkops, load_models, load_network
from pipeline.evaluation.answers.shared_prefix import Split, below, bypassed, split_off_prefix

if TYPE_CHECKING:
    import keras

Weights = dict[str, list[NDArray[Any]]]  # of each layer, by its name
WEIGHTS = "model.weights.h5"  # inside a .keras file
NOT_COMPUTED = ("trainable", "shared_object_id")  # keys of a description that change no output


def load_split(paths: Sequence[Path], cuts: Sequence[str], read_skops: ReadSkops) -> tuple[Any, Split]:
    """The first seed's whole model, and the models of all seeds cut in two (see `split_off_prefix`).

    Args:
        paths: the saved models.
        cuts: names of layers, from the input up, behind which networks may be cut.
    """
    if len(paths) > 1 and cuts and _described_alike(paths):
        network = load_network(paths[0])
        weights = [_weights(network), *(_weights_in(path, network) for path in paths[1:])]
        _assign(network, weights[0])
        if (cut := _highest_cut(network, weights, cuts)) is not None:
            return network, _split(network, weights, cut)
        models = [network, *load_models(paths[1:], read_skops)]
        return network, Split(None, models)
    models = load_models(paths, read_skops)
    return models[0], split_off_prefix(models, cuts)


def _highest_cut(network: keras.Model, weights: Sequence[Weights], cuts: Sequence[str]) -> str | None:
    """The last of the cuts up to which all seeds have the same weights, and which nothing bypasses."""
    first, *others = weights
    for cut in reversed(cuts):
        names = [layer.name for layer in below(network, cut).layers]
        equal = all(_equal(first[name], of_seed[name]) for name in names for of_seed in others)
        if equal and not bypassed(network, cut):
            return cut
    return None


def _split(network: keras.Model, weights: Sequence[Weights], cut: str) -> Split:
    import keras

    rest = keras.Model(network.get_layer(cut).output, network.output)
    rests = [rest]
    for of_seed in weights[1:]:
        rests.append(keras.models.clone_model(rest))
        _assign(rests[-1], of_seed)
    return Split(below(network, cut), rests)


def _described_alike(paths: Sequence[Path]) -> bool:
    """Whether these are files of networks with the same layers, the same way through them and the same settings."""
    if any(path.suffix != ".keras" for path in paths):
        return False
    first, *others = [_description(path) for path in paths]
    return all(other == first for other in others)


def _description(path: Path) -> Any:
    """Its layers as config.json has them, without what changes no output.

    `trainable` depends on the phase that a seed's best epoch lies in.
    """

    def without(entries: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: value for key, value in entries if key not in NOT_COMPUTED}

    with ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"), object_pairs_hook=without)["config"]
    return [config.get(key) for key in ("layers", "input_layers", "output_layers")]


def _weights(network: keras.Model) -> Weights:
    return {layer.name: layer.get_weights() for layer in network.layers}


def _weights_in(path: Path, network: keras.Model) -> Weights:
    """What a file with the same layers has; the network has them afterwards.

    They are unpacked first: read where they lie inside the archive they take six times as long.
    """
    with TemporaryDirectory() as folder, ZipFile(path) as archive:
        network.load_weights(archive.extract(WEIGHTS, folder))
    return _weights(network)


def _assign(network: keras.Model, weights: Weights) -> None:
    from pipeline.network import set_weights

    for layer in network.layers:
        if layer.weights:
            set_weights(layer, weights[layer.name])


def _equal(weights: list[NDArray[Any]], others: list[NDArray[Any]]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
