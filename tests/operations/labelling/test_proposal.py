"""What a person gets to fill in: inert in a spreadsheet, with a reason for each example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.operations.labelling.choice import Choice
from pipeline.operations.labelling.pool import Pool
from pipeline.operations.labelling.proposal import Proposal, write_proposal


def proposal(answers: np.ndarray, class_names: list[str]) -> Proposal:
    names = [f"/{place}.png" for place in range(answers.shape[1])]
    rows = np.arange(len(names))
    pool = Pool("photo", names, rows, np.zeros((len(names), 1)), len(names), {})
    return Proposal(pool, Choice(rows, np.array([1, 3])), answers, class_names)


def test_a_class_that_a_spreadsheet_would_compute_is_inert(tmp_path: Path) -> None:
    answers = np.array([[[0.9, 0.1], [0.2, 0.8]]])
    write_proposal(tmp_path, proposal(answers, ["=cmd|' /C calc'!A1", "ash"]), "")
    assert pd.read_csv(tmp_path / "label-next.csv")["predicted"].tolist() == ["'=cmd|' /C calc'!A1", "ash"]


def test_of_numbers_the_reason_is_how_far_contenders_are_apart(tmp_path: Path) -> None:
    write_proposal(tmp_path, proposal(np.array([[[1.0], [5.0]], [[3.0], [5.0]]]), []), "")
    table = pd.read_csv(tmp_path / "label-next.csv")
    assert table["predicted"].tolist() == [2, 5] and table["disagreement"].tolist() == [1, 0]
    assert table["reason"].tolist() == ["contenders say 1 to 3", "contenders say 5 to 5; 2 others like it"]
