"""The same picture saved again is found, however many others look alike to a hash; different pictures are not."""

from __future__ import annotations

import io
from collections.abc import Callable

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from pipeline.datasets.photos.likeness import CACHED, RADIUS, find_alike, hash_and_sketch

SIZE = 96


def scene(number: int) -> Image.Image:
    """Something with shapes large and small, as photos have."""
    random = np.random.default_rng(number)
    layers = [random.integers(0, 256, (side, side, 3), np.uint8) for side in (4, 12, 40)]
    parts = [Image.fromarray(layer).resize((300, 300), Image.Resampling.BICUBIC) for layer in layers]
    return Image.blend(Image.blend(parts[0], parts[1], 0.4), parts[2], 0.3)


def stored(picture: Image.Image, quality: int = 95) -> np.ndarray:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def pairs_among(images: list[np.ndarray]) -> tuple[list[list[int]], int]:
    pairs, proposed = find_alike(np.stack(images), *hash_and_sketch(np.stack(images)))
    return pairs.tolist(), proposed


def marked(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    picture.paste((255, 255, 255), (130, 130, 148, 148))
    return picture


@pytest.mark.parametrize("size", [20, 32, 96, 99])
def test_the_hashes_of_many_are_those_that_imagehash_gives_to_each(size: int) -> None:
    noise = np.random.default_rng(size).integers(0, 256, (CACHED + 3, size, size, 3), np.uint8)
    noise[0], noise[1], noise[2] = 0, 200, np.arange(size)[:, None]  # black, flat, and equal in all columns
    pictures = [Image.fromarray(image) for image in noise] + [scene(number).resize((size, size)) for number in range(9)]
    theirs = [np.packbits(imagehash.phash(picture).hash).tobytes() for picture in pictures]
    ours = hash_and_sketch(np.stack([np.asarray(picture) for picture in pictures]))[0]
    assert [int(number).to_bytes(8, "big") for number in ours] == theirs


def test_an_image_has_the_same_hash_and_sketch_alone_and_among_others() -> None:
    images = np.stack([stored(scene(number)) for number in range(CACHED + 2)])
    hashes, sketches = hash_and_sketch(images)
    alone = [hash_and_sketch(images[row : row + 1]) for row in range(len(images))]
    assert np.array_equal(hashes, np.concatenate([one[0] for one in alone]))
    assert np.array_equal(sketches, np.concatenate([one[1] for one in alone]))


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda picture: stored(picture, 30), id="compressed"),
        pytest.param(lambda picture: stored(picture.resize((150, 150))), id="smaller"),
        pytest.param(lambda picture: stored(ImageEnhance.Brightness(picture).enhance(1.1)), id="brighter"),
        pytest.param(lambda picture: stored(ImageEnhance.Contrast(picture).enhance(0.8)), id="duller"),
        pytest.param(lambda picture: stored(picture.filter(ImageFilter.SHARPEN)), id="sharpened"),
    ],
)
def test_a_picture_saved_again_is_found(alter: Callable[[Image.Image], np.ndarray]) -> None:
    images = [stored(scene(number)) for number in range(6)] + [alter(scene(2))]
    assert pairs_among(images)[0] == [[2, 6]]


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(marked, id="something added"),
        pytest.param(
            lambda picture: picture.transform((300, 300), Image.Transform.AFFINE, (1, 0, 3, 0, 1, 3)), id="moved"
        ),
    ],
)
def test_what_a_hash_takes_for_the_same_and_pixels_do_not(alter: Callable[[Image.Image], Image.Image]) -> None:
    images = [stored(scene(2)), stored(alter(scene(2)))]
    assert pairs_among(images) == ([], 1)


def test_flat_pictures_are_like_nothing() -> None:
    flat = [np.full((SIZE, SIZE, 3), shade, np.uint8) for shade in (100, 101, 200)]
    assert pairs_among(flat)[0] == []


def test_three_copies_make_three_pairs_in_order() -> None:
    images = [stored(scene(0), 60), stored(scene(1)), stored(scene(0), 50), stored(scene(0), 40)]
    assert pairs_among(images)[0] == [[0, 2], [0, 3], [2, 3]]


def test_every_pair_within_the_radius_is_proposed_once() -> None:
    """Against the plain comparison of all with all, on hashes that crowd together as those of X-rays do."""
    random = np.random.default_rng(0)
    centres = random.integers(0, 2**64, 12, np.uint64)
    flips = random.random((1500, 64)) < 0.07
    hashes = centres[np.arange(1500) % 12] ^ np.packbits(flips, axis=1).view(">u8")[:, 0].astype(np.uint64)
    near = np.bitwise_count(hashes[:, None] ^ hashes[None, :]) <= RADIUS
    blank = np.full((1500, 8, 8), np.nan, np.float16)
    pairs, proposed = find_alike(np.zeros((1500, 8, 8, 3), np.uint8), hashes, blank)
    assert (len(pairs), proposed) == (0, (near.sum() - 1500) // 2)
    assert proposed > 10_000


def test_none_and_one_picture_have_no_pairs() -> None:
    assert find_alike(np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, np.uint64), np.zeros((0, 8, 8)))[0].shape == (0, 2)
    assert pairs_among([stored(scene(0))]) == ([], 0)
