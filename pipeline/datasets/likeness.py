"""The same picture, saved again: smaller, brighter, more compressed. A hash proposes pairs, their pixels confirm.

X-rays, silhouettes and other pictures taken alike have nearly the same perceptual hash although they show different
things, so the hash decides nothing. Two pictures are the same when, after brightness and contrast are made equal
(mean 0, deviation 1), they correlate by SAME_OVERALL, and no block of an 8 by 8 grid differs by more than SAME_WITHIN
on average: a new logo on the same shirt is another picture. So are a cropped picture and a second shot.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from pipeline.datasets.pixels import Images, at_a_time

RADIUS = 8  # bits in which two 64-bit hashes may differ
SAME_OVERALL = 0.99
SAME_WITHIN = 0.2
GRID = 8  # blocks a side
FLAT = 2.0  # deviation (of 255) under which a picture shows nothing that could be compared
# Nine bands of the 64 bits: hashes at most 8 bits apart are equal in one of them at least (pigeonhole principle;
# Norouzi et al. 2012, "Fast Search in Hamming Space with Multi-Index Hashing").
BANDS = [(7 * number, 7 if number < RADIUS else 8) for number in range(RADIUS + 1)]
BLOCK = 512  # hashes, or pairs of images, compared at a time


def perceptual_hash(pixels: np.ndarray) -> int:
    """The 64-bit pHash of one (S, S, 3) uint8 image: which low frequencies are above their median."""
    import imagehash

    bits = imagehash.phash(Image.fromarray(pixels)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def sketch(pixels: np.ndarray) -> np.ndarray:
    """Block means of one standardised (S, S, 3) uint8 image, (8, 8) float16; NaN for a flat one.

    Means of blocks cannot differ by more than the blocks do: sketches further apart than SAME_WITHIN rule a pair out.
    """
    size = len(pixels)
    values = pixels.astype(np.float32).reshape(size, 3 * size)
    mean = float(values.mean())
    deviation = max(float(np.vdot(values, values)) / values.size - mean**2, 0.0) ** 0.5
    if deviation < FLAT:
        return np.full((GRID, GRID), np.nan, np.float16)
    over_rows, over_columns = _averaging(size)
    return ((over_rows @ values @ over_columns - mean) / deviation).astype(np.float16)


@functools.cache
def _averaging(size: int) -> tuple[np.ndarray, np.ndarray]:
    """(8, S) and (3S, 8): what an image of (S, 3S) is multiplied by from left and right to give the means of blocks."""
    rows = np.kron(np.eye(GRID), np.full(size // GRID, GRID / (size - size % GRID)))
    rows = np.pad(rows, ((0, 0), (0, size % GRID))).astype(np.float32)
    return rows, np.repeat(rows, 3, axis=1).T / 3


def find_alike(images: Images, hashes: np.ndarray, sketches: np.ndarray) -> tuple[np.ndarray, int]:
    """All pairs of images that show the same picture.

    Args:
        images: (N, S, S, 3); only those of proposed pairs are read.
        hashes: (N,) uint64; sketches: (N, 8, 8).

    Returns:
        (P, 2) row numbers, the smaller first, sorted; and how many pairs the hashes alone proposed.
    """
    sketches = sketches.reshape(len(sketches), GRID * GRID).astype(np.float32)
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # numpy lets go of the interpreter while it compares
        found = list(threads.map(lambda band: _alike_in_band(hashes, sketches, band), range(len(BANDS))))
    pairs = np.concatenate([pairs for pairs, _ in found])
    step = at_a_time(images.shape[1], BLOCK)
    confirmed = [_same_pictures(images, pairs[start : start + step]) for start in range(0, len(pairs), step)]
    pairs = pairs[np.concatenate(confirmed)] if confirmed else pairs
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], sum(proposed for _, proposed in found)


def _alike_in_band(hashes: np.ndarray, sketches: np.ndarray, band: int) -> tuple[np.ndarray, int]:
    """Pairs near by hash and sketch that agree in this band and in none before it; and how many were near by hash."""
    pairs, proposed = [np.empty((0, 2), np.int64)], 0
    for left, right in _near_in_band(hashes, band):
        proposed += len(left)
        # NaN compares as false, so flat pictures match nothing
        like = np.abs(sketches[left] - sketches[right]).max(axis=1, initial=0) <= SAME_WITHIN + 0.01
        pairs.append(np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)[like])
    return np.concatenate(pairs), proposed


def _near_in_band(hashes: np.ndarray, band: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    keys = (hashes >> np.uint64(BANDS[band][0])) & _mask(band)
    order = np.argsort(keys, kind="stable")
    for bucket in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
        for start in range(0, len(bucket) - 1, BLOCK):
            rows, others = bucket[start : start + BLOCK], bucket[start:]
            bits = hashes[rows][:, None] ^ hashes[others][None, :]
            left, right = np.nonzero(np.bitwise_count(bits) <= RADIUS)
            later = right > left  # each pair once, and none with itself
            left, right = left[later], right[later]
            new = _unseen(bits[left, right], band)
            yield rows[left[new]], others[right[new]]


def _unseen(bits: np.ndarray, band: int) -> np.ndarray:
    """Which differing bits (of pairs) touch all bands before this one: no earlier band has proposed the pair."""
    unseen = np.ones(len(bits), bool)
    for earlier in range(band):
        unseen &= ((bits >> np.uint64(BANDS[earlier][0])) & _mask(earlier)) != 0
    return unseen


def _mask(band: int) -> np.uint64:
    return np.uint64(2 ** BANDS[band][1] - 1)


def _same_pictures(images: Images, pairs: np.ndarray) -> np.ndarray:
    """(P,) whether the pixels confirm each pair."""
    a, b = (_standardised(images[pairs[:, side]]) for side in (0, 1))
    correlation = (a * b).mean(axis=(1, 2, 3))
    within = _block_means(np.abs(a - b).mean(axis=3)).max(axis=(1, 2))
    return (correlation >= SAME_OVERALL) & (within <= SAME_WITHIN)


def _standardised(images: np.ndarray) -> np.ndarray:
    values = images.astype(np.float32)
    values -= values.mean(axis=(1, 2, 3), keepdims=True)
    return values / np.maximum(values.std(axis=(1, 2, 3), keepdims=True), FLAT)


def _block_means(images: np.ndarray) -> np.ndarray:
    """(P, S, S) → (P, 8, 8); what is left at the right and lower edge is not looked at."""
    block = images.shape[1] // GRID
    edge = block * GRID
    return images[:, :edge, :edge].reshape(len(images), GRID, block, GRID, block).mean(axis=(2, 4))
