"""How strongly the loss pulls at each layer of a network from scratch: whether depth starves the lowest ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.measures.findings import Findings
from pipeline.tasks import SMALLEST_PROBABILITY

if TYPE_CHECKING:
    import keras


def measure_gradients(
    network: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int
) -> Findings:
    """metrics.json's `gradients`: the norm of the loss's gradient by each layer's kernel, from the input up, with
    freshly drawn weights and with the trained ones.

    The summary has the fresh norm of the lowest convolution, `gradient_lowest`: near 0 it hardly learns; and that over
    the norm of the highest, `gradient_ratio`, left out where the highest has no gradient. Saturating activations make
    the ratio small; where a signal fades on its way up, both ends have small norms.

    Args:
        images: (N, S, S, 3), one batch.
        labels: (N,) class numbers.
        seed: draws the fresh weights.
    """
    import keras

    keras.utils.set_random_seed(seed)
    fresh = gradient_norms(keras.models.clone_model(network), images, labels)
    trained = gradient_norms(network, images, labels)
    layers = {name: {"fresh": fresh[name], "trained": trained[name]} for name in fresh}
    convolutions = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    lowest, highest = fresh[convolutions[0]], fresh[convolutions[-1]]
    ratio = {"gradient_ratio": lowest / highest} if highest else {}
    return Findings({"gradient_lowest": lowest} | ratio, {"gradients": {"photos": len(images), "layers": layers}})


def gradient_norms(network: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> dict[str, float]:
    """The norm of the gradient of the mean cross-entropy by each kernel, from the input up; nothing is trained."""
    import tensorflow as tf

    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    with tf.GradientTape() as tape:
        outputs = network(images.astype(np.float32), training=False)
        probabilities = tf.concat([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs
        right = tf.gather(probabilities, labels, axis=1, batch_dims=1)
        loss = -tf.reduce_mean(tf.math.log(tf.maximum(right, SMALLEST_PROBABILITY)))
    gradients = tape.gradient(loss, [layer.kernel.value for layer in layers])
    return {layer.name: float(tf.norm(gradient)) for layer, gradient in zip(layers, gradients, strict=True)}
