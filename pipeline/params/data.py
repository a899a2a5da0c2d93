"""`data`: where the examples come from."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.params.schema.reading import Strict
from pipeline.params.schema.vocabulary import Fraction, Kind

FETCHED = "data/raw"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
TABLE_FILES = (".csv", ".tsv", ".txt", ".parquet")


class Labels(Strict):
    """A table of photos: a CSV or Parquet file within data.path, and which of its columns says what.

    Attributes:
        file: the table, as a path within data.path.
        path: the column with each photo's path; label: the column with its class, or the number to predict.
        split: the column that says train, val or test; null: a share is sealed as test.
        group: the column of what must stay on one side of every split, such as the patient; null: photos are single.
    """

    file: Annotated[str, Field(min_length=1)]
    path: str = "path"
    label: str = "label"
    split: str | None = None
    group: str | None = None

    @field_validator("file")
    @classmethod
    def _lies_within_the_folder(cls, file: str) -> str:
        if PurePath(file).is_absolute() or ".." in PurePath(file).parts:
            raise ValueError("the table lies within data.path; give its path from there, such as labels.csv")
        return file


ALL_COLUMNS = "*"  # the key of data.numbers that speaks of every column without one of its own


class Numbers(Strict):
    """How the numbers of a table are written.

    Attributes:
        decimal: what stands before the decimals; thousands: what stands between thousands.
    """

    decimal: Literal[".", ","]
    thousands: Literal["", ".", ",", " ", "'"] = ""

    @model_validator(mode="after")
    def _differ(self) -> Numbers:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; give each a character of its own")
        return self


class Data(Strict):
    """Where the examples come from. `path` is data/raw when `fetch` names a source, else the user's own.

    Attributes:
        fetch: the name of a source (see datasets/sources/), or nothing.
        path: where the examples are: a folder, an archive or a table; data/raw where `fetch` names a source.
        target: the column to predict; it makes the data a table (a CSV or Parquet file), else they are photos.
        task: whether a class or a number is predicted; of photos a number stands in `labels`.
        drop: columns that nothing is to be learned from.
        group: of a table, the column whose rows with one value stay on one side of every split, such as the patient;
            nothing is learned from it. Of photos it is `labels.group`.
        key: of a table, the column that names its rows, such as a number of an order: by it a later batch is seen to
            hold a row that is known; null: rows are known by their content. Nothing is learned from it.
        columns: what a column is, where it is not to be inferred: category, number, drop or time (a date, which is
            learned from as a number of days). A column that is named here is never left out for what it gives away.
        numbers: how numbers are written, where it is not to be inferred: of all columns, {decimal: …, thousands: …}, or
            {column: {decimal: …, thousands: …}}; of photos, those of `labels.label`.
        missing: the words that stand for a missing value, in every column and in labels; null: in a target and in
            labels empty cells alone, elsewhere also the usual words, such as NA.
        labels: for photos that a table names; None where class folders do.
        duplicates: what becomes of pictures that stand twice, pixel for pixel, or rows that repeat another in all
            columns. drop: one stays; fail: an error; keep: all stay, wherever they fall; together (rows only): all
            stay, and rows alike in all but the target are on one side.
        near_duplicates: what becomes of pictures that were saved again.
        time: the column that orders a series.
        window: from how many last values of a series the next one is predicted.
    """

    fetch: list[str] = Field(max_length=1)
    path: str
    image_size: Annotated[int, Field(ge=16, le=1024)]
    test_fraction: Fraction
    limit: Annotated[int, Field(ge=2)] | None
    seed: Annotated[int, Field(ge=0)]
    labels: Labels | None = None
    duplicates: Literal["drop", "fail", "keep", "together"] = "drop"
    near_duplicates: Literal["drop", "fail", "keep"] = "drop"
    target: Annotated[str, Field(min_length=1)] | None = None
    task: Literal["classification", "regression"] = "classification"
    drop: list[str] = []
    group: Annotated[str, Field(min_length=1)] | None = None
    key: Annotated[str, Field(min_length=1)] | None = None
    columns: dict[str, Literal["category", "number", "drop", "time"]] = {}
    numbers: dict[str, Numbers] = {}
    missing: list[str] | None = None
    time: Annotated[str, Field(min_length=1)] | None = None
    window: Annotated[int, Field(ge=1, le=1000)] | None = None

    @field_validator("numbers", mode="before")
    @classmethod
    def _of_all_columns(cls, given: Any) -> Any:
        """{decimal: …} is short for {"*": {decimal: …}}."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            return given
        short = {key for key, value in given.items() if isinstance(value, str)}
        if short and short == set(given) and short & set(Numbers.model_fields):
            return {ALL_COLUMNS: given}
        for key in sorted(short):
            is_key = key in Numbers.model_fields
            column, named = (ALL_COLUMNS, key) if is_key else (key, "decimal")
            raise ValueError(
                f"{key}: {given[key]!r} does not say of what it is; give each column its own, such as "
                f'{{"{column}": {{{named}: "{given[key]}"}}}}, where "{ALL_COLUMNS}" is every other column'
            )
        return given

    @property
    def has_classes(self) -> bool:
        """Whether there are classes to tell apart; else numbers to predict."""
        return self.task == "classification"

    @property
    def kind(self) -> Kind:
        if self.target is None:
            return "images"
        return "table" if self.time is None else "series"


def tables_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in TABLE_FILES and file.is_file())
