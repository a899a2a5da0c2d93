"""What a classical model is fitted to beside the examples, and the folds of cross-validation that follow from it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from pipeline.models.features.layout import Layout
from pipeline.params.schema.vocabulary import Kind
from pipeline.tasks import task_named

Splitter: TypeAlias = Any  # StratifiedKFold, KFold, TimeSeriesSplit, or the folds themselves

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Problem:
    """What a classical model is fitted to, beside the examples themselves.

    Attributes:
        layout: of the columns of a table or a series; None for photos.
        groups: (N,) equal for examples that no fold may divide; None where each is on its own.
    """

    task: str
    kind: Kind = "images"
    layout: Layout | None = None
    groups: NDArray[Any] | None = None

    @property
    def has_classes(self) -> bool:
        return task_named(self.task).has_classes

    def splitter(self, folds: int, seed: int, labels: NDArray[Any]) -> Splitter:
        """Folds of cross-validation; of a series each is validated on what comes after what it is fitted to."""
        if self.kind == "series":
            return TimeSeriesSplit(folds)
        if self.groups is not None and len(np.unique(self.groups)) > 1:
            return self._folds_of_groups(folds, seed, labels)
        kind = StratifiedKFold if self.has_classes else KFold
        return kind(folds, shuffle=True, random_state=seed)

    def _folds_of_groups(self, folds: int, seed: int, labels: NDArray[Any]) -> Splitter:
        """Groups stay whole, save those of a class that some fold would not learn: all of it in one group, say."""
        groups = np.unique(np.asarray(self.groups), return_inverse=True)[1]
        whole = StratifiedGroupKFold if self.has_classes else GroupKFold
        divided: set[int] = set()
        while True:
            dealer = whole(min(folds, len(np.unique(groups))), shuffle=True, random_state=seed)
            dealt = list(dealer.split(labels, labels, groups))
            missed = _missed(labels, dealt) if self.has_classes else set()
            if not missed:
                return dealt
            if missed <= divided:  # too few examples to be in every fold's learning part by chance
                return StratifiedKFold(folds, shuffle=True, random_state=seed)
            divided |= missed
            log.warning("cross-validation divides the groups of classes %s: they stand in too few groups", divided)
            alone = groups.max() + 1 + np.arange(len(groups))
            groups = np.where(np.isin(labels, list(divided)), alone, groups)


def _missed(labels: NDArray[Any], folds: list[tuple[NDArray[Any], NDArray[Any]]]) -> set[int]:
    """The classes that the learning part of some fold lacks."""
    every = set(labels.tolist())
    return set().union(*(every - set(labels[learned].tolist()) for learned, _ in folds))


CLASSES_OF_PHOTOS = Problem("multiclass")
