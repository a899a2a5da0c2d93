"""A named source is a table inside a package; its photos come out as files, byte for byte."""

from __future__ import annotations

import io

import pyarrow
import pyarrow.parquet

from pipeline.datasets.sources import SOURCES, photos_of
from pipeline.params import Data


def table_of(*rows: tuple[str, str, bytes]) -> bytes:
    splits, classes, photos = zip(*rows, strict=True)
    columns = {"dataset": splits, "coarse_cat": ["Fruit"] * len(rows), "finegrained_cat": classes, "image_data": photos}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


TABLE = table_of(
    ("train", "Pear", b"0"),
    ("test", "Pear", b"1"),
    ("train", "Pear", b"2"),
    ("train", "Apple", b"3"),
    ("val", "Pear", b"1"),
)


def test_photos_are_numbered_within_split_and_class() -> None:
    assert list(photos_of(SOURCES["groceries"], TABLE)) == [
        ("train/Pear/0000.jpg", b"0"),
        ("test/Pear/0000.jpg", b"1"),
        ("train/Pear/0001.jpg", b"2"),
        ("train/Apple/0000.jpg", b"3"),
        ("val/Pear/0000.jpg", b"1"),
    ]


def test_params_allow_exactly_the_sources_that_there_are() -> None:
    allowed = Data.model_json_schema()["properties"]["fetch"]["items"]
    assert allowed.get("enum", [allowed.get("const")]) == list(SOURCES)
