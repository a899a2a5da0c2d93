"""How well a ranking of patches tells what an answer hangs on: deletion and insertion (Petsiuk et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.explanations.patches import Patches


@dataclass(frozen=True)
class Curves:
    """Shares of the answers left (of numbers without a lower bound; see whole_answers.py), by how many patches were
    taken away or shown; areas are by the trapezoidal rule.

    Attributes:
        deletion: (N, steps + 1), when patches are taken away.
        insertion: (N, steps + 1), when patches are shown.
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
        """(N,) how much more than `chance` a ranking tells: the mean of how much faster deletion falls and insertion
        rises."""
        faster = chance.deletion_area - self.deletion_area, self.insertion_area - chance.insertion_area
        return (faster[0] + faster[1]) / 2


def deletion_and_insertion(patches: Patches, importance: NDArray[np.float64], steps: int, alone: bool = True) -> Curves:
    """Take patches away, most important first, and show them in the same order on an empty photo.

    Args:
        importance: (N, patches), the ranking.
        steps: in which all patches are taken away.
        alone: whether it is the model's own ranking, about which no other candidate is asked.
    """
    rank = np.argsort(np.argsort(-importance, axis=1, kind="stable"), axis=1)  # (N, patches), 0: most important
    gone = [rank < round(step * patches.count / steps) for step in range(1, steps)]
    left = patches.shares([*(~removed for removed in gone), *gone], alone)  # (2 (steps - 1), N)
    whole = np.ones((1, len(rank)))
    deletion = np.concatenate([whole, left[: len(gone)], patches.left_blank[None]])
    insertion = np.concatenate([patches.left_blank[None], left[len(gone) :], whole])
    return Curves(deletion.T, insertion.T)


def curves_by_chance(patches: Patches, steps: int, seed: int = 0) -> Curves:
    """The same in a random order, which is the same for every model."""
    random = np.random.default_rng(seed)
    return deletion_and_insertion(patches, random.random((len(patches.images), patches.count)), steps, alone=False)


def versions_in_curves(steps: int) -> int:
    """In how many versions `curves_by_chance` asks about a photo."""
    return 2 * (steps - 1)


def _area(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    return (curve[:, :-1] + curve[:, 1:]).mean(axis=1) / 2
