"""Drift of what a champion says and reads, without labels: found where it is, and rarely where it is not."""

from __future__ import annotations

import numpy as np

from pipeline.operations.retraining.row_drift import Shift, number_shift
from pipeline.operations.watching.input_drift import InputDrift, output_drift


def test_examples_of_the_same_kind_are_called_drifted_as_rarely_as_promised() -> None:
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(200):
        new, before = random.dirichlet(np.ones(4), 60), random.dirichlet(np.ones(4), 200)
        columns = {f"x{place}": number_shift(random.normal(size=60), random.normal(size=200)) for place in range(5)}
        alarms += bool(InputDrift("row", output_drift(new, before, ["a", "b", "c", "d"]), columns).alarms(0.1))
    assert alarms <= 32  # 20 expected at most; 33 or more in one of 200


def test_what_drifted_is_told_the_largest_first_and_what_was_never_seen_beside_it() -> None:
    columns = {
        "age": Shift(0.3, 1e-6, of_categories=False),
        "town": Shift(0.5, 1e-9, of_categories=True),
        "size": Shift(0.05, 1e-9, of_categories=False),
        "year": Shift(0.9, 0.4, of_categories=False),
    }
    drift = InputDrift("row", {"ill": Shift(0.2, 1e-5, of_categories=False)}, columns, {"town": 12, "year": 1})
    assert drift.alarms(0.01) == [
        "The champion answers otherwise than before: 'ill' (distance 0.20, p < 0.001).",
        "Columns are distributed otherwise in these rows: 'town' (Cramér's V 0.50, p < 0.001), 'age' (distance 0.30, "
        "p < 0.001); never seen were 12 of 'town'.",
    ]
    assert drift.numbers()["unseen_categories"] == {"town": 12, "year": 1}
    assert drift.numbers()["columns"]["age"] == {"size": 0.3, "p_value": 1e-6, "of_categories": False}


def test_of_two_classes_one_output_is_enough() -> None:
    random = np.random.default_rng(1)
    first, second = random.random(50), random.random(80)
    both = (np.column_stack([1 - part, part]) for part in (first, second))
    assert output_drift(*both, ["ill", "well"]) == {"well": number_shift(first, second)}
