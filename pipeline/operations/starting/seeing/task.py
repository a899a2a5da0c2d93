"""Whether what is to be predicted is a class or a number, of a table and of photos alike."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pipeline.datasets.cells.numbers import WHOLE
from pipeline.operations.starting.seeing.columns import FEW_CLASSES, FEWEST_EACH, tells_classes
from pipeline.operations.starting.seeing.start_options import StartOptions, ask

CLASSES, NUMBERS = "classification", "regression"
CLASS_NAMES = ("label", "labels", "class", "classes", "class_id", "category", "species", "diagnosis")


def tell_task(target: str, values: pd.Series, options: StartOptions) -> tuple[str, list[str]]:
    """Whether a target is of classes or of numbers, and why where that could be disputed."""
    if options.task is not None:
        return options.task, []
    classes = tells_classes(values)
    if classes is not None:
        return (CLASSES if classes else NUMBERS), []
    return _asked(target, values, NUMBERS, NUMBERS if values.nunique() > FEW_CLASSES else CLASSES)


def tell_task_of_photos(label: str, values: pd.Series, options: StartOptions) -> tuple[str, list[str]]:
    """The same of a column of labels, which is one of numbers more rarely: classes of photos often go by whole numbers,
    a hundred of them too, so whole numbers that come again and again are decided by a person, or by the column's name.
    A few of them are classes as in a table; counts are as few, so that is said.
    """
    if options.task is None and _may_name_classes(values):
        few, is_named = tells_classes(values), label.casefold() in CLASS_NAMES
        if not few or (values.nunique() > 2 and not is_named):
            usual = CLASSES if few or is_named else NUMBERS
            return _asked(label, values, usual, usual)
    task, said = tell_task(label, values, options)
    if task == NUMBERS and options.task is None:
        said = [f"{label!r} is a column of numbers, so a number is predicted (--task {CLASSES} would make it classes)"]
    return task, said


def _asked(target: str, values: pd.Series, proposal: str, usual: str) -> tuple[str, list[str]]:
    """
    Args:
        proposal: what Enter means; usual: what is taken where nobody can be asked.
    """
    distinct = values.nunique()
    choices: Sequence[str] = [CLASSES, NUMBERS]
    answer = ask(f"{target!r} has {distinct} different whole numbers. Are they classes, or numbers?", choices, proposal)
    return answer or usual, [f"{target!r} has {distinct} different whole numbers (--task decides what they are)"]


def _may_name_classes(values: pd.Series) -> bool:
    """Whether all are whole numbers, each FEWEST_EACH times on average."""
    present = values.dropna().map(lambda value: str(value).removesuffix(".0"))
    texts = present.unique()
    return len(texts) <= len(present) / FEWEST_EACH and all(WHOLE.fullmatch(text) for text in texts)
