"""The photos whose number a candidate misses by most: a sheet, a table, and small photos for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.answers.predictions import SplitPredictions
from pipeline.evaluation.pictures.contact_sheet import contact_sheet
from pipeline.evaluation.pictures.thumbnails import write_thumbnail
from pipeline.ground.files import write_csv, write_jpeg, write_json

SHEET, TABLE, SMALL = "furthest_off.jpg", "furthest_off.csv", "numbers.json"
TABLE_COLUMNS = ["example", "label", "predicted", "error"]


def write_furthest_off(folder: Path, images: NDArray[np.uint8], answers: SplitPredictions, count: int) -> None:
    """furthest_off.jpg and furthest_off.csv: the largest errors, largest first; `error` is predicted less true.

    Args:
        images: (N, S, S, 3) test photos.
        answers: the mean of all seeds to the same photos.
        count: how many at most.
    """
    chosen = by_error(answers)[:count]
    rows = [_row(answers, index) for index in chosen]
    write_csv(folder / TABLE, pd.DataFrame(rows, columns=TABLE_COLUMNS))
    captions = [
        (Path(row["example"]).name, f"{row['label']:.6g}, taken", f"for {row['predicted']:.6g}") for row in rows
    ]
    write_jpeg(folder / SHEET, contact_sheet([images[index] for index in chosen], captions), quality=88)


def write_small_photos(folder: Path, images: NDArray[np.uint8], answers: SplitPredictions, count: int) -> None:
    """number-<n>.jpg, and numbers.json: file, example, label, predicted, error.

    Half of them are the largest errors, largest first, the others the smallest, smallest first.

    Args:
        images: (N, H, W, 3) uint8.
        answers: the mean of all seeds to the same photos.
        count: how many photos at most.
    """
    order = by_error(answers)
    count = min(count, len(order))
    furthest = -(-count // 2)
    chosen = [*order[:furthest], *order[furthest:][::-1][: count - furthest]]
    entries = []
    for number, index in enumerate(chosen):
        file = f"number-{number}.jpg"
        write_thumbnail(folder / file, images[index])
        entries.append({"file": file, **_row(answers, index)})
    write_json(folder / SMALL, entries)


def by_error(answers: SplitPredictions) -> list[int]:
    """Indices, the largest absolute error first; of equals the first."""
    errors = np.abs(answers.probabilities[:, 0].astype(np.float64) - answers.labels)
    return [int(index) for index in np.argsort(-errors, kind="stable")]


def _row(answers: SplitPredictions, index: int) -> dict[str, Any]:
    label, predicted = float(answers.labels[index]), float(answers.probabilities[index, 0])
    return {"example": str(answers.examples[index]), "label": label, "predicted": predicted, "error": predicted - label}
