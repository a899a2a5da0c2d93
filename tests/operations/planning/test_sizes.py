"""How many examples a forecast counts with before anything is prepared."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from pipeline.configuration.loading import load_params
from pipeline.operations.planning.sizes import UNKNOWN, Sizes, sizes_of
from pipeline.params.data import Data


@pytest.fixture
def own(checkout: Path) -> Data:
    """Data of one's own, of which a quarter is sealed."""
    return load_params().data.model_copy(update={"fetch": [], "path": "own", "test_fraction": 0.25})


def test_photos_of_an_own_folder_are_counted_by_their_names(own: Data) -> None:
    Path("own/apple").mkdir(parents=True)
    for number in range(40):
        Path(f"own/apple/{number}.JPG").touch()
    Path("own/apple/notes.txt").touch()
    assert sizes_of(own) == Sizes(30, 10)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Sizes(70, 30, 2)),
        ({"path": "another"}, Sizes(3, 1)),
        ({"limit": 50}, Sizes(50, 30, 2)),
        ({"fetch": ["groceries"]}, Sizes(732, 661, 14)),
    ],
)
def test_what_is_prepared_counts_where_it_is_of_these_data(
    own: Data, changed: dict[str, object], expected: Sizes
) -> None:
    for folder in ("own", "another"):
        Path(folder).mkdir()
        for number in range(4):
            Path(f"{folder}/{number}.jpg").touch()
    Path("data/prepared").mkdir(parents=True)
    dataset = {"source": {"name": None, "path": "own"}, "limit": None, "class_names": ["a", "b"]}
    dataset["sizes"] = {"development": 70, "test": 30}
    Path("data/prepared/dataset.json").write_text(json.dumps(dataset), encoding="utf-8")
    assert sizes_of(own.model_copy(update=changed)) == expected


def test_photos_in_a_zip_rows_of_a_csv_and_of_parquet_are_counted(own: Data) -> None:
    with zipfile.ZipFile("own.zip", "w") as archive:
        for number in range(8):
            archive.writestr(f"apple/{number}.png", b"")
    Path("own.csv").write_text("a,b\n" + "1,2\n" * 12, encoding="utf-8")
    pd.DataFrame({"a": range(16)}).to_parquet("own.parquet")
    found = [sizes_of(own.model_copy(update={"path": f"own.{kind}"})) for kind in ("zip", "csv", "parquet")]
    assert found == [Sizes(6, 2), Sizes(9, 3), Sizes(12, 4)]


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b""])
def test_where_nobody_can_count_a_usual_number_is_taken(own: Data, content: bytes) -> None:
    Path("own.parquet").write_bytes(content)
    assert sizes_of(own.model_copy(update={"path": "own.parquet"})) == Sizes(UNKNOWN * 3 // 4, UNKNOWN // 4)
