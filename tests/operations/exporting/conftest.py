"""Models, fitted or merely built, as what is exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.champions.bundle import write_served
from pipeline.champions.served.servable import Member, Servable
from pipeline.datasets.store.columns import Column
from pipeline.models.archive import write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.models.features.layout import Layout, layout_of
from pipeline.models.folds import Problem
from pipeline.operations.exporting.originals import Original, read_original
from pipeline.params.schema.classical import ClassicalModel, load_classical

AsOriginal = Callable[..., Original]

COLUMNS = [Column("size"), Column("income", missing=["-999"]), Column("ward", ["east", "north", "south"])]
SERIES = {"time": "week", "target": "units"}
WINDOW = [Column(f"lag {back}") for back in range(5, 0, -1)]


def rows(count: int = 90) -> np.ndarray:
    """(count, 3) as `COLUMNS` are learned from, each column with holes."""
    random = np.random.default_rng(0)
    made = np.column_stack([random.normal(50, 7, count), random.normal(size=count), random.integers(0, 3, count)])
    for column in range(3):
        made[column::13, column] = np.nan
    return made


ROWS = rows()
LAYOUT = layout_of([column.categories for column in COLUMNS], ROWS)
WINDOWS = np.random.default_rng(1).normal(10, 3, (40, 5))


@pytest.fixture
def as_original(tmp_path: Path) -> AsOriginal:
    """Makes an original of files of models, the first alone or all with a share each."""

    def make(*files: Path, weights: tuple[float, ...] = (), **served: Any) -> Original:
        members = tuple(Member(file, weight) for file, weight in zip(files, weights, strict=False))
        classes = served.setdefault("class_names", [])
        task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
        folder = tmp_path / f"served-{files[0].stem}"
        folder.mkdir()
        servable = Servable(files[0], task, image_size=served.pop("image_size", None), members=members, **served)
        return read_original(write_served(folder, servable), "it", "it", {"task": task})

    return make


def plain(columns: list[Column]) -> list[dict[str, Any]]:
    return [column.plain() for column in columns]


def fitted(name: str, file: Path, labels: np.ndarray, layout: Layout = LAYOUT, inputs: np.ndarray = ROWS) -> Path:
    """A row of classical.yaml for tables, fitted with few trees and written to a file."""
    row = load_classical(name)
    few = {"n_estimators": 5} if "Forest" in row.estimator else {"max_iter": 20} if "Boosting" in row.estimator else {}
    row = row.model_copy(update={"settings": row.settings | few, "grid": {k: v[:1] for k, v in row.grid.items()}})
    task = "regression" if labels.dtype.kind == "f" else "binary" if labels.max() == 1 else "multiclass"
    return fit(name, row, file, inputs, labels, Problem(task, "table", layout))


def fit(name: str, row: ClassicalModel, file: Path, inputs: np.ndarray, labels: np.ndarray, problem: Problem) -> Path:
    write_model(file, fit_classical(name, row, compute_features(row, inputs), labels, 2, 0, problem).model)
    return file
