"""The column to predict: class names exactly as they are written, or numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import USUAL, missing_words
from pipeline.datasets.cells.numbers import PLAIN, WHOLE, is_code
from pipeline.datasets.cells.text import spelled_alike
from pipeline.datasets.tables.column_types import Notes, name_of
from pipeline.params.data import Data

NO_TARGET = "has no target"


@dataclass(frozen=True)
class Target:
    """
    Attributes:
        values: (N,) text or float64; NaN where a row has none.
        faults: (N,) why a row has none; "" where it has one.
    """

    values: pd.Series
    faults: np.ndarray


def read_class_target(cells: pd.Series, where: str, settings: Data, notes: Notes) -> Target:
    """Every value but an empty one is a class, as it is written: nothing is taken for a number, nor for missing.

    Args:
        cells: (N,) text or float64, as the file has them.
    """
    words = missing_words(settings.missing, labels=True)
    if pd.api.types.is_numeric_dtype(cells):
        names = cells.map(name_of, na_action="ignore").astype(object)
    else:
        names = _without_float_endings(cells)
    absent = names.isin(list(words))
    _note(notes, where, str(settings.target), names[absent])
    if settings.missing is None and (usual := sorted(set(names.dropna()) & set(USUAL))):
        notes.facts.append(
            f"{where}: {', '.join(map(repr, usual))} is a class; data.missing lists the words that stand for none"
        )
    return Target(names.mask(absent), np.where(names.isna() | absent, NO_TARGET, ""))


def read_number_target(cells: pd.Series, numbers: pd.Series, where: str, settings: Data, notes: Notes) -> Target:
    """
    Args:
        cells: (N,) as the file has them; numbers: what they were read as, or text where most are no numbers.

    Raises:
        TableError: for a column that is not one of numbers.
    """
    if not pd.api.types.is_numeric_dtype(numbers):
        known = pd.to_numeric(numbers, errors="coerce")
        stray = numbers[known.isna() & numbers.notna()].iloc[0]
        row = int(np.flatnonzero(numbers == stray)[0]) + 1
        missing = f", and may mean missing (data.missing: [{stray}])" if stray in USUAL else ""
        raise TableError(f"{where}: row {row}: {stray!r} is no number{missing}{_remedy(settings)}")
    lost = numbers.isna() & cells.notna()
    _note(notes, where, str(settings.target), cells[lost])
    said = cells.astype(object).map(lambda value: f"{NO_TARGET}: {value!r} is no number")
    return Target(numbers, np.where(lost, said, np.where(numbers.isna(), NO_TARGET, "")))


def number_classes(target: pd.Series, where: str, settings: Data) -> tuple[np.ndarray, list[str]]:
    """(N,) int64, and the names that they stand for: whole numbers in their order, others by the alphabet.

    Raises:
        TableError: where there are fewer than two, nearly as many as rows, or two that differ in spelling alone.
    """
    names = sorted(map(str, target.unique()))
    if len(names) < 2:
        raise TableError(f"{where}: is {_sole(target)}, so there is nothing to predict; name another column")
    if settings.columns.get(str(settings.target)) != "category" and all(map(PLAIN.fullmatch, names)):
        _check_hardly_numbers(names, len(target), where, settings)
    if alike := spelled_alike(names):
        counts = ", ".join(f"{name!r} ({int((target == name).sum())} rows)" for name in alike[0])
        raise TableError(
            f"{where}: classes {counts} differ in case, blanks or spelling alone, so they are most likely one class; "
            "give them one name"
        )
    if all(WHOLE.fullmatch(name) and not is_code(name) for name in names):
        names = sorted(names, key=int)
    numbers = {name: number for number, name in enumerate(names)}
    return target.map(numbers).to_numpy(np.int64), names


def check_numbers(target: pd.Series, where: str) -> None:
    """
    Raises:
        TableError: where there is nothing to predict.
    """
    if target.nunique() < 2:
        raise TableError(f"{where}: is {_sole(target)}, so there is nothing to predict; name another column")


def _remedy(settings: Data) -> str:
    if settings.time is not None:
        return "; a series is of numbers: name a column of them, or say how they are written (data.numbers)"
    return (
        ", and data.task = 'regression' predicts numbers; name a column of numbers, say how they are written "
        "(data.numbers), or set data.task to classification"
    )


def _sole(target: pd.Series) -> str:
    return f"always {target.iloc[0]!r}" if len(target) else "empty"


def _check_hardly_numbers(names: list[str], rows: int, where: str, settings: Data) -> None:
    whole = all(float(name) == round(float(name)) for name in names)
    if len(names) > rows / 2 or not whole:
        raise TableError(
            f"{where}: has {len(names)} different numbers in {rows} rows, hardly classes; set data.task to regression, "
            f"or say that they are names (data.columns: {{{settings.target}: category}})"
        )


def _without_float_endings(cells: pd.Series) -> pd.Series:
    """`3.0` is `3` where every value ends so: programs write whole numbers like this when some are missing."""
    present = cells.dropna()
    if len(present) and all(text.endswith(".0") and WHOLE.fullmatch(text[:-2]) for text in present.unique()):
        return cells.map(lambda text: text[:-2], na_action="ignore")
    return cells


def _note(notes: Notes, where: str, name: str, lost: pd.Series) -> None:
    """Tell which words count as no target, and how often."""
    if len(lost):
        counts = {str(word): int(count) for word, count in lost.value_counts().items()}
        notes.missing[name] = counts
        listed = ", ".join(f"{word!r} ({count})" for word, count in list(counts.items())[:5])
        notes.doubts.append(f"{where}: {listed} counts as missing, and these rows are left out")
