"""Which examples belong together, as evaluation wrote it beside the predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.comparison.tables.alignment import align
from pipeline.comparison.tables.design import read_design
from pipeline.comparison.tables.measurements import read_measurements
from pipeline.params.training.candidates import Candidate
from pipeline.trials import evaluation_folder


def group_by_tens(candidates: list[Candidate]) -> None:
    """Test examples in groups of ten, development examples in groups of one."""
    for candidate in candidates:
        path = evaluation_folder(candidate.name) / "predictions.parquet"
        rows = pd.read_parquet(path)
        numbers = {example: place for place, example in enumerate(sorted(rows["example"].unique()))}
        places = rows["example"].map(numbers)
        rows.assign(group=np.where(rows["split"] == "test", places // 10, 1000 + places)).to_parquet(path, index=False)


def test_examples_on_their_own_have_no_groups_and_photos_no_order(small: list[Candidate]) -> None:
    design = read_design(read_measurements(small), "images")
    assert design.groups is design.order is design.test_groups is None


def test_groups_come_from_the_predictions_and_reach_the_outcomes(small: list[Candidate], workplace: Path) -> None:
    group_by_tens(small)
    measured = read_measurements(small)
    design = read_design(measured, "images")
    assert design.test_groups == 12 or design.test_groups == 13  # of 120 test examples
    outcomes = align(measured, design.groups, design.order)
    assert outcomes.groups is not None and len(np.unique(outcomes.groups)) == design.test_groups
    assert outcomes.development_groups is not None


def test_a_series_is_in_the_order_in_which_it_was_written(small: list[Candidate]) -> None:
    measured = read_measurements(small)
    order = read_design(measured, "series").order
    rows = measured[0].predictions.query("seed == 0")  # of a series every seed has the same stretches
    written = [*(rows.query("split == @split")["example"] for split in ("train", "val", "test"))]
    assert order is not None
    assert sorted(order, key=lambda example: order[example])[: len(written[0])] == written[0].tolist()
    assert sorted(order, key=lambda example: order[example])[-len(written[2]) :] == written[2].tolist()
    outcomes = align(measured, order={**order})
    assert outcomes.order is not None and outcomes.development_order is not None
    assert outcomes.development_order.max() < outcomes.order.min()
