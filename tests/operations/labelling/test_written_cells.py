"""Rows of a Parquet file, written as CSV: the study reads the same in both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.champions.inputs import as_rows
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.store.columns import Column
from pipeline.operations.labelling.written_cells import as_written


def test_numbers_names_and_categories_stay_what_they_were(tmp_path: Path) -> None:
    columns = [Column("price", None, ",", "."), Column("room", ["1", "2"])]
    table = pd.DataFrame({"price": [1.234, np.nan, 5.0], "room": [1.0, 2.0, 3.0], "id": [7.0, 8.0, 9.0]})
    table.to_parquet(tmp_path / "new.parquet")
    cells = read_cells(tmp_path / "new.parquet")
    as_written(cells, columns).to_csv(tmp_path / "new.csv", index=False)
    written = read_cells(tmp_path / "new.csv")
    np.testing.assert_array_equal(as_rows(written, columns), as_rows(cells, columns))
    assert written["room"].tolist() == ["1", "2", "3"] and written["id"].tolist() == ["7", "8", "9"]
