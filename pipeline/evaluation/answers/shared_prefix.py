"""The part of a candidate's models that is the same for all its seeds, cut off from what differs.

Of networks it reaches up to the last block below which all weights are equal; of classical models it is their features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.evaluation.answers.models import is_classical

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Split:
    """Several models cut in two.

    Attributes:
        prefix: what all of them have in common, a network without its head or a scikit-learn transformer; None where
            they have nothing in common.
        rests: what remains of each: networks or scikit-learn pipelines; whole models where there is no prefix.
    """

    prefix: Any
    rests: list[Any]


def split_off_prefix(models: Sequence[Any], cuts: Sequence[str]) -> Split:
    """
    Args:
        models: of one candidate's seeds.
        cuts: names of layers, from the input up, behind which networks may be cut. They are cut behind the last one
            up to which all have the same weights; one network by itself is cut behind the last.
    """
    if is_classical(models[0]):
        return _split_pipelines(models)
    for cut in reversed(cuts):
        if _equal_below(models, cut):
            return _split_networks(models, cut)
    return Split(None, list(models))


def _split_pipelines(models: Sequence[Any]) -> Split:
    """Features learn nothing from data, so they are the same for all seeds."""
    if "features" not in models[0].named_steps:
        return Split(None, list(models))
    return Split(models[0].named_steps["features"], [model[1:] for model in models])


def _split_networks(networks: Sequence[keras.Model], cut: str) -> Split:
    import keras

    prefix = below(networks[0], cut)
    return Split(prefix, [keras.Model(network.get_layer(cut).output, network.output) for network in networks])


def below(network: keras.Model, cut: str) -> keras.Model:
    """The network up to the output of layer `cut`."""
    import keras

    return keras.Model(network.input, network.get_layer(cut).output)


def _equal_below(networks: Sequence[keras.Model], cut: str) -> bool:
    """Whether all networks are bit-identical up to layer `cut`, and nothing bypasses it."""
    first, *others = [below(network, cut).layers for network in networks]
    equal = all(
        len(first) == len(other) and all(_equal_layers(a, b) for a, b in zip(first, other, strict=True))
        for other in others
    )
    return equal and not bypassed(networks[0], cut)


def _equal_layers(layer: keras.Layer, other: keras.Layer) -> bool:
    if _configuration(layer) != _configuration(other):
        return False
    pairs = zip(layer.get_weights(), other.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _configuration(layer: keras.Layer) -> dict[str, Any]:
    """Without `trainable`, which changes no output and depends on the phase that a seed's best epoch lies in."""
    return {"class": type(layer), **layer.get_config(), "trainable": None}


def bypassed(network: keras.Model, cut: str) -> bool:
    """Whether something above layer `cut` reads from below it other than through its output."""
    names = {operation.name for operation in below(network, cut).operations}
    above = [operation for operation in network.operations if operation.name not in names]
    parents = {
        parent.operation.name
        for operation in above
        for node in operation._inbound_nodes
        for parent in node.parent_nodes
    }
    return bool(parents & (names - {cut}))
