"""A pretrained backbone under a new head: one flat functional model from raw pixels to probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.models.backbones import blocks_of, build_backbone, load_imagenet_weights, preprocess
from pipeline.models.precision import computing_in
from pipeline.params import Backbone

if TYPE_CHECKING:
    import keras

    from pipeline.models.heads import Head


def build_finetuned(
    row: Backbone, image_size: int, head: Head, dropout: float, weights: Path, precision: str = "float32"
) -> tuple[keras.Model, list[list[keras.Layer]], list[keras.Layer]]:
    """The model with its ImageNet weights loaded, its body's blocks (input up), and the head's layers.

    Preprocessing is part of the model, so that it takes raw RGB of 0 to 255, (batch, S, S, 3), wherever it is used;
    the global average pooling belongs to the uppermost block.

    Args:
        precision: what the backbone computes in (see `computing_in`); preprocessing, pooling and head are in float32.
    """
    import keras

    image = keras.Input((image_size, image_size, 3), name="image")
    preprocessed = preprocess(image, row.preprocessing)
    with computing_in(precision):
        backbone = build_backbone(row, preprocessed)
    load_imagenet_weights(backbone, weights)
    features = keras.layers.GlobalAveragePooling2D(dtype="float32", name="pool")(backbone.output)  # (batch, channels)
    model = keras.Model(image, head.attach(features, dropout, pretrained=True), name=row.constructor.lower())
    blocks = blocks_of(row, backbone)
    blocks[-1].append(model.get_layer("pool"))
    inside = {id(layer) for block in blocks for layer in block}
    return model, blocks, [layer for layer in model.layers if id(layer) not in inside]
