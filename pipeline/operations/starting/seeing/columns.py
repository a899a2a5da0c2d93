"""What a column seems to be, by its name and its values: a target, a time, a group, a path, a split."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from pipeline.datasets.cells.dates import find_patterns
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.numbers import FORMATS, WHOLE, parse_figure, take_apart
from pipeline.datasets.photos.folders import SPLITS, name_of_split
from pipeline.datasets.photos.labels.places import Places
from pipeline.datasets.tables.times import find_gaps, read_times

TARGET_NAMES = ("target", "label", "labels", "class", "classes", "category", "y", "outcome", "diagnosis")
WHOSE = re.compile(  # not age_group or blood_group, which are features, nor n_sessions or persons, which are counts
    r"((^|[_\W])(patient|person|subject|participant|user|customer|client|household|family|donor|animal|specimen|"
    r"individual|burst|session|video|scene|site|hospital|camera|device)|^group)([_\W]?(id|no|nr|number|name|key))?$",
    re.IGNORECASE,
)
COUNTED = re.compile(r"^(n|num|no|nr|number|count|total|is|has)(_of)?[_\W]", re.IGNORECASE)
WHEN = re.compile(r"(^|[_\W])(time|timestamp|date|datetime|day|week|month|quarter|year|hour|period)([_\W]|$)", re.I)
ASKED_FOR_PATHS = 50  # distinct values that are looked for on disk
MOSTLY = 0.9
FEW_CLASSES, MANY_CLASSES = 10, 30  # whole numbers: up to so many are classes, from then on numbers
FEWEST_EACH = 5  # examples, for a whole number to be a class
FEWEST_GROUPS = 5
FEWEST_TIMES = 10
MOST_GAPS = 0.5  # of the steps between times


def name_for_target(names: Iterable[str]) -> str | None:
    """The only column whose name says that it is what to predict."""
    found = [name for name in names if name.casefold() in TARGET_NAMES]
    return found[0] if len(found) == 1 else None


def tells_classes(values: pd.Series) -> bool | None:
    """Whether a target is of classes rather than of numbers; None where either could be.

    Words are classes, numbers with decimals are numbers. Whole numbers are classes where few of them come again and
    again, and numbers where there are many.
    """
    present = values.dropna()
    texts = present.map(_whole_name).unique()
    read = [WHOLE.fullmatch(text) is not None for text in texts]
    if not all(read):
        numeric = sum(map(_may_be_number, texts))
        return numeric < MOSTLY * len(texts)
    if len(texts) > MANY_CLASSES or len(texts) > len(present) / 2:
        return False
    return True if len(texts) <= FEW_CLASSES and present.value_counts().min() >= FEWEST_EACH else None


def _may_be_number(text: str) -> bool:
    """Whether some format reads it: 1.614 too, of which it is open how large it is."""
    figure = take_apart(text)
    return figure is not None and any(parse_figure(figure, format) is not None for format in FORMATS)


def _whole_name(value: object) -> str:
    return str(value).removesuffix(".0")


def looks_like_group(name: str, values: pd.Series) -> bool:
    """Whether a column says whose an example is: by its name, and because its values come again."""
    distinct = values.nunique()
    return bool(WHOSE.search(name) and not COUNTED.search(name)) and FEWEST_GROUPS <= distinct < MOSTLY * len(values)


def looks_like_time(name: str, values: pd.Series, file: Path) -> str | None:
    """The step between the values of a column that orders a series, in words; None where it is none.

    Each value stands once, they can be read as dates (or are numbers under a name such as `year`), and most of them
    follow one another by one step.
    """
    texts = values.map(_whole_name)
    if values.isna().any() or texts.duplicated().any() or len(texts) < FEWEST_TIMES:
        return None
    numbers = all(WHOLE.fullmatch(text) for text in texts)
    if not (WHEN.search(name) if numbers else find_patterns(texts.tolist())):
        return None
    try:
        times = read_times(values, f"{file}: {name}")
    except TableError:
        return None
    keys = pd.Series(times.keys)
    gaps, step = find_gaps(times.sorted_by(keys.argsort(kind="stable").to_numpy()))
    return step if step and gaps.mean() < MOST_GAPS else None


def looks_like_splits(values: pd.Series) -> bool:
    found = {name_of_split(str(value)) for value in values.dropna().unique()}
    return "train" in found and len(found) > 1 and found <= set(SPLITS)


def share_of_photos(values: pd.Series, places: Places) -> float:
    """How many of a column's values, of the first distinct ones, lead to a file."""
    texts = [str(value) for value in values.dropna().unique()[:ASKED_FOR_PATHS]]
    return sum(map(places.leads_to_photo, texts)) / len(texts) if texts else 0.0


def few_values(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns that could be classes: at least two values, and each five times on average."""
    return [name for name in names if 2 <= table[name].nunique() <= len(table) / FEWEST_EACH]
