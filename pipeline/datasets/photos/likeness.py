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

from pipeline.datasets.store.pixels import Images, at_a_time

RADIUS = 8  # bits in which two 64-bit hashes may differ
SAME_OVERALL = 0.99
SAME_WITHIN = 0.2
GRID = 8  # blocks a side
FLAT = 2.0  # deviation (of 255) under which a picture shows nothing that could be compared
# Nine bands of the 64 bits: hashes at most 8 bits apart are equal in one of them at least (pigeonhole principle;
# Norouzi et al. 2012, "Fast Search in Hamming Space with Multi-Index Hashing").
BANDS = [(7 * number, 7 if number < RADIUS else 8) for number in range(RADIUS + 1)]
BLOCK = 512  # hashes, or pairs of images, compared at a time
CACHED = 32  # images hashed at a time: few enough to stay in the processor's cache
HASHED = 32  # pixels a side of what is hashed
LUMA = (19595, 38470, 7471)  # of 65,536


def hash_and_sketch(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of (N, S, S, 3) uint8 images the perceptual hashes, (N,) uint64, and the sketches, (N, 8, 8) float16."""
    step = at_a_time(images.shape[1], CACHED)
    parts = [images[start : start + step] for start in range(0, len(images), step)]
    return np.concatenate([perceptual_hashes(part) for part in parts]), np.concatenate(
        [sketches_of(part) for part in parts]
    )


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """The 64-bit pHash of each of (N, S, S, 3) uint8 images: which low frequencies are above their median.

    Bit for bit those of the package imagehash, (N,) uint64, made for many at once, which takes half the time.
    """
    small = _shrunk(_shrunk(_grey(images)))  # rows are columns after one turn, and rows again after two
    cosines = _cosines()
    low = (cosines @ small.astype(np.float64) @ cosines.T).round(6).reshape(len(images), -1)  # a flat one: exactly 0
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def sketches_of(images: np.ndarray) -> np.ndarray:
    """Block means of each standardised (S, S, 3) uint8 image, (N, 8, 8) float16; NaN for a flat one.

    Means of blocks cannot differ by more than the blocks do: sketches further apart than SAME_WITHIN rule a pair out.
    """
    size = images.shape[1]
    values = images.astype(np.float32).reshape(-1, size, 3 * size)
    mean = values.mean(axis=(1, 2))[:, None, None]
    squares = np.array([np.vdot(one, one) for one in values], np.float32)[:, None, None] / (3 * size * size)
    deviation = np.sqrt(np.maximum(squares - mean**2, 0))
    over_rows, over_columns = _averaging(size)
    means = (over_rows @ values @ over_columns - mean) / np.maximum(deviation, FLAT)
    return np.where(deviation < FLAT, np.nan, means).astype(np.float16)


def _grey(images: np.ndarray) -> np.ndarray:
    """(N, S, S, 3) → (N, S, S) uint8, by the weights and the rounding of Pillow's mode L (ITU-R 601-2)."""
    red, green, blue = (images[..., channel] * np.uint32(weight) for channel, weight in enumerate(LUMA))
    return ((red + green + blue + np.uint32(2**15)) >> np.uint32(16)).astype(np.uint8)


def _shrunk(grey: np.ndarray) -> np.ndarray:
    """(N, rows, columns) uint8 → (N, HASHED, rows): columns resampled as Pillow does, and both turned round.

    Stacked, all images are one picture, so that Pillow works its filter out once.
    """
    count, rows, columns = grey.shape
    stacked = Image.fromarray(np.ascontiguousarray(grey).reshape(count * rows, columns))
    resized = np.asarray(stacked.resize((HASHED, count * rows), Image.Resampling.LANCZOS))
    return resized.reshape(count, rows, HASHED).transpose(0, 2, 1)


@functools.cache
def _cosines() -> np.ndarray:
    """(8, HASHED): the lowest frequencies of the discrete cosine transform (type II, as scipy scales it)."""
    frequency, place = np.arange(GRID)[:, None], np.arange(HASHED)[None, :]
    return 2 * np.cos(np.pi * frequency * (2 * place + 1) / (2 * HASHED))


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
