"""Made-up examples of each kind of data, as the prepared store has them: just enough to train one step on."""

from __future__ import annotations

import numpy as np

from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import Prepared
from pipeline.params.schema.vocabulary import Kind

CLASSES = ["first", "second", "third"]
FEW, ENOUGH = 4, 24  # of each class: for a step of a network; for folds, neighbours and a tenth set aside within a fit
COUNT = FEW * len(CLASSES)
VALIDATION = 3  # of them, the last ones
WINDOW = 4  # values of a series that the next one is predicted from


def made_up_examples(kind: Kind, task: str, image_size: int, of_each_class: int = FEW) -> Prepared:
    """Noise, the same at every call: examples of three classes in turn, or as many with numbers as targets.

    Args:
        task: "classification" or "regression", as `data.task` has it.
        image_size: pixels a side, for photos.
    """
    count = of_each_class * len(CLASSES)
    rng = np.random.default_rng(0)
    classes = CLASSES if task == "classification" else []
    inputs, columns = _photos(rng, count, image_size) if kind == "images" else _rows(rng, count, kind)
    return Prepared(
        inputs=inputs,
        labels=np.arange(count) % len(classes) if classes else rng.normal(size=count),
        example_ids=np.array([f"example {number}" for number in range(count)]),
        kind=kind,
        task="multiclass" if classes else "regression",
        class_names=classes,
        image_size=image_size if kind == "images" else None,
        columns=columns,
        groups=None,
        sha256=f"noise, {kind}, {image_size}",
    )


def _photos(rng: np.random.Generator, count: int, size: int) -> tuple[np.ndarray, None]:
    return rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8), None


def _rows(rng: np.random.Generator, count: int, kind: Kind) -> tuple[np.ndarray, list[Column]]:
    """(N, columns) float64: the last values of a series, or two numbers and a category; some values are missing."""
    if kind == "series":
        return rng.normal(size=(count, WINDOW)), [Column(f"lag {lag}") for lag in range(WINDOW, 0, -1)]
    rows = np.column_stack([rng.normal(size=(count, 2)), rng.integers(0, 2, count)])
    rows[1, 0] = rows[2, 2] = np.nan
    return rows, [Column("length"), Column("width"), Column("colour", categories=["red", "green"])]
