"""Prepared photos larger than a machine's memory are read a piece at a time, by whoever reads all of them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.datasets.store.pixels import PixelFile
from pipeline.datasets.store.prepared import Prepared, load_prepared, write_prepared
from pipeline.evaluation.answers.kept_prefix import KeptFeatures
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.measures.alterations import Alteration
from pipeline.evaluation.measures.altered_photos import AlteredPhotos
from pipeline.evaluation.measures.robustness import answers_to_altered
from pipeline.ground.kept import KeptArrays, SomeRows, hash_array
from pipeline.models.features.photos import ReducedPixels
from pipeline.stages.assembly.soups.soup_maker import SoupMaker

PHOTOS, SIDE = 4000, 64
BYTES = PHOTOS * SIDE * SIDE * 3
ROOM_GB = 1.0
MOVES = [Alteration("shift", 2), Alteration("mirror")]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """49 MB of black photos, which take no disk."""
    folder = tmp_path_factory.mktemp("prepared")
    images = PixelFile.create(folder / "all.npy", PHOTOS, SIDE)
    ids = [str(number) for number in range(PHOTOS)]
    write_prepared(folder / "test", images, np.arange(PHOTOS), np.arange(PHOTOS) % 2, ids, ["a", "b"])
    return load_prepared(folder / "test")


def in_memory(compute: Callable[[], Any]) -> int:
    """The most bytes that NumPy and Python held meanwhile; what is memory-mapped does not count."""
    tracemalloc.start()
    try:
        compute()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def means(images: np.ndarray) -> np.ndarray:
    return images.mean(axis=(1, 2))


def answers(prepared: Prepared, folder: Path) -> None:
    features = ReducedPixels(side=8)
    models = (
        SeedModels([means, means], 64, None),
        SeedModels([lambda rows: rows], 64, KeptFeatures(features, room(folder))),
    )
    for seeds in models:
        seeds.predict(prepared.inputs)


def soup(prepared: Prepared, folder: Path) -> None:
    """All but one photo, as they are and as a prefix has kept them."""
    maker = SoupMaker.__new__(SoupMaker)  # with no candidate
    maker._models = lambda _: SeedModels([means], 64)  # type: ignore[method-assign]
    maker._development = prepared
    for maker._kept in (None, prepared.images):
        maker.on_development((0, 1), np.arange(1, PHOTOS))


def altered(prepared: Prepared, folder: Path) -> None:
    photos = AlteredPhotos(SomeRows(prepared.images, np.arange(PHOTOS)), room(folder))
    answers_to_altered(SeedModels([means], 64).predict_first, MOVES, photos.version)


def loaded(prepared: Prepared, folder: Path) -> None:
    write_prepared(
        folder / "copy", prepared.images, np.arange(PHOTOS), prepared.labels, prepared.example_ids, ["a", "b"]
    )
    hash_array(load_prepared(folder / "copy").images)


def room(folder: Path) -> KeptArrays:
    return KeptArrays(folder / "kept", ROOM_GB)


@pytest.mark.parametrize("work", [answers, soup, altered])
def test_photos_stay_on_disk(work: Callable[[Prepared, Path], None], prepared: Prepared, tmp_path: Path) -> None:
    assert in_memory(lambda: work(prepared, tmp_path)) < BYTES / 3


def test_they_are_stored_and_checked_a_block_at_a_time(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.datasets.store.prepared.BLOCK", 2**20)
    assert in_memory(lambda: loaded(prepared, tmp_path)) < BYTES / 3
