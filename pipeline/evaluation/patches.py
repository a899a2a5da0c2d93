"""Which patches of a photo a model's answer hangs on, and how well a ranking of patches tells that: deletion and
insertion (Petsiuk et al. 2018), for any model that gives probabilities.

A photo is cut into grid × grid patches. A patch that is taken away gets one colour, the mean of all explained photos,
so that a photo without patches says nothing about itself. All confidences are told as shares of that in the whole
photo, so that models which are rarely sure can be compared with those that always are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]  # raw RGB, (N, S, S, 3)
Probabilities = NDArray[np.floating]
Predict = Callable[[Images], Probabilities]  # any number of photos → (N, classes)


@dataclass(frozen=True)
class Patches:
    """Photos as grids of patches, with the model's answers to them.

    Attributes:
        images: (N, S, S, 3) the whole photos.
        grid: patches a side.
        blank: (3,) the colour of a patch that was taken away.
        predict: the model.
        answers: (N,) the class that is predicted for each whole photo.
        confidence: (N,) its probability.
        left_blank: (N,) the share of it that is left when every patch is taken away.
    """

    images: Images
    grid: int
    blank: NDArray[np.uint8]
    predict: Predict
    answers: NDArray[np.int64]
    confidence: NDArray[np.float64]

    @cached_property
    def left_blank(self) -> NDArray[np.float64]:
        return self.share(np.zeros((len(self.images), self.count), dtype=bool))

    @property
    def count(self) -> int:
        return self.grid**2

    def shown(self, visible: NDArray[np.bool_]) -> Images:
        """(N, patches) which patches of each photo stay → (N, S, S, 3)."""
        return np.where(self._by_pixel(visible), self.images, self.blank)

    def exchanged(self, patch: int, donors: Images) -> Images:
        """The whole photos with one patch of other photos (N, S, S, 3)."""
        one = np.arange(self.count)[None, :] == patch
        return np.where(self._by_pixel(one), donors, self.images)

    def share(self, visible: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(N,) confidence in the whole photos' answers that is left with these patches; 1: all of it."""
        return self.share_of(self.predict(self.shown(visible)))

    def share_of(self, probabilities: Probabilities) -> NDArray[np.float64]:
        """(N, classes) → (N,) the answers' probabilities, as shares of those in the whole photos."""
        return probabilities[np.arange(len(self.answers)), self.answers] / np.maximum(self.confidence, 1e-9)

    def _by_pixel(self, patches: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N or 1, patches) → (N or 1, S, S, 1)."""
        side = self.images.shape[1]
        number = np.arange(side) * self.grid // side  # (S,) row or column of patches that a pixel lies in
        return patches.reshape(-1, self.grid, self.grid)[:, number][:, :, number, None]


def cut(images: Images, grid: int, predict: Predict) -> Patches:
    """Photos as patches of a model; the mean colour is taken over these very photos."""
    blank = np.rint(images.mean(axis=(0, 1, 2))).astype(np.uint8)
    whole = np.asarray(predict(images), dtype=np.float64)
    return Patches(images, grid, blank, predict, whole.argmax(axis=1), whole.max(axis=1))


def occlusion(patches: Patches) -> NDArray[np.float64]:
    """(N, patches): the share of its confidence that the model loses when one patch is taken away (Zeiler and Fergus
    2014). It asks the same of every kind of model."""
    lost = np.empty((len(patches.images), patches.count))
    for patch in range(patches.count):
        visible = np.ones(lost.shape, dtype=bool)
        visible[:, patch] = False
        lost[:, patch] = 1 - patches.share(visible)
    return lost


def permutation(patches: Patches, repeats: int) -> NDArray[np.float64]:
    """(N, patches): the share of its confidence that the model loses when one patch is exchanged for that of another
    photo: permutation importance (Breiman 2001) of a place, told for each photo.

    Photos are exchanged in a circle, 1 to `repeats` places on, so each gets every other's patch at most once.
    """
    lost = np.zeros((len(patches.images), patches.count))
    steps = range(1, min(repeats, len(patches.images) - 1) + 1)
    for patch in range(patches.count):
        for step in steps:
            exchanged = patches.exchanged(patch, np.roll(patches.images, step, axis=0))
            lost[:, patch] += (1 - patches.share_of(patches.predict(exchanged))) / len(steps)
    return lost


@dataclass(frozen=True)
class Curves:
    """Shares of confidence left, (N, steps + 1), by how many patches were taken away (deletion) or shown (insertion).

    `area` is the mean height of a curve by the trapezoidal rule.
    """

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]

    @property
    def deletion_area(self) -> NDArray[np.float64]:
        return _area(self.deletion)

    @property
    def insertion_area(self) -> NDArray[np.float64]:
        return _area(self.insertion)

    def gain(self, chance: Curves) -> NDArray[np.float64]:
        """(N,) how much more than `chance` an order tells: mean of what deletion falls and insertion rises faster."""
        faster = chance.deletion_area - self.deletion_area, self.insertion_area - chance.insertion_area
        return (faster[0] + faster[1]) / 2


def curves(patches: Patches, importance: NDArray[np.float64], steps: int) -> Curves:
    """Take patches away, most important first, and show them in the same order on an empty photo.

    Args:
        importance: (N, patches).
    """
    rank = np.argsort(np.argsort(-importance, axis=1, kind="stable"), axis=1)  # (N, patches), 0: most important
    deletion, insertion = [np.ones(len(rank))], [patches.left_blank]
    for step in range(1, steps):
        gone = rank < round(step * patches.count / steps)
        deletion.append(patches.share(~gone))
        insertion.append(patches.share(gone))
    deletion.append(patches.left_blank)
    insertion.append(np.ones(len(rank)))
    return Curves(np.stack(deletion, axis=1), np.stack(insertion, axis=1))


def by_chance(patches: Patches, steps: int, seed: int = 0) -> Curves:
    """The same in a random order, which is the same for every model."""
    random = np.random.default_rng(seed)
    return curves(patches, random.random((len(patches.images), patches.count)), steps)


def _area(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return (curve[:, :-1] + curve[:, 1:]).mean(axis=1) / 2
