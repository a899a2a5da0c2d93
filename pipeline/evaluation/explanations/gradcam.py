"""Grad-CAM (Selvaraju et al. 2017) of a Keras network: where its last feature maps see what speaks for a class, or what
makes a number larger or smaller.

This is our own implementation, because the library for Keras 3 (ELI5) explains one photo at a time and builds the
network anew for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

# Places a side: the last maps of a deep network at 96 pixels can be a single place, which shows nothing.
SMALLEST_MAP = 4
AT_ONCE = 32  # photos: what every layer makes of them is kept until the gradients are there


def gradcam(network: keras.Model, images: NDArray[np.uint8], classes: NDArray[np.int64] | None) -> NDArray[np.float32]:
    """(N, h, w), at least 0, the largest value of each photo 1 (or all 0): what speaks for its class, and where.

    What speaks against a class is cold. A number has no such side: there, what makes it smaller is as hot as what makes
    it larger.

    Args:
        network: ends in a dense layer, with one unit a class, or a single one: for the second of two classes, or for a
            number.
        images: (N, S, S, 3) raw RGB.
        classes: (N,) class numbers; None where the network predicts a number.
    """
    import keras

    insides = keras.Model(network.inputs, [uppermost_maps(network), _first_node(network.layers[-1]).input_tensors[0]])
    starts = range(0, len(images), AT_ONCE)
    parts = [slice(start, start + AT_ONCE) for start in starts]
    heat = [_heat(network, insides, images[part], None if classes is None else classes[part]) for part in parts]
    heat_of_all = np.concatenate(heat)
    return heat_of_all / np.maximum(heat_of_all.max(axis=(1, 2), keepdims=True), 1e-12)


def _heat(
    network: keras.Model, insides: keras.Model, images: NDArray[np.uint8], classes: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """The same of a few photos, before it is scaled."""
    import tensorflow as tf

    head, photos = network.layers[-1], tf.convert_to_tensor(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(photos)  # else a network whose layers are all frozen would leave nothing on the tape
        maps, features = insides(photos, training=False)
        outputs = tf.matmul(tf.cast(features, tf.float32), head.kernel) + head.bias  # (N, units), logits of classes
        score = tf.reduce_sum(outputs if classes is None else outputs * _signs(classes, outputs.shape[1]))
    slopes = tf.cast(tape.gradient(score, maps), tf.float32)  # (N, h, w, channels)
    weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
    signed = tf.reduce_sum(weights * tf.cast(maps, tf.float32), axis=-1)
    return np.asarray(tf.abs(signed) if classes is None else tf.nn.relu(signed))


def uppermost_maps(network: keras.Model) -> keras.KerasTensor:
    """The output of the uppermost layer whose maps have SMALLEST_MAP places a side or more; else the largest maps."""
    outputs = [_first_node(layer).output_tensors[0] for layer in network.layers]
    maps = [output for output in reversed(outputs) if len(output.shape) == 4]
    return next((output for output in maps if min(output.shape[1:3]) >= SMALLEST_MAP), maps[-1])


def _first_node(layer: keras.Layer) -> Any:
    """Where the network itself calls the layer; networks that were cut out of it later call it again."""
    return layer._inbound_nodes[0]


def _signs(classes: NDArray[np.int64], units: int) -> NDArray[np.float32]:
    """(N, units): which logit speaks for each photo's class, and with which sign."""
    if units == 1:
        return np.where(classes == 1, 1, -1)[:, None].astype(np.float32)
    return np.eye(units, dtype=np.float32)[classes]
