"""A pretrained backbone under a new head: one flat functional model from raw pixels to probabilities or a number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.models.networks.backbones import build_pooled, load_pretrained_weights
from pipeline.models.networks.own_backbones import refuse_wrongly_trained
from pipeline.models.networks.target_units import adapter_of, deviation_in, in_target_units, without_units
from pipeline.params.schema.backbones import Backbone, ReadBackbone

if TYPE_CHECKING:
    from pipeline.models.networks.heads import Head
    from pipeline.network import Network


def build_finetuned(
    row: Backbone | ReadBackbone,
    image_size: int,
    head: Head,
    dropout: float,
    weights: Path | None,
    precision: str = "float32",
    batch_norm: Literal["frozen", "trained"] = "frozen",
    begins_anew: bool = False,
) -> Network:
    """The backbone with its pretrained weights, its blocks, and a new head that each seed initialises anew.

    The model takes raw RGB of 0 to 255, (batch, S, S, 3): see `build_pooled`.

    Args:
        dropout: share of the pooled features that is dropped in front of the head.
        weights: the file with the pretrained weights; None: random ones take their place.
        precision: what the backbone computes in (see `computing_in`); preprocessing, pooling and head are in float32.
        batch_norm: see `Strategy`.
        begins_anew: each seed initialises the whole network anew, but for the means and variances of an own backbone's
            preprocessing, which are of its photos and were not learned.

    Raises:
        ParamsError: when the file of weights is not there or belongs to another backbone, or a backbone of one's own
            has what this processor trains wrongly.
    """
    import keras

    from pipeline.network import Network

    body, blocks = build_pooled(row, image_size, precision)
    if weights is not None and (not begins_anew or isinstance(row, ReadBackbone)):
        load_pretrained_weights(row, body, weights)
    if isinstance(row, ReadBackbone):
        refuse_wrongly_trained(row, body)
    begins_anew = begins_anew or weights is None
    outputs = head.attach(body.output, dropout, pretrained=not begins_anew)
    model = keras.Model(body.input, outputs if head.task.has_classes else in_target_units(outputs), name=body.name)
    inside = {id(layer) for block in blocks for layer in block}
    layers = without_units(model.layers)
    head_layers = [layer for layer in layers if id(layer) not in inside]
    learned = [layer for layer in layers if not isinstance(layer, keras.layers.Normalization)]
    fresh = learned if begins_anew else head_layers
    frozen_batch_norm = batch_norm == "frozen"
    return Network(model, blocks, head_layers, fresh, frozen_batch_norm, adapter_of(model), deviation_in(model))
