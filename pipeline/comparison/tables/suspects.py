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
from pipeline.comparison.tables.measurements import Measured
from pipeline.comparison.verdict.recommendation import Facts
from pipeline.scores import RMSE

SUSPECT_COLUMNS = ["example", "split", "label", "suggested", "label_probability", "suggested_probability", "agreeing"]
SPLITS = {"val": "development", "test": "test"}  # out-of-sample predictions, and what they are of


@dataclass(frozen=True)
class Suspects:
    """
    Attributes:
        table: SUSPECT_COLUMNS, development first, and of each split the least credible label; label and suggested are
            class names, `agreeing` is the share of the judges whose own guess is the suggested class.
        judged: development and test → how many examples were judged.
        right: development and test → how often the judges' mean guess is the label. Where that is low, most suspects
            are mistakes of the judges.
        judges: the candidates whose predictions judged.
    """

    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=SUSPECT_COLUMNS))
    judged: dict[str, int] = field(default_factory=dict)
    right: dict[str, float] = field(default_factory=dict)
    judges: list[str] = field(default_factory=list)


def find_suspects(measured: Sequence[Measured], facts: Facts) -> Suspects:
    """By confident learning, each split by itself; nothing where no candidate beats always guessing one class, or where
    numbers are predicted."""
    if facts.score is RMSE:
        return Suspects()
    beating = set(facts.comparison.floor.beaten_by)
    judges = [one for one in measured if one.name in beating and facts.rows[one.name]["relation_to_best"] != "worse"]
    if not judges:
        return Suspects()
    tables, judged, right = [], {}, {}
    for split, home in SPLITS.items():
        said = [_said(one, split) for one in judges]
        found, right[home] = _suspects(said, home, list(facts.dataset["class_names"]))
        tables.append(found.sort_values(["label_probability", "example"], kind="stable"))
        judged[home] = len(said[0])
    return Suspects(pd.concat(tables, ignore_index=True), judged, right, [one.name for one in judges])


def _said(one: Measured, split: str) -> pd.DataFrame:
    """Mean probabilities over the seeds, one row an example, sorted: label, then a column for each class."""
    path = trials.evaluation_folder(one.name) / "predictions.parquet"
    rows = pd.read_parquet(path, filters=[("split", "==", split)])
    probabilities = [column for column in rows.columns if column.startswith("p_")]
    return rows.groupby("example", sort=True)[["label", *probabilities]].mean()


def _suspects(said: Sequence[pd.DataFrame], home: str, class_names: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Those of one split, and how often the mean of what was said is right."""
    labels = said[0]["label"].to_numpy().astype(np.int64)  # (N,)
    each = np.stack([one.drop(columns="label").to_numpy(np.float64) for one in said])  # (judges, N, classes)
    mean = each.mean(axis=0)
    suggested = mean.argmax(axis=1)
    found = _label_issues(labels, mean / mean.sum(axis=1, keepdims=True))
    found = found[suggested[found] != labels[found]]
    table = pd.DataFrame(
        {
            "example": said[0].index.to_numpy()[found],
            "split": home,
            "label": [class_names[label] for label in labels[found]],
            "suggested": [class_names[guess] for guess in suggested[found]],
            "label_probability": mean[found, labels[found]],
            "suggested_probability": mean[found, suggested[found]],
            "agreeing": (each.argmax(axis=2) == suggested).mean(axis=0)[found],
        },
        columns=SUSPECT_COLUMNS,
    )
    return table, float((suggested == labels).mean())


def _label_issues(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices; cleanlab is imported here since it takes seconds."""
    from cleanlab.filter import find_label_issues

    if len(np.unique(labels)) < 2:
        return np.empty(0, dtype=np.int64)
    found = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(found, dtype=np.int64)
