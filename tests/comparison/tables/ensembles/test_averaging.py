"""The weighted mean of what models answered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.tables.ensembles.averaging import average


def of_classes(examples: list[str], first: list[float]) -> pd.DataFrame:
    table = pd.DataFrame({"example": examples, "label": 0, "predicted": 0, "p_0": np.float32(first)})
    return table.assign(p_1=1 - table["p_0"], group=3)


def test_probabilities_are_averaged_by_weight_and_the_most_probable_class_is_predicted() -> None:
    found = average([of_classes(["b", "a"], [0.9, 0.2]), of_classes(["a", "b"], [0.4, 0.0])], [3.0, 1.0])
    assert found["example"].tolist() == ["a", "b"]
    assert found["p_0"].to_numpy() == pytest.approx([0.25, 0.675])
    assert found["predicted"].tolist() == [1, 0] and found["group"].tolist() == [3, 3]
    assert found["p_0"].dtype == np.float32


def test_an_example_that_one_model_had_counts_that_one_alone() -> None:
    found = average([of_classes(["a", "b"], [0.9, 0.9]), of_classes(["b"], [0.1])], [0.5, 0.5])
    assert found["p_0"].to_numpy() == pytest.approx([0.9, 0.5])


def test_of_numbers_the_predictions_are_averaged() -> None:
    tables = [pd.DataFrame({"example": ["a"], "label": [1.5], "predicted": [value]}) for value in (1.0, 4.0)]
    found = average(tables, [2.0, 1.0])
    assert found["predicted"].tolist() == [2.0] and found["label"].tolist() == [1.5]
