"""A network as a function of tensors, which TensorFlow's converters trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def answers_of(network: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """(N, …) float32 → (N, classes), (N, 1) numbers, or (N, channels) features; a sigmoid's one column becomes two."""
    import tensorflow as tf

    is_sigmoid = network.output_shape[-1] == 1 and network.layers[-1].get_config().get("activation") == "sigmoid"

    def answers(inputs: tf.Tensor) -> tf.Tensor:
        outputs = network(inputs, training=False)
        return tf.concat([1 - outputs, outputs], axis=1) if is_sigmoid else outputs

    return answers
