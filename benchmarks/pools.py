"""Large sets of labelled examples whose features are computed once and kept, for experiments that only fit heads.

Computing features of all photos takes minutes and an experiment's fits take seconds, so what a photo looks like to a
model is kept in benchmarks/out/pools: small pictures, histograms of oriented gradients, and what ResNet50 with its
ImageNet weights makes of it; of the last two the leading principal components, found without labels.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.decomposition import PCA

from pipeline.datasets.sources.photos import SOURCES
from pipeline.datasets.sources.tables import TABLE_SOURCES
from pipeline.downloads import read_package
from pipeline.ground.files import replacing
from pipeline.models.features.photos import HogColour

KEPT = Path("benchmarks/out/pools")
PHOTOS = 12_000  # of a pool, drawn from both splits of its source
SIDE, BACKBONE_SIDE = 8, 64  # of the small pictures, and of what the backbone sees
COMPONENTS = 40
BATCH = 500

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """A large data set: named features (N, F) and labels (N,)."""

    features: dict[str, NDArray[Any]]
    labels: Integers


def load_photos(name: str) -> Pool:
    """The pool of a named source of photos, from what is kept of it."""
    path = KEPT / f"{name}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        photos, labels = _draw_photos(name)
        with replacing(path) as part, part.open("wb") as file:
            arrays: dict[str, Any] = {**_features(photos), "labels": labels}
            np.savez(file, **arrays)
    with np.load(path) as kept:
        return Pool({key: kept[key] for key in kept.files if key != "labels"}, kept["labels"])


def load_randhie() -> Pool:
    """Whether somebody saw a doctor at all, by what the RAND health insurance experiment knows of them."""
    table = TABLE_SOURCES["randhie"].read()
    columns = table.drop(columns="mdvis").to_numpy(np.float32)
    return Pool({"columns": columns}, (table["mdvis"] > 0).to_numpy().astype(np.int64))


def _draw_photos(name: str) -> tuple[list[Image.Image], Integers]:
    source = SOURCES[name]
    everything = list(source.reader(read_package(source.package)))
    drawn = np.random.default_rng(0).permutation(len(everything))[:PHOTOS]
    photos, names = [], []
    for place in drawn:
        path, pixels = everything[place]
        assert isinstance(pixels, np.ndarray)
        photos.append(Image.fromarray(pixels).convert("RGB"))
        names.append(path.split("/")[1])
    return photos, np.unique(names, return_inverse=True)[1].astype(np.int64)


def _features(photos: list[Image.Image]) -> dict[str, NDArray[np.float32]]:
    small = np.stack([np.asarray(photo.resize((SIDE, SIDE), Image.Resampling.BOX)).ravel() for photo in photos])
    gradients = HogColour().transform(np.stack([np.asarray(photo.resize((32, 32))) for photo in photos]))
    return {
        "small": small.astype(np.float32),
        "hog": _leading_components(gradients),
        "resnet50": _leading_components(_through_backbone(photos)),
    }


def _through_backbone(photos: list[Image.Image]) -> NDArray[np.float32]:
    """(N, 2048) pooled features of ResNet50."""
    from benchmarks.backbones import keras_backbone
    from pipeline.models.networks.backbones import build_pooled
    from pipeline.models.weights import imagenet_model

    os.environ.setdefault("KIYAS_OFFLINE", "1")
    row = keras_backbone("resnet50")
    model, _ = build_pooled(row, BACKBONE_SIDE)
    model.set_weights(imagenet_model(row).get_weights())
    enlarged = (np.asarray(photo.resize((BACKBONE_SIDE, BACKBONE_SIDE)), np.float32) for photo in photos)
    pixels = np.stack(list(enlarged))
    return np.asarray(model.predict(pixels, batch_size=BATCH, verbose=0), np.float32)


def _leading_components(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(PCA(COMPONENTS, random_state=0).fit_transform(values), np.float32)


POOLS: dict[str, Callable[[], Pool]] = {
    "randhie": load_randhie,
    "fashion_mnist": lambda: load_photos("fashion_mnist"),
    "cifar10": lambda: load_photos("cifar10"),
}
