"""Drift of what a champion says and reads, without labels: found where it is, and rarely where it is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from pipeline.champions.versions import Champion
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.row_drift import Shift, number_shift
from pipeline.operations.watching.answers import _numbers_at_registration, _picked
from pipeline.operations.watching.findings import Findings
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
        "Columns are distributed otherwise in these rows than in the prepared data of today: 'town' (Cramér's V 0.50, "
        "p < 0.001), 'age' (distance 0.30, p < 0.001); never seen were 12 of 'town'.",
    ]
    assert drift.numbers()["unseen_categories"] == {"town": 12, "year": 1}
    assert drift.numbers()["columns"]["age"] == {"size": 0.3, "p_value": 1e-6, "of_categories": False}


def test_of_two_classes_one_output_is_enough() -> None:
    random = np.random.default_rng(1)
    first, second = random.random(50), random.random(80)
    both = (np.column_stack([1 - part, part]) for part in (first, second))
    assert output_drift(*both, ["ill", "well"]) == {"well": number_shift(first, second)}


def test_photos_have_no_columns_with_which_to_share_the_level_and_few_of_them_show_little() -> None:
    moved = {"ill": Shift(0.5, 0.008, of_categories=False)}
    assert InputDrift("photo", moved).alarms(0.01)
    assert not InputDrift("row", moved, {"age": Shift(0.0, 1.0, of_categories=False)}).alarms(0.01)
    photos = InputDrift("photo", moved)
    assert photos.least_visible(0.01, 1, 300) is None
    few, many = photos.least_visible(0.01, 10, 300), photos.least_visible(0.01, 300, 300)
    assert few == pytest.approx(0.523, abs=0.001) and many == pytest.approx(0.133, abs=0.001)
    assert photos.least_visible(0.01, 10**6, 10**6) == 0.1, "what is negligible is never told"


def test_numbers_at_registration_are_one_of_each_group() -> None:
    rows = pd.DataFrame({"split": ["val", *["test"] * 4], "predicted": [9.0, 1.0, 1.1, 2.0, 2.1]})
    champion = cast(ReigningChampion, SimpleNamespace(predictions=rows))
    assert _numbers_at_registration(champion, np.array([5, 5, 3, 3]))[:, 0].tolist() == [1.0, 2.0]
    assert len(_numbers_at_registration(champion, None)) == 4


def test_what_is_found_of_a_series_asks_for_a_retraining_and_not_for_labels() -> None:
    champion = cast(Champion, None)
    found = Findings(champion, "step", 60, alarms=["Off."], drifted="its errors grew", asked_for="a retraining")
    assert found.conclusion().startswith("A retraining is worth asking for: its errors grew.")
    assert (
        Findings(champion, "step", 60, asked_for="a retraining").conclusion()
        == "Nothing seen here asks for a retraining."
    )


def test_what_was_expected_after_the_choice_stands_beside_what_it_was_chosen_by() -> None:
    champion = cast(Champion, SimpleNamespace(model_interval=[0.71, 0.83], score_column="test_accuracy"))
    assert _picked(champion, "row").endswith(
        "inherits this without correction; when it was registered, its accuracy on unseen rows was expected to "
        "be 71.0 to 83.0 %."
    )
