"""What was seen of the data, and the keys of `data` that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.operations.planning.sizes import Sizes
from pipeline.params.data import FETCHED

UNBALANCED = 3.0  # times the smallest class, from which on it is said

# The keys of `data` that speak of one folder or table alone, and what they are where nothing is said.
OF_ONE_SOURCE: Mapping[str, Any] = {
    "fetch": [],
    "path": FETCHED,
    "labels": None,
    "target": None,
    "group": None,
    "key": None,
    "task": "classification",
    "drop": [],
    "columns": {},
    "numbers": {},
    "missing": None,
    "time": None,
    "window": None,
    "limit": None,
    "duplicates": "drop",
    "near_duplicates": "drop",
}


@dataclass(frozen=True)
class SeenData:
    """
    Attributes:
        called: what it is, such as "photos, one sub-folder a class".
        data: the keys of `data` that describe it.
        lines: what was seen, a sentence each.
        sizes: how many photos or rows there are; None where nobody knows before they are fetched.
        largest_size: up to which more pixels would keep more of the photos; None where nobody has looked, and for rows.
        counts: how many examples each class has; empty for numbers, and where nobody knows before they are fetched.
        size_is_named: whether a person named the size of photos, in an option or in params.yaml.
    """

    called: str
    data: dict[str, Any]
    lines: list[str]
    sizes: Sizes | None = None
    largest_size: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    size_is_named: bool = False

    @property
    def examples(self) -> int | None:
        """In all."""
        return None if self.sizes is None else self.sizes.development + self.sizes.test

    @property
    def unbalanced(self) -> bool:
        """Whether accuracy would say little of the smallest class."""
        return is_unbalanced(self.counts)


def is_unbalanced(counts: Mapping[str, int]) -> bool:
    """Whether the largest class has at least UNBALANCED times as many examples as the smallest."""
    return bool(counts) and max(counts.values()) >= UNBALANCED * max(min(counts.values()), 1)


def imbalance(counts: Mapping[str, int], called: str) -> list[str]:
    """One sentence where the largest class has at least UNBALANCED times as many examples as the smallest."""
    if not is_unbalanced(counts):
        return []
    largest, smallest = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    ratio = counts[largest] / max(counts[smallest], 1)
    return [
        f"unbalanced: {largest} has {ratio:.1f} times as many {called} as {smallest} ({counts[largest]} and "
        f"{counts[smallest]}), so accuracy says little of {smallest}; by compare.score: balanced_accuracy all classes "
        "count alike, and training.class_weights: balanced lets networks weigh them alike"
    ]
