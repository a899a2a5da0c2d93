"""What a frozen backbone makes of a photo, as features for a classical model: a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from pipeline.models.features.photos import check_images
from pipeline.models.networks.backbones import build_pooled
from pipeline.params.schema.backbones import parse_backbone

if TYPE_CHECKING:
    import keras

BATCH = 64  # images a forward pass
Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
UNSAVED = ("_networks", "_answers")


class PooledFeatures(TransformerMixin, BaseEstimator):
    """Global averages of a backbone's last feature maps: (N, S, S, 3) uint8 → (N, channels) float32.

    It carries the backbone's weights, so that a saved model needs no other file; what it builds of them is not saved.

    Args:
        row: the backbone's row of backbones.yaml, as plain data; of one's own file, with its architecture.
        weights: its weights, in the order of Keras' `get_weights`.
        precision: what it computes in, "float32" or "mixed_bfloat16".
    """

    def __init__(self, row: dict[str, Any], weights: Sequence[NDArray[np.float32]], precision: str = "float32") -> None:
        self.row = row
        self.weights = weights
        self.precision = precision

    def fit(self, images: Any, labels: Any = None) -> PooledFeatures:
        return self

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raises ValueError for what is no array of square uint8 images."""
        check_images(images)
        if images.shape[1] != images.shape[2]:
            raise ValueError(f"expected square images, got shape {images.shape}")
        answer = self._answer(images.shape[1])
        rows = [answer(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        channels = self.network(images.shape[1]).output.shape[-1]
        return np.concatenate(rows) if rows else np.empty((0, channels), dtype=np.float32)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key not in UNSAVED}

    def network(self, image_size: int) -> keras.Model:
        """(batch, image_size, image_size, 3) raw RGB → (batch, channels), built at first use and then kept."""
        from pipeline.network import set_weights

        networks: dict[int, keras.Model] = self.__dict__.setdefault("_networks", {})
        if image_size not in networks:
            precision = getattr(self, "precision", "float32")  # which models saved by earlier versions do not say
            networks[image_size], _ = build_pooled(parse_backbone(self.row), image_size, precision)
            set_weights(networks[image_size], self.weights)
        return networks[image_size]

    def _answer(self, image_size: int) -> Answer:
        """The network as a function of a batch of photos, made at first use likewise."""
        from pipeline.folding import answering

        answers: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.float32]]] = self.__dict__.setdefault(
            "_answers", {}
        )
        if image_size not in answers:
            answers[image_size] = answering(self.network(image_size))
        return answers[image_size]
