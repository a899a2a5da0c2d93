"""Small photos of the examples whose label a candidate finds least credible, for the report to show the suspected ones.

Which labels are suspected is decided by all candidates together, after evaluation. The sealed test photos cannot be
read by then, so each candidate keeps the pictures that may be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.evaluation.answers.predictions import Predictions, SplitPredictions
from pipeline.evaluation.pictures.thumbnails import write_thumbnail
from pipeline.ground.files import write_json


def write_doubted(
    folder: Path,
    development: tuple[NDArray[np.str_], NDArray[np.uint8]],
    test: tuple[NDArray[np.str_], NDArray[np.uint8]],
    predictions: Predictions,
    count: int,
) -> None:
    """doubted-<n>.jpg, and doubted.json: file, example, split (development or test).

    Development examples are judged by the seeds that had them for validation, test examples by all.

    Args:
        development: (N,) example ids and (N, H, W, 3) photos.
        test: the same of the test split.
        count: how many photos of each split at most.
    """
    entries: list[dict[str, str]] = []
    for split, home, (ids, images) in (("val", "development", development), ("test", "test", test)):
        rows = {str(example): row for row, example in enumerate(ids)}
        for example in least_credible([splits[split] for splits in predictions.values()], count):
            file = f"doubted-{len(entries)}.jpg"
            write_thumbnail(folder / file, images[rows[example]])
            entries.append({"file": file, "example": example, "split": home})
    write_json(folder / "doubted.json", entries)


def least_credible(answers: Sequence[SplitPredictions], count: int) -> list[str]:
    """Examples that are taken for another class, by the probability of their label (mean of the seeds), least first."""
    frame = pd.concat([pd.DataFrame(one.probabilities, index=one.examples.astype(str)) for one in answers])
    mean = frame.groupby(level=0, sort=True).mean()
    labels = pd.concat([pd.Series(one.labels, index=one.examples.astype(str)) for one in answers])
    right = labels.groupby(level=0, sort=True).first().to_numpy()
    credible = pd.Series(mean.to_numpy()[np.arange(len(right)), right], index=mean.index)
    doubted = credible[mean.to_numpy().argmax(axis=1) != right]
    return [str(example) for example in doubted.sort_values(kind="stable").index[:count]]
