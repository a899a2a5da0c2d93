"""Photos as grids of patches, and which patches a model's answer hangs on, for any model, of classes or of numbers.

A photo is cut into grid × grid patches. A patch that is taken away gets one colour, the mean of all explained photos,
so that a photo without patches says nothing about itself. All confidences are shares of that in the whole photo, so
that models which are rarely sure can be compared with those that always are; a number's change is told in standard
deviations of the true numbers, which are the same for every model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.explanations.whole_answers import Answers, answers_of

AT_ONCE = 600  # photos that are put to the model together, about; many batch sizes divide it, so that few are filled up
Images = NDArray[np.uint8]  # raw RGB, (N, S, S, 3)
Outputs = NDArray[np.floating]
Predict = Callable[[Images], Outputs]  # any number of photos → (N, classes) probabilities, or (N, 1) numbers


@dataclass(frozen=True)
class Patches:
    """Photos as grids of patches, with the model's answers to them.

    Attributes:
        images: (N, S, S, 3) the whole photos.
        grid: patches a side.
        blank: (3,) the colour of a patch that was taken away.
        predict: the model, on photos that every candidate is asked about.
        predict_alone: the same on photos that only this one is asked about.
        answers: to the whole photos.
        left_blank: (N,) how much of them is left when every patch is taken away.
    """

    images: Images
    grid: int
    blank: NDArray[np.uint8]
    predict: Predict
    predict_alone: Predict
    answers: Answers
    left_blank: NDArray[np.float64]

    @property
    def count(self) -> int:
        return self.grid**2

    def shown(self, visible: NDArray[np.bool_]) -> Images:
        """(N or 1, patches) which patches of each photo stay → (N, S, S, 3)."""
        return np.where(self._by_pixel(visible), self.images, self.blank)

    def exchanged(self, patch: int, donors: Images) -> Images:
        """The whole photos with one patch of other photos (N, S, S, 3)."""
        exchanged = np.arange(self.count)[None, :] == patch
        return np.where(self._by_pixel(exchanged), donors, self.images)

    def shares(self, visible: Sequence[NDArray[np.bool_]], alone: bool = False) -> NDArray[np.float64]:
        """(K, N): what each choice of patches leaves of the answers.

        Args:
            visible: K choices, each (N or 1, patches).
            alone: whether no other candidate is asked about these choices.
        """
        return self.shares_in([partial(self.shown, choice) for choice in visible], alone)

    def shares_in(self, versions: Sequence[Callable[[], Images]], alone: bool = False) -> NDArray[np.float64]:
        """(K, N): what versions of the photos leave of the answers to the whole ones; 1: all of it.

        Several versions are put to the model at once, and no more of them are held than that.

        Args:
            versions: K functions that make the photos in a version, (N, S, S, 3).
            alone: whether no other candidate is asked about these versions.
        """
        several, predict = max(1, AT_ONCE // len(self.images)), self.predict_alone if alone else self.predict
        left = []
        for start in range(0, len(versions), several):
            images = [version() for version in versions[start : start + several]]
            outputs = predict(np.concatenate(images)).reshape(len(images), len(self.images), -1)
            left.append(self.answers.left(outputs))
        return np.concatenate(left)

    def _by_pixel(self, patches: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N or 1, patches) → (N or 1, S, S, 1)."""
        side = self.images.shape[1]
        number = np.arange(side) * self.grid // side  # (S,) row or column of patches that a pixel lies in
        return patches.reshape(-1, self.grid, self.grid)[:, number][:, :, number, None]


def cut(
    images: Images, grid: int, predict: Predict, predict_alone: Predict | None = None, unit: float | None = None
) -> Patches:
    """Photos as patches, with a model's answers; the mean colour is taken over these very photos.

    Args:
        images: (N, S, S, 3) uint8.
        grid: patches a side.
        predict: the model.
        predict_alone: where it is another function that asks the model what no other candidate is asked.
        unit: of predicted numbers, their standard deviation; None where classes are told apart.
    """
    blank = np.rint(images.mean(axis=(0, 1, 2))).astype(np.uint8)
    shown = np.concatenate([images, np.broadcast_to(blank, images.shape)])
    outputs = np.asarray(predict(shown), dtype=np.float64)
    answers = answers_of(outputs[: len(images)], unit)
    left_blank = answers.left(outputs[len(images) :])
    return Patches(images, grid, blank, predict, predict_alone or predict, answers, left_blank)


def occlusion(patches: Patches) -> NDArray[np.float64]:
    """(N, patches): how much of its answer the model loses when one patch is taken away (Zeiler and Fergus 2014). It
    asks the same of every kind of model."""
    all_but_one = ~np.eye(patches.count, dtype=bool)  # (patches, patches)
    return 1 - patches.shares([visible[None, :] for visible in all_but_one]).T


def permutation(patches: Patches, repeats: int) -> NDArray[np.float64]:
    """(N, patches): how much of its answer the model loses when one patch is exchanged for that of another photo:
    permutation importance (Breiman 2001) of a place, for each photo.

    Photos are exchanged in a circle, 1 to `repeats` places on, so each gets every other's patch at most once.

    Args:
        repeats: how many other photos lend each patch.
    """
    steps = range(1, min(repeats, len(patches.images) - 1) + 1)
    if not steps:
        return np.zeros((len(patches.images), patches.count))
    donors = [np.roll(patches.images, step, axis=0) for step in steps]
    versions = [partial(patches.exchanged, patch, others) for patch in range(patches.count) for others in donors]
    left = patches.shares_in(versions).reshape(patches.count, len(donors), len(patches.images))
    return 1 - left.mean(axis=1).T


def versions_occluded(grid: int) -> int:
    """In how many versions `cut` and `occlusion` ask about a photo: whole, blank, and without each of its patches."""
    return 2 + grid**2


def versions_exchanged(photos: int, grid: int, repeats: int) -> int:
    """In how many versions `permutation` asks about each of so many photos."""
    return grid**2 * min(repeats, photos - 1) if photos else 0
