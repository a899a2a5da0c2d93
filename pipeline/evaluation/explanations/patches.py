"""Which patches of a photo a model's answer hangs on, and how well a ranking of patches tells that: deletion and
insertion (Petsiuk et al. 2018), for any model that gives probabilities.

A photo is cut into grid × grid patches. A patch that is taken away gets one colour, the mean of all explained photos,
so that a photo without patches says nothing about itself. All confidences are told as shares of that in the whole
photo, so that models which are rarely sure can be compared with those that always are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 600  # photos that are put to the model together, about; many batch sizes divide it, so that few are filled up
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
        predict: the model, on photos that every candidate is asked about.
        predict_alone: the same on photos that only this one is asked about.
        answers: (N,) the class that is predicted for each whole photo.
        confidence: (N,) its probability.
        left_blank: (N,) the share of it that is left when every patch is taken away.
    """

    images: Images
    grid: int
    blank: NDArray[np.uint8]
    predict: Predict
    predict_alone: Predict
    answers: NDArray[np.int64]
    confidence: NDArray[np.float64]
    left_blank: NDArray[np.float64]

    @property
    def count(self) -> int:
        return self.grid**2

    def shown(self, visible: NDArray[np.bool_]) -> Images:
        """(N or 1, patches) which patches of each photo stay → (N, S, S, 3)."""
        return np.where(self._by_pixel(visible), self.images, self.blank)

    def exchanged(self, patch: int, donors: Images) -> Images:
        """The whole photos with one patch of other photos (N, S, S, 3)."""
        one = np.arange(self.count)[None, :] == patch
        return np.where(self._by_pixel(one), donors, self.images)

    def shares(self, visible: Sequence[NDArray[np.bool_]], alone: bool = False) -> NDArray[np.float64]:
        """(K, N): what each choice of patches, (N or 1, patches), leaves of the confidence in the answers.

        Args:
            alone: whether no other candidate is asked about this choice.
        """
        return self.shares_in([partial(self.shown, one) for one in visible], alone)

    def shares_in(self, versions: Sequence[Callable[[], Images]], alone: bool = False) -> NDArray[np.float64]:
        """(K, N) confidence in the whole photos' answers that is left in versions of them; 1: all of it.

        Several versions are put to the model at once, and no more of them are held than that.
        """
        several, predict = max(1, AT_ONCE // len(self.images)), self.predict_alone if alone else self.predict
        left = []
        for start in range(0, len(versions), several):
            made = [version() for version in versions[start : start + several]]
            said = predict(np.concatenate(made)).reshape(len(made), len(self.images), -1)
            left.append(said[:, np.arange(len(self.answers)), self.answers])
        return np.concatenate(left) / np.maximum(self.confidence, 1e-9)

    def _by_pixel(self, patches: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N or 1, patches) → (N or 1, S, S, 1)."""
        side = self.images.shape[1]
        number = np.arange(side) * self.grid // side  # (S,) row or column of patches that a pixel lies in
        return patches.reshape(-1, self.grid, self.grid)[:, number][:, :, number, None]


def cut(images: Images, grid: int, predict: Predict, predict_alone: Predict | None = None) -> Patches:
    """Photos as patches of a model; the mean colour is taken over these very photos.

    Args:
        predict_alone: where it is another function that asks the model what no other candidate is asked.
    """
    blank = np.rint(images.mean(axis=(0, 1, 2))).astype(np.uint8)
    said = np.asarray(predict(np.concatenate([images, np.broadcast_to(blank, images.shape)])), dtype=np.float64)
    whole, of_nothing = said[: len(images)], said[len(images) :]
    answers, confidence = whole.argmax(axis=1), whole.max(axis=1)
    left_blank = of_nothing[np.arange(len(answers)), answers] / np.maximum(confidence, 1e-9)
    return Patches(images, grid, blank, predict, predict_alone or predict, answers, confidence, left_blank)


def occlusion(patches: Patches) -> NDArray[np.float64]:
    """(N, patches): the share of its confidence that the model loses when one patch is taken away (Zeiler and Fergus
    2014). It asks the same of every kind of model."""
    all_but_one = ~np.eye(patches.count, dtype=bool)  # (patches, patches)
    return 1 - patches.shares([one[None, :] for one in all_but_one]).T


def permutation(patches: Patches, repeats: int) -> NDArray[np.float64]:
    """(N, patches): the share of its confidence that the model loses when one patch is exchanged for that of another
    photo: permutation importance (Breiman 2001) of a place, told for each photo.

    Photos are exchanged in a circle, 1 to `repeats` places on, so each gets every other's patch at most once.
    """
    steps = range(1, min(repeats, len(patches.images) - 1) + 1)
    if not steps:
        return np.zeros((len(patches.images), patches.count))
    donors = [np.roll(patches.images, step, axis=0) for step in steps]
    versions = [partial(patches.exchanged, patch, others) for patch in range(patches.count) for others in donors]
    left = patches.shares_in(versions).reshape(patches.count, len(donors), len(patches.images))
    return 1 - left.mean(axis=1).T


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


def curves(patches: Patches, importance: NDArray[np.float64], steps: int, alone: bool = True) -> Curves:
    """Take patches away, most important first, and show them in the same order on an empty photo.

    Args:
        importance: (N, patches).
        alone: whether it is the model's own ranking.
    """
    rank = np.argsort(np.argsort(-importance, axis=1, kind="stable"), axis=1)  # (N, patches), 0: most important
    gone = [rank < round(step * patches.count / steps) for step in range(1, steps)]
    left = patches.shares([*(~one for one in gone), *gone], alone)  # (2 (steps - 1), N)
    whole = np.ones((1, len(rank)))
    deletion = np.concatenate([whole, left[: len(gone)], patches.left_blank[None]])
    insertion = np.concatenate([patches.left_blank[None], left[len(gone) :], whole])
    return Curves(deletion.T, insertion.T)


def by_chance(patches: Patches, steps: int, seed: int = 0) -> Curves:
    """The same in a random order, which is the same for every model."""
    random = np.random.default_rng(seed)
    return curves(patches, random.random((len(patches.images), patches.count)), steps, alone=False)


def versions_for_all(grid: int, steps: int) -> int:
    """In how many versions every candidate is asked about a photo: whole and blank, each patch taken away by itself,
    and the steps of a random order."""
    return 2 + grid**2 + 2 * (steps - 1)


def versions_exchanged(photos: int, grid: int, repeats: int) -> int:
    """In how many versions `permutation` asks about each of so many photos."""
    return grid**2 * min(repeats, photos - 1) if photos else 0


def _area(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return (curve[:, :-1] + curve[:, 1:]).mean(axis=1) / 2
