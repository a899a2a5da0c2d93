"""The weighted mean of what several models answered, example by example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipeline.comparison.tables.measurements import GROUP
from pipeline.trials import probability_columns


def average(answers: Sequence[pd.DataFrame], weights: Sequence[float]) -> pd.DataFrame:
    """One row an example, sorted by id: example, label, predicted, p_0 … p_k, and group where there are groups.

    Probabilities are averaged, and the most probable class is predicted, the first of equals; of numbers the
    predictions are averaged. An example that only some of the models had counts these alone.

    Args:
        answers: of each model, one row an example, with the same columns.
        weights: of each model.
    """
    together = pd.concat(answers, ignore_index=True)
    share = np.repeat(np.asarray(weights, np.float64), [len(one) for one in answers])
    names = probability_columns(together) or ["predicted"]
    place, examples = pd.factorize(together["example"], sort=True)
    total = np.bincount(place, share, len(examples))
    means = np.column_stack(
        [np.bincount(place, share * together[name].to_numpy(np.float64), len(examples)) / total for name in names]
    )
    first = together.drop_duplicates("example").set_index("example").loc[list(examples)]
    described = {"example": np.asarray(examples), "label": first["label"].to_numpy()}
    groups = {GROUP: first[GROUP].to_numpy()} if GROUP in first else {}
    if names == ["predicted"]:
        return pd.DataFrame({**described, "predicted": means[:, 0], **groups})
    kept = means.astype(np.float32)
    columns = {name: kept[:, number] for number, name in enumerate(names)}
    return pd.DataFrame({**described, "predicted": kept.argmax(axis=1).astype(np.int64), **columns, **groups})
