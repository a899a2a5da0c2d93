"""Photos named by a table: a CSV or Parquet file with a path and a label a row, and perhaps a split and a group.

The label is a class, or a number to predict.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.cells.numbers import NumberFormat, parse_in_any_format
from pipeline.datasets.cells.reading import read_cells, read_header
from pipeline.datasets.photos.folders import (
    SPLITS,
    FolderError,
    Listing,
    Photo,
    Quarantined,
    name_of_split,
    quarantine,
    readable,
)
from pipeline.datasets.photos.labels.classes import check_classes
from pipeline.datasets.photos.labels.numbers import Formats, check_labels, read_numbers
from pipeline.datasets.photos.labels.places import Places
from pipeline.datasets.photos.leakage import TWO_LABELS
from pipeline.params.data import Labels

log = logging.getLogger("kiyas")


def list_labelled(
    folder: Path, labels: Labels, missing: Sequence[str] | None = None, formats: Formats | None = None
) -> Listing:
    """The photos that the table `labels.file` names; their paths are seen from where the table lies.

    A row without path or label, a path that leads nowhere or out of `folder`, or one that stands twice is left out; so
    is one whose label is no number, where numbers are predicted.

    Args:
        missing: data.missing: the words that stand for no label, split or group; None: empty cells alone, and the usual
            words where a number is missing.
        formats: how numbers to predict are written, where the user has said so; None: labels are classes.

    Raises:
        FolderError: when the table, or a column of it, is not there, or the splits or labels cannot be used.
    """
    listing, file = read_labelled(folder, labels, missing, formats), folder / labels.file
    if formats is None:
        check_classes(file, listing.photos, listing.left_out, labelled=True)
    else:
        check_labels(file, listing.photos, listing.left_out)
    return listing


def read_labelled(
    folder: Path,
    labels: Labels,
    missing: Sequence[str] | None,
    formats: Formats | None,
    prefix: str = "",
    root: int = 0,
    usual: NumberFormat | None = None,
) -> Listing:
    """The same, whatever labels there are.

    Args:
        missing, formats: as in `list_labelled`.
        usual: how the study's own table writes numbers, where this is another one.
        prefix: goes before each example's path within the folder.
        root: see `Photo`.

    Raises:
        FolderError: when the table, or a column of it, is not there.
    """
    file = folder / labels.file
    table = read_label_table(file, labels, missing, formats is not None)
    numbers = None
    if formats is not None:
        numbers = read_numbers(table["label"], file, labels.label, formats, read_header(file)[1], usual)
    places = Places(folder, file.parent)
    found: dict[str, tuple[Photo, Path]] = {}
    disputed: set[str] = set()
    left_out: list[Quarantined] = []
    for row, (path, label, split, group) in enumerate(table.itertuples(index=False), start=1):
        example, target, fault = places.find(path) if path else (f"{labels.file}, row {row}", file, None)
        no_number = None if numbers is None or not label or label in numbers else f"has no number: {label!r} is none"
        label = numbers.get(label, label) if numbers else label
        photo = Photo(prefix + example, split or None, label, group or None, root)
        example = photo.example
        if fault := _row_fault(photo, path, labels) or no_number or fault:
            left_out.append(quarantine(photo, fault))
        elif example not in found:
            found[example] = photo, target
        elif found[example][0].class_name != label:
            disputed.add(example)
            left_out.append(quarantine(photo, TWO_LABELS, example))
        else:
            left_out.append(quarantine(photo, f"stands twice in {labels.file}", example))
    left_out += [quarantine(found.pop(example)[0], TWO_LABELS, example) for example in sorted(disputed)]
    pairs = [found[example] for example in sorted(found)]
    return Listing([photo for photo, _ in pairs], [target for _, target in pairs], left_out)


def read_label_table(
    file: Path, labels: Labels, missing: Sequence[str] | None = None, of_numbers: bool = False
) -> pd.DataFrame:
    """Columns path, label, split, group, as text; "" where a value, or the column, is missing.

    Args:
        missing: words that stand for a missing value; what they took away is told. Where labels are numbers, -999
            stands for -999.0 too.
        of_numbers: whether labels are numbers, among which the usual words stand for a missing one, too.

    Raises:
        FolderError: naming the file, the column and what there is instead.
    """
    if not file.is_file():
        raise FolderError(f"{file}: there is no such file; correct data.labels.file in params.yaml")
    raw = _read(file)
    columns = {"path": labels.path, "label": labels.label, "split": labels.split, "group": labels.group}
    for key, column in columns.items():
        if column is not None and column not in raw.columns:
            there = ", ".join(map(str, raw.columns))
            raise FolderError(f"{file}: has no column {column!r}, which data.labels.{key} names; it has: {there}")
    table = pd.DataFrame({key: raw[column] if column else None for key, column in columns.items()}, index=raw.index)
    table = table.map(_text)
    table["label"] = table["label"].map(readable)
    words = {key: missing_words(missing, labels=True) for key in ("label", "split", "group")}
    words["label"] = missing_words(missing, labels=not of_numbers)
    if of_numbers:
        words["label"] |= _same_numbers(table["label"], words["label"])
    for key, absent_words in words.items():
        if (absent := table[key].isin(absent_words)).any():
            counts = ", ".join(f"{word!r} ({count})" for word, count in table.loc[absent, key].value_counts().items())
            log.info("%s: column %r: %s counts as missing", file, columns[key], counts)
            table.loc[absent, key] = ""
    table["group"] = _without_points(table["group"])
    table["split"] = table["split"].map(name_of_split)
    unknown = sorted(set(table["split"]) - {"", *SPLITS})
    if unknown:
        raise FolderError(
            f"{file}: column {labels.split!r} says {', '.join(unknown)}: splits are called {', '.join(SPLITS)}; "
            "rename them"
        )
    return table


def _without_points(groups: pd.Series) -> pd.Series:
    """Whole numbers as they are without gaps among them: a column with some is written as 3.0 by many programs."""
    named = groups[groups != ""]
    if named.str.endswith(".0").any() and named.str.fullmatch(r"[+-]?[0-9]+(\.0)?").all():
        return groups.str.removesuffix(".0")
    return groups


def _same_numbers(labels: pd.Series, words: frozenset[str]) -> set[str]:
    """The labels that are the same numbers as some of the words."""
    absent = {parse_in_any_format(word) for word in words} - {None}
    return {label for label in labels.unique() if parse_in_any_format(label) in absent} if absent else set()


def _row_fault(photo: Photo, path: str, labels: Labels) -> str | None:
    if not path:
        return "has no path"
    if not photo.class_name:
        return "has no label"
    return "has no split" if labels.split is not None and photo.split is None else None


def _read(file: Path) -> pd.DataFrame:
    try:
        return read_cells(file, rows_needed=False)
    except TableError as error:
        reason = str(error).removeprefix(f"{file}: ")
        raise FolderError(f"{file}: cannot be read as a table of labels: {reason}") from error


def _text(value: Any) -> str:
    """Numbers as a person writes them: a class 3 that Parquet holds as 3.0 is called 3."""
    if value is None or (isinstance(value, float) and value != value) or value is pd.NA:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
