"""What the frozen part of a candidate makes of photos, found where training or another candidate's evaluation kept it.

A part of `evaluate`, which hands it to what asks a candidate about photos. It stands here, and not among the nouns,
because it brings three of them together that must not know each other: models, evaluation, and training's activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipeline.datasets.prepared import Prepared
from pipeline.evaluation.answers.features import Images, KeptFeatures, Values, bytes_of
from pipeline.evaluation.answers.inference import Below, Keep
from pipeline.models.networks.backbones import block_ends
from pipeline.models.pooled import PooledFeatures
from pipeline.params.rows.backbones import Backbone
from pipeline.params.whole import Params
from pipeline.trials import Trial

if TYPE_CHECKING:
    from pipeline.network import Network


def keep_frozen(params: Params, development: Prepared, photos: int, batch_size: int, blocks: Sequence[str]) -> Keep:
    """Makes of what a candidate's seeds share a function of photos that computes nothing twice.

    Args:
        photos: how many others than development it will be asked about.
        batch_size: photos a forward pass, where nothing is kept yet.
        blocks: the last layer of each block of a fine-tuned candidate's body, from the input up.
    """
    kept = KeptFeatures(params.keep.altered_gb, batch_size, photos)

    def keep(extractor: Any) -> Below:
        network = as_network(extractor, development.images.shape[1])
        if not hasattr(network, "layers"):
            return kept.of(network)
        of_probe = isinstance(extractor, PooledFeatures)
        ends = blocks_inside(network, block_ends(Backbone.model_validate(extractor.row)) if of_probe else blocks)
        trained_on = TrainedOn(params, development, network, ends)  # before it is cut, which calls its layers again
        in_rows = len(network.output.shape) == 2
        below = kept.of(network, ends[-2] if in_rows and len(ends) > 1 else None)

        def of(images: Images) -> Values | None:
            if images is development.images:
                return trained_on.values() if trained_on.fits else None
            return below.of_all_images(images)

        return replace(below, of_all_images=of)

    return keep


def as_network(extractor: Any, image_size: int) -> Any:
    """A backbone inside a classical model, as the network that it is inside a fine-tuned one; others as they are.

    It is the one that the model itself goes on to use, so that it is built once.
    """
    return extractor.network(image_size) if isinstance(extractor, PooledFeatures) else extractor


def blocks_inside(network: Any, blocks: Sequence[str]) -> list[str]:
    """Those of them that a network reaches which was cut behind one."""
    names = {layer.name for layer in network.layers}
    return [end for end in blocks if end in names]


def cuts_of(trial: Trial, models: Sequence[Any]) -> Sequence[str]:
    """Behind which layers a candidate's networks may be cut: several seeds show themselves what they have in common;
    of one alone it is what no phase trained."""
    ends: Sequence[str] = trial.parameters.get("blocks", ())
    if len(models) > 1 or not ends:
        return ends
    network = in_blocks(models[0], ends)
    return ends[: min((network.prefix_length(phase["train"]) for phase in trial.phases), default=0)]


def in_blocks(model: Any, ends: Sequence[str]) -> Network:
    """The blocks that training knows of a network's body; its head is left out. Args: ends: the last layer of each."""
    from pipeline.network import Network

    names = [layer.name for layer in model.layers]
    places = [0, *(names.index(end) + 1 for end in ends)]
    blocks = [model.layers[start:end] for start, end in pairwise(places)]
    return Network(model, blocks, head=[], fresh=[])


class TrainedOn:
    """The very rows or maps that training used for what stands above, made anew where they are no longer kept.

    Args:
        ends: the last layer of each block of the network.

    Attributes:
        fits: whether there is room for them. Of augmented photos training needs room for every view, so it may have
            kept nothing where this is true.
    """

    def __init__(self, params: Params, development: Prepared, network: Any, ends: Sequence[str]) -> None:
        self.network, self.development = in_blocks(network, ends), development
        self.limit_gb = params.keep.activations_gb
        self.fits = bool(ends) and bytes_of(network, len(development.images)) <= self.limit_gb * 1e9

    def values(self) -> Values:
        from pipeline.training.activations import ActivationStore

        store = ActivationStore(self.development.images, self.development.sha256, self.limit_gb)
        return store.get(self.network, len(self.network.blocks)).values
