"""Examples whose label may be wrong, found by predictions of models that never trained on them (Northcutt et al. 2021).

Development examples are judged by the seeds that had them for validation, test examples by all. The judges are the
candidates that are not shown to be worse than the best: their mean is the best guess that there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline import trials
from pipeline.comparison.tables.comparison import Comparison
from pipeline.comparison.tables.measurements import Measured
from pipeline.ground.files import read_parquet
from pipeline.trials import probability_columns

SUSPECT_COLUMNS = ["example", "split", "label", "suggested", "label_probability", "suggested_probability", "agreeing"]
SPLITS = {"val": "development", "test": "test"}  # out-of-sample predictions, and what they are of


@dataclass(frozen=True)
class Suspects:
    """Doubtful labels, and who doubts them.

    Attributes:
        table: SUSPECT_COLUMNS, development first, and of each split the least credible label first; label and
            suggested are class names, `agreeing` is the share of the judges whose own guess is the suggested class.
        judged: development and test → how many examples were judged.
        right: development and test → how often the judges' mean guess is the label. Where that is low, most suspects
            are mistakes of the judges.
        judges: the candidates whose predictions judged.
    """

    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SUSPECT_COLUMNS))
    judged: dict[str, int] = field(default_factory=dict)
    right: dict[str, float] = field(default_factory=dict)
    judges: list[str] = field(default_factory=list)


def find_suspects(measured: Sequence[Measured], comparison: Comparison, class_names: Sequence[str]) -> Suspects:
    """By confident learning, each split by itself.

    There are none where no candidate beats the floor, or where numbers are predicted.

    Args:
        class_names: empty for a regression.
    """
    judges = judges_among(measured, comparison) if class_names else []
    if not judges:
        return Suspects()
    tables, judged, right = [], {}, {}
    for split, home in SPLITS.items():
        guesses = [_mean_probabilities(one, split) for one in judges]
        suspects, right[home] = _suspects(guesses, home, class_names)
        tables.append(suspects.sort_values(["label_probability", "example"], kind="stable"))
        judged[home] = len(guesses[0])
    return Suspects(pd.concat(tables, ignore_index=True), judged, right, [one.name for one in judges])


def judges_among(measured: Sequence[Measured], comparison: Comparison) -> list[Measured]:
    """The candidates that beat the floor and are not shown to be worse than the best of them.

    An ensemble that ranks above all of them does not silence them: it is made of them, and no judge itself.

    Args:
        measured: the trained candidates.
    """
    names = {one.name for one in measured}
    best = next(name for name in comparison.ranking["candidate"] if name in names)
    pairs = comparison.pairs[(comparison.pairs["a"] == best) & (comparison.pairs["relation"] == "better")]
    standing = set(comparison.floor.beaten_by) - set(pairs["b"])
    return [one for one in measured if one.name in standing]


def _mean_probabilities(one: Measured, split: str) -> pd.DataFrame:
    """Over the seeds, one row an example, sorted: label, then a column for each class."""
    path = trials.evaluation_folder(one.name) / "predictions.parquet"
    rows = read_parquet(path, filters=[("split", "==", split)])
    probabilities = probability_columns(rows.columns)
    return rows.groupby("example", sort=True)[["label", *probabilities]].mean()


def _suspects(guesses: Sequence[pd.DataFrame], home: str, class_names: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Those of one split, and how often the judges' mean guess is the label."""
    labels = guesses[0]["label"].to_numpy().astype(np.int64)  # (N,)
    each = np.stack([one.drop(columns="label").to_numpy(np.float64) for one in guesses])  # (judges, N, classes)
    mean = each.mean(axis=0)
    suggested = mean.argmax(axis=1)
    issues = _label_issues(labels, mean / mean.sum(axis=1, keepdims=True))
    issues = issues[suggested[issues] != labels[issues]]
    table = pd.DataFrame(
        {
            "example": guesses[0].index.to_numpy()[issues],
            "split": home,
            "label": [class_names[label] for label in labels[issues]],
            "suggested": [class_names[guess] for guess in suggested[issues]],
            "label_probability": mean[issues, labels[issues]],
            "suggested_probability": mean[issues, suggested[issues]],
            "agreeing": (each.argmax(axis=2) == suggested).mean(axis=0)[issues],
        },
        columns=SUSPECT_COLUMNS,
    )
    return table, float((suggested == labels).mean())


def _label_issues(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the examples, least credible first; cleanlab is imported here since it takes seconds."""
    from cleanlab.filter import find_label_issues

    if len(np.unique(labels)) < 2:
        return np.empty(0, dtype=np.int64)
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(issues, dtype=np.int64)
