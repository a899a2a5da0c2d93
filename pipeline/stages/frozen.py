"""What the frozen part of a candidate makes of photos, found where training or another candidate's evaluation kept it.

No stage of its own: `evaluate` hands it to what asks a candidate about photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.datasets.prepared import Prepared
from pipeline.evaluation.features import Images, KeptFeatures, Rows
from pipeline.evaluation.inference import Keep
from pipeline.evaluation.kept import KeptArrays
from pipeline.models.pooled import PooledFeatures
from pipeline.params import Params


def keep_frozen(params: Params, development: Prepared, batch_size: int, blocks: Sequence[str]) -> Keep:
    """Makes of what a candidate's seeds share, where it ends in rows, a function of photos that computes nothing twice.

    Args:
        batch_size: photos a forward pass, where nothing is kept yet.
        blocks: the last layer of each block of a fine-tuned candidate's body, from the input up.
    """
    kept = KeptFeatures(KeptArrays(params.keep.altered_gb), batch_size)

    def keep(extractor: Any) -> Any:
        network = as_network(extractor, development.images.shape[1])
        of_any = kept.of(network)
        ends = blocks_of_probe(extractor) if isinstance(extractor, PooledFeatures) else blocks
        if not ends or rows_in_gb(network, len(development.images)) > params.keep.activations_gb:
            return of_any

        def of(images: Images) -> Rows:
            return as_trained_on(params, development, network, ends) if images is development.images else of_any(images)

        return of

    return keep


def as_network(extractor: Any, image_size: int) -> Any:
    """A backbone inside a classical model, as the network that it is inside a fine-tuned one; others as they are.

    It is the one that the model itself goes on to use, so that it is built once.
    """
    return extractor.network(image_size) if isinstance(extractor, PooledFeatures) else extractor


def blocks_of_probe(extractor: PooledFeatures) -> list[str]:
    """As in a fine-tuned candidate's trial.json: the pooling is the last layer of the uppermost block."""
    return [*extractor.row["blocks"][:-1], "pool"]


def as_trained_on(params: Params, development: Prepared, network: Any, ends: Sequence[str]) -> Rows:
    """The very rows that training a head or a probe on this backbone used, made anew where they are no longer kept."""
    from pipeline.training.activations import ActivationStore
    from pipeline.training.network import Network

    names = [layer.name for layer in network.layers]
    places = [names.index(end) + 1 for end in ends if end in names]
    blocks = [network.layers[start:end] for start, end in zip([0, *places[:-1]], places, strict=True)]
    store = ActivationStore(development.images, development.sha256, params.keep.activations_gb)
    return store.get(Network(network, blocks, head=[], fresh=[]), len(blocks)).values


def rows_in_gb(network: Any, count: int) -> float:
    return count * network.output.shape[-1] * np.dtype(np.float32).itemsize / 1e9
