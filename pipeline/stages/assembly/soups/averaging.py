"""Soups: one network with the mean of the weights of several seeds' networks (Wortsman et al. 2022).

Every number is averaged, running means and variances of BatchNorm too: where seeds begin at the same pretrained
weights and are fine-tuned for a few epochs these are close to one another. What is frozen is the same in all and stays
so to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras


def average_weights(networks: Sequence[keras.Model]) -> keras.Model:
    """A network of its own with the mean of their weights.

    Args:
        networks: with the same layers, in the same order: those of one candidate's seeds, or what lies above a prefix
            that they have in common.
    """
    import keras

    from pipeline.network import set_weights

    soup = keras.models.clone_model(networks[0])
    for layers in zip(soup.layers, *(network.layers for network in networks), strict=True):
        mixed, *parts = layers
        if mixed.weights:
            set_weights(mixed, _means([part.get_weights() for part in parts]))
    return soup


def whole_soup(first: keras.Model, above: keras.Model) -> keras.Model:
    """The whole network: what lies above the prefix from a soup, everything else from any seed, where it is the same.

    Args:
        first: a seed's whole network.
        above: the soup of what differs; the whole network where no prefix was cut off.
    """
    import keras

    from pipeline.network import set_weights

    soup = keras.models.clone_model(first)
    mixed = {layer.name: layer for layer in above.layers}
    for layer in soup.layers:
        if layer.weights:
            set_weights(layer, mixed.get(layer.name, first.get_layer(layer.name)).get_weights())
    return soup


def _means(weights: Sequence[list[NDArray[Any]]]) -> list[NDArray[Any]]:
    """Of each of a layer's arrays, in float64 and rounded once, so that the mean of equal numbers is that number."""
    return [np.mean(arrays, axis=0, dtype=np.float64).astype(arrays[0].dtype) for arrays in zip(*weights, strict=True)]
