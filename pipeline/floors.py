"""The floors: answers that need no model, which every candidate must beat to count as an attempt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.tasks import task_named


@dataclass(frozen=True)
class Floor:
    """One such answer.

    Attributes:
        model: the row of classical.yaml that gives just this answer; None where none does.
        name: what it does, as a noun.
        label: the same in a figure.
        answer: the targets (N,) of development → what it says of every example.
        says_one_class: whether what it says of examples is a class; else probabilities, which are the same for all, or
            a number.
    """

    model: str | None
    name: str
    label: str
    answer: Callable[[NDArray[Any]], float]
    says_one_class: bool = True

    @property
    def candidate(self) -> str | None:
        """The name of the candidate that gives this answer, where it competes."""
        return f"classical-{self.model}" if self.model else None


MAJORITY = Floor(
    "majority",
    name="always guessing the most common class",
    label="most common class",
    answer=lambda labels: int(np.bincount(labels).argmax()),
)
MEAN = Floor(
    "mean",
    name="always saying the mean",
    label="mean",
    answer=lambda targets: float(np.mean(targets)),
    says_one_class=False,
)
# What it says differs from example to example, so params.yaml must let it compete; the mean stands in for it elsewhere.
LAST_VALUE = replace(MEAN, model="naive", name="repeating the last value", label="last value")
FLOORS = (MAJORITY, MEAN, LAST_VALUE)


def floor_of(task: str, kind: str) -> Floor:
    """
    Args:
        task: "multiclass", "binary" or "regression".
        kind: "images", "table" or "series".
    """
    if task_named(task).has_classes:
        return MAJORITY
    return LAST_VALUE if kind == "series" else MEAN
