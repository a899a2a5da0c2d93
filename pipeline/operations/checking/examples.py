"""Made-up examples of each kind of data, as the prepared store has them: just enough to train one step on."""

from __future__ import annotations

import numpy as np

from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import Prepared
from pipeline.params.schema.vocabulary import Kind

CLASSES = ["first", "second", "third"]
OF_EACH_CLASS = 4
COUNT = OF_EACH_CLASS * len(CLASSES)
VALIDATION = 3  # of them, the last ones
WINDOW = 4  # values of a series that the next one is predicted from


def made_up_examples(kind: Kind, task: str, image_size: int) -> Prepared:
    """Noise, the same at every call: 12 examples, of three classes in turn or with numbers as targets.

    Args:
        task: "classification" or "regression", as `data.task` has it.
        image_size: pixels a side, for photos.
    """
    rng = np.random.default_rng(0)
    classes = CLASSES if task == "classification" else []
    inputs, columns = _photos(rng, image_size) if kind == "images" else _rows(rng, kind)
    return Prepared(
        inputs=inputs,
        labels=np.arange(COUNT) % len(classes) if classes else rng.normal(size=COUNT),
        example_ids=np.array([f"example {number}" for number in range(COUNT)]),
        kind=kind,
        task="multiclass" if classes else "regression",
        class_names=classes,
        image_size=image_size if kind == "images" else None,
        columns=columns,
        groups=None,
        sha256=f"noise, {kind}, {image_size}",
    )


def _photos(rng: np.random.Generator, size: int) -> tuple[np.ndarray, None]:
    return rng.integers(0, 256, (COUNT, size, size, 3), dtype=np.uint8), None


def _rows(rng: np.random.Generator, kind: Kind) -> tuple[np.ndarray, list[Column]]:
    """(N, columns) float64: the last values of a series, or two numbers and a category; some values are missing."""
    if kind == "series":
        return rng.normal(size=(COUNT, WINDOW)), [Column(f"lag {lag}") for lag in range(WINDOW, 0, -1)]
    rows = np.column_stack([rng.normal(size=(COUNT, 2)), rng.integers(0, 2, COUNT)])
    rows[1, 0] = rows[2, 2] = np.nan
    return rows, [Column("length"), Column("width"), Column("colour", categories=["red", "green"])]
