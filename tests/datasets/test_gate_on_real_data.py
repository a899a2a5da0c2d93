"""On real X-rays and silhouettes, which look alike to a hash, the gate finds the repeats and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipeline.datasets.photos.decoding import decode_photo
from pipeline.datasets.photos.likeness import find_alike, hash_and_sketch
from pipeline.stages.fetch import photos_of

pytestmark = pytest.mark.network


def alike(images: np.ndarray) -> tuple[np.ndarray, int]:
    return find_alike(images, *hash_and_sketch(images))


def test_of_thousands_of_xrays_that_hash_alike_nine_pairs_are_the_same() -> None:
    photos = [(name, content) for name, content in photos_of("pneumonia") if name.endswith(".jpeg")]
    images = np.stack([decode_photo(content, 96) for _, content in photos if isinstance(content, bytes)])
    pairs, proposed = alike(images)
    assert proposed == 6567
    assert {tuple(photos[row][0].split("/")[-1].removesuffix(".jpeg") for row in pair) for pair in pairs} == {
        ("NORMAL2-IM-0246-0001-0002", "NORMAL2-IM-0246-0001-0001"),
        ("NORMAL2-IM-0587-0001-0001", "NORMAL2-IM-0587-0001-0002"),
        ("person1481_bacteria_3867", "person1481_bacteria_3866"),
        ("NORMAL2-IM-0095-0001", "NORMAL2-IM-0096-0001"),
        ("NORMAL2-IM-0173-0001-0001", "NORMAL2-IM-0173-0001-0002"),
        ("person1159_virus_1944", "person1159_virus_1945"),
        ("person134_bacteria_643", "person134_bacteria_644"),
        ("person264_bacteria_1230", "person264_bacteria_1231"),
        ("person266_bacteria_1237", "person266_bacteria_1238"),
    }
    crossing = [pair for pair in pairs if len({photos[row][0].split("/")[0] for row in pair}) == 2]
    assert len(crossing) == 2


def test_a_copy_of_an_xray_is_found_among_them() -> None:
    contents = [content for name, content in photos_of("pneumonia") if name.startswith("test/NORMAL")]
    images = [decode_photo(content, 96) for content in contents if isinstance(content, bytes)]
    smaller = Image.fromarray(images[30]).resize((70, 70)).resize((96, 96))
    pairs, _ = alike(np.stack([*images, np.asarray(smaller)]))
    assert [30, len(images)] in pairs.tolist()


def test_of_silhouettes_only_the_same_garment_is_the_same() -> None:
    images = [np.asarray(content) for name, content in photos_of("fashion_mnist") if name.startswith("test/")]
    pairs, proposed = alike(np.stack([image[..., None].repeat(3, axis=2) for image in images]))
    assert (proposed, len(pairs)) == (61_841, 4)
