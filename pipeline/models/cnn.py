"""The CNN of the lecture, trained from scratch: blocks of convolution and pooling, one dense layer, the head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.models.precision import computing_in
from pipeline.params import Architecture, ParamsError

if TYPE_CHECKING:
    import keras

    from pipeline.models.heads import Head


def build_cnn(architecture: Architecture, image_size: int, head: Head, precision: str = "float32") -> keras.Model:
    """A CNN that takes raw RGB of 0 to 255, (batch, image_size, image_size, 3), and gives the head's probabilities.

    Args:
        precision: what everything but the scaling of the image and the head computes in (see `computing_in`).

    Raises:
        ParamsError: when the image is too small for that many poolings.
    """
    import keras

    if image_size < 2 ** len(architecture.blocks):
        raise ParamsError(
            f"params.yaml: data.image_size = {image_size}: {len(architecture.blocks)} poolings leave nothing of it; "
            f"use at least {2 ** len(architecture.blocks)} or fewer blocks in architectures"
        )
    pooling = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}[architecture.pooling]
    image = keras.Input((image_size, image_size, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(image)  # [-1, 1]
    with computing_in(precision):
        for number, block in enumerate(architecture.blocks, start=1):
            x = keras.layers.Conv2D(
                block.filters,
                block.kernel,
                padding="same",
                activation=architecture.activation,
                name=f"block{number}_conv",
            )(x)
            x = pooling(2, name=f"block{number}_pool")(x)  # half the side
        x = keras.layers.Flatten(name="flatten")(x)
        x = keras.layers.Dense(architecture.dense, activation=architecture.activation, name="dense")(x)
    return keras.Model(image, head.attach(x, architecture.dropout), name="cnn")
