"""A pretrained backbone under a new head: one flat functional model from raw pixels to probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.models.networks.backbones import build_pooled, load_imagenet_weights
from pipeline.params.rows import Backbone

if TYPE_CHECKING:
    import keras

    from pipeline.models.networks.heads import Head


def build_finetuned(
    row: Backbone, image_size: int, head: Head, dropout: float, weights: Path | None, precision: str = "float32"
) -> tuple[keras.Model, list[list[keras.Layer]], list[keras.Layer]]:
    """The model with its ImageNet weights loaded, its body's blocks (input up), and the head's layers.

    It takes raw RGB of 0 to 255, (batch, S, S, 3): see `build_pooled`.

    Args:
        weights: the file that they are in; None leaves random ones.
        precision: what the backbone computes in (see `computing_in`); preprocessing, pooling and head are in float32.
    """
    import keras

    body, blocks = build_pooled(row, image_size, precision)
    if weights is not None:
        load_imagenet_weights(body, weights)
    outputs = head.attach(body.output, dropout, pretrained=weights is not None)
    model = keras.Model(body.input, outputs, name=body.name)
    inside = {id(layer) for block in blocks for layer in block}
    return model, blocks, [layer for layer in model.layers if id(layer) not in inside]
