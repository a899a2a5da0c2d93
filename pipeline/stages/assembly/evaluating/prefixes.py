"""What a candidate's seeds have in common, found where training or another candidate's evaluation has kept it.

It stands here, and not among the nouns, because it brings three of them together that must not know each other: models,
evaluation, and the activations that training keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.datasets.store.prepared import Prepared
from pipeline.evaluation.answers.kept_prefix import ComputedPrefix, KeptFeatures, Prefix, Storage, Values, kept_layers
from pipeline.ground.kept import size_of
from pipeline.models.networks.backbones import block_ends
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.params.schema.backbones import parse_backbone
from pipeline.params.upkeep.keep import Keep
from pipeline.params.upkeep.shared_maps import maps_are_shared
from pipeline.trained_blocks import prefix_length
from pipeline.trials import Trial

if TYPE_CHECKING:
    from pipeline.network import Network


def cuts_of(trial: Trial) -> Sequence[str]:
    """Behind which layers a candidate's networks may be cut.

    With several seeds the shared prefix is found by comparing weights, so any block may end it that some phase left as
    it was: the best epochs may lie in that phase. With one seed it ends below the lowest block that any phase trained,
    where it is the same for other candidates.
    """
    ends: Sequence[str] = trial.parameters.get("blocks", ())
    if not ends:
        return ends
    frozen = [prefix_length(phase["train"], len(ends)) for phase in trial.phases]
    return ends[: (max if len(trial.seeds) > 1 else min)(frozen, default=0)]


def make_prefix(
    trial: Trial, extractor: Any, cuts: Sequence[str], development: Prepared, keep: Keep, storage: Storage
) -> tuple[Prefix | None, TrainingActivations | None]:
    """A candidate's prefix, and what training kept of it.

    Args:
        extractor: the prefix as it was cut off: a network or a scikit-learn transformer; None where there is none.
        cuts: the last layer of each block of a fine-tuned candidate's body, from the input up.
        storage: for what evaluation keeps of it.
    """
    if extractor is None:
        return None, None
    if development.kind != "images":
        return ComputedPrefix(extractor.transform), None
    network, ends = as_network(extractor, development.images.shape[1]), cuts
    if network is None:
        return KeptFeatures(extractor, storage.kept), None
    if isinstance(extractor, PooledFeatures):
        ends = block_ends(parse_backbone(extractor.row))
    ends = blocks_inside(network, ends)
    activations = TrainingActivations(keep, development, network, ends)  # before it is cut, which calls its layers
    if len(network.output.shape) > 2 or len(ends) < 2:
        return kept_layers(network, storage), activations
    shared = maps_are_shared(trial.backbone, trial.parameters.get("precision", "float32"), len(ends))
    return kept_layers(network, storage, cut=ends[-2], asked_for=shared), activations


def as_network(extractor: Any, image_size: int) -> Any:
    """The network that a prefix is; None for a transformer that is none.

    A backbone inside a classical model is the very network that the model itself goes on to use, so it is built once.
    """
    if isinstance(extractor, PooledFeatures):
        return extractor.network(image_size)
    return extractor if hasattr(extractor, "layers") else None


def blocks_inside(network: Any, ends: Sequence[str]) -> list[str]:
    """Those of the blocks, named by their last layers, that a network reaches which was cut behind one."""
    names = {layer.name for layer in network.layers}
    return [end for end in ends if end in names]


class TrainingActivations:
    """The very rows or maps of development that training used for what stands above, made anew where they are gone.

    Args:
        ends: the last layer of each block of the network.
    """

    def __init__(self, keep: Keep, development: Prepared, network: Any, ends: Sequence[str]) -> None:
        self._network, self._development = in_blocks(network, ends), development
        self._limit_gb = keep.activations_gb
        size = size_of((len(development.images), *network.output.shape[1:]), np.float32)
        # Of augmented photos training needs room for every view, so it may have kept nothing where these fit.
        self._fit = bool(ends) and size <= self._limit_gb * 1e9

    def values(self) -> Values | None:
        """None where there is no room for them."""
        from pipeline.training.kept.activations import ActivationStore

        if not self._fit:
            return None
        store = ActivationStore(self._development.images, self._development.sha256, self._limit_gb)
        return store.get(self._network, len(self._network.blocks)).values


def in_blocks(model: Any, ends: Sequence[str]) -> Network:
    """The blocks that training knows of a network's body; its head is left out.

    Args:
        ends: the last layer of each block.
    """
    from pipeline.network import Network

    names = [layer.name for layer in model.layers]
    places = [0, *(names.index(end) + 1 for end in ends)]
    blocks = [model.layers[start:end] for start, end in pairwise(places)]
    return Network(model, blocks, head=[], fresh=[])
