"""Tables as text, read under changed `data` parameters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.datasets.cells.reading import read_cells, read_header
from pipeline.datasets.tables.column_types import TypedTable, type_columns
from pipeline.datasets.tables.preparing import read_rows
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.params.data import Data

GIVEN = {"fetch": [], "path": "own.csv", "image_size": 96, "test_fraction": 0.25, "limit": None, "seed": 0}


@pytest.fixture
def typed(tmp_path: Path) -> Callable[..., TypedTable]:
    """The columns of a CSV with their types."""

    def read(text: str, **keys: Any) -> TypedTable:
        file = tmp_path / "own.csv"
        file.write_text(text, encoding="utf-8", newline="")
        return type_columns(read_cells(file), file, Data(**(GIVEN | keys)), read_header(file)[1])

    return read


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[..., Rows]:
    """The rows of a CSV as they are learned from; the target is y."""

    def read(text: str, **keys: Any) -> Rows:
        file = tmp_path / "own.csv"
        file.write_text(text, encoding="utf-8", newline="")
        return read_rows(file, Data(**(GIVEN | {"target": "y"} | keys)))

    return read
