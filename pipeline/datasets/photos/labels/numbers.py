"""Labels that are numbers to predict: how their column writes them, and what there must be of them to learn from."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.cells.number_formats import Doubt, Written, find_formats
from pipeline.datasets.cells.numbers import FORMATS, NumberFormat, same_units
from pipeline.datasets.photos.folders import FolderError, Photo, Quarantined
from pipeline.params.data import ALL_COLUMNS, Data

MOSTLY = 0.9  # of the labels must be numbers, as of a column of a table; the others' photos are left out
LARGEST = 1e15  # a float64 holds whole numbers up to there; squares of larger ones leave what networks compute in
FEWEST = 20  # photos to learn from, as of the rows of a table

Formats = Mapping[str, NumberFormat]  # how a column writes its numbers, where the user has said so

log = logging.getLogger("kiyas")


def formats_of(settings: Data) -> dict[str, NumberFormat] | None:
    """Those that data.numbers names; None where labels are classes."""
    if settings.has_classes:
        return None
    return {name: NumberFormat(known.decimal, known.thousands) for name, known in settings.numbers.items()}


def read_numbers(
    labels: pd.Series,
    file: Path,
    column: str,
    formats: Formats,
    delimiter: str | None,
    usual: NumberFormat | None = None,
) -> dict[str, str]:
    """{label: the same number as `number_text` writes it} of those that are numbers, from -1e15 to 1e15.

    Args:
        labels: (N,) text, "" where one is missing.
        column: its name.
        delimiter: of a CSV; None for Parquet.
        usual: how the study's own table writes them, where this is another one.

    Raises:
        FolderError: most of them are no numbers, or have several units.
    """
    where, present = f"{file}: data.labels.label = {column!r}", labels[labels != ""]
    given = {column: formats.get(column, formats.get(ALL_COLUMNS))}
    known = {name: format for name, format in given.items() if format is not None}
    written = _written(present.unique(), column, delimiter, known, usual)
    read = written.numbers()
    numbers = {text: number for text, number in read.items() if abs(number) <= LARGEST}
    if beyond := sorted(set(read) - set(numbers)):
        log.warning("%s: %d numbers beyond %g count as none, such as %r", where, len(beyond), LARGEST, beyond[0])
    is_number = present.isin(list(numbers))
    if is_number.mean() < MOSTLY:
        stray, row = present[~is_number].iloc[0], int(present.index[~is_number][0]) + 1
        raise FolderError(
            f"{where}: row {row}: {stray!r} is no number, and data.task = 'regression' predicts numbers; name a column "
            "of numbers, say how they are written (data.numbers), or set data.task to classification"
        )
    if len(units := same_units(written.units - {""})) > 1:
        raise FolderError(f"{where}: its numbers have several units ({', '.join(sorted(units))}); convert them to one")
    if written.units == {"", "%"}:
        alone, shared = (_first_with(unit, written, read) for unit in ("", "%"))
        log.warning(
            "%s: some numbers have a %% and others none: %r is read as %s, and %r as %s; write all of them in one way",
            *(where, shared, number_text(read[shared]), alone, number_text(read[alone])),
        )
    if written.doubt:
        log.warning("%s: %s", where, _of_doubt(written.doubt, column))
    return {text: number_text(number) for text, number in numbers.items()}


def format_of(labels: pd.Series, column: str, formats: Formats, delimiter: str | None) -> NumberFormat:
    """How a table writes the numbers of a column; arguments as of `read_numbers`."""
    given = formats.get(column, formats.get(ALL_COLUMNS))
    known = {} if given is None else {column: given}
    return find_formats({column: labels[labels != ""].unique()}, delimiter, known)[column].format


def _written(
    texts: np.ndarray, column: str, delimiter: str | None, known: Formats, usual: NumberFormat | None
) -> Written:
    """Where a few texts fit several formats ("1.614"), the study's own is taken, or one with its decimal separator."""
    inferred = find_formats({column: texts}, delimiter, known)[column]
    if known or usual is None:
        return inferred
    for format in (usual, *(other for other in FORMATS if other.decimal == usual.decimal)):
        written = find_formats({column: texts}, delimiter, {column: format})[column]
        if len(written.numbers()) >= len(inferred.numbers()):
            return written
    return inferred


def _first_with(unit: str, written: Written, read: Iterable[str]) -> str:
    return next(text for text in read if written.figures[text].unit == unit)


def _of_doubt(doubt: Doubt, column: str) -> str:
    other = doubt.other_format
    return (
        f"{doubt.text!r} is read as {doubt.taken:.10g}; it could also be {doubt.other:.10g}: data.numbers: "
        f"{{{column}: {{decimal: {other.decimal!r}, thousands: {other.thousands!r}}}}} would read that"
    )


def number_text(number: float) -> str:
    """One text for each number, from which `float` reads it to the last bit: 3.0 is 3."""
    return repr(float(number)).removesuffix(".0")


def numbers_of(photos: Iterable[Photo]) -> np.ndarray:
    """(N,) float64."""
    return np.array([float(photo.class_name) for photo in photos], np.float64)


def check_labels(name: Path, photos: Sequence[Photo], left_out: Sequence[Quarantined] = ()) -> None:
    """
    Args:
        name: of the table.
        left_out: goes with the refusal.

    Raises:
        FolderError: no photo outside the test split has a number, or all have the same.
    """
    learnt = {photo.class_name for photo in photos if photo.split != "test"}
    if len(learnt) < 2:
        found = f"every photo to learn from has the number {min(learnt)}" if learnt else "no row with a photo"
        raise FolderError(
            f"{name}: {found}; there is nothing to predict: name a column of several numbers in data.labels.label",
            left_out,
        )


def check_sides(name: Path, development: np.ndarray, test: np.ndarray) -> None:
    """
    Args:
        development: (N,) the numbers of the usable photos to learn from; test: (M,) likewise.

    Raises:
        FolderError: what is left is too little to learn from, or to test on.
    """
    if len(development) < FEWEST:
        raise FolderError(
            f"{name}: {len(development)} usable photos with a number are too few to learn from; give at least {FEWEST} "
            "outside the test split"
        )
    if len(np.unique(development)) < 2:
        raise FolderError(
            f"{name}: every usable photo to learn from has the number {development[0]:.6g}; there is nothing to "
            "predict: add photos with other numbers"
        )
    if not len(test):
        raise FolderError(f"{name}: the test split has no usable photo; add some, or set data.labels.split to null")


def describe_numbers(numbers: np.ndarray) -> str:
    """Such as "90 photos, numbers from 3 to 88.5, half of them 41 or more"."""
    least, middle, most = np.quantile(numbers, [0, 0.5, 1])
    return f"{len(numbers)} photos, numbers from {least:.6g} to {most:.6g}, half of them {middle:.6g} or more"
