"""The table that labels photos: which file it is, and which of its columns says what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.photos.archives import only_folder
from pipeline.datasets.photos.labels.places import Places
from pipeline.operations.starting.seeing.columns import (
    WHOSE,
    few_values,
    looks_like_group,
    looks_like_splits,
    name_for_target,
    share_of_photos,
    tells_classes,
)
from pipeline.operations.starting.seeing.start_options import NONE, StartError, StartOptions, ask
from pipeline.operations.starting.seeing.task import CLASSES, NUMBERS, tell_task_of_photos
from pipeline.params.data import Labels, tables_in
from pipeline.params.schema.reading import did_you_mean

MOSTLY = 0.9  # of the values of a column lead to files, for its table to be taken for one of labels
TABLES_OPENED = 20  # in a folder, to see whether one labels its photos


@dataclass(frozen=True)
class SeenLabels:
    """
    Attributes:
        labels: the table, and which of its columns says what.
        task: whether the labels are classes or numbers, as `data.task` has it.
        lines: what is to be said of it, a sentence each.
    """

    labels: Labels
    task: str
    lines: list[str]


def find_labels(folder: Path, options: StartOptions) -> SeenLabels | None:
    """The table that labels the photos in a folder; None where class folders do.

    Args:
        folder: of the photos, unpacked where they came in an archive.

    Raises:
        StartError: --labels names no table, or none of its columns leads to photos or says what to predict.
    """
    if options.labels == NONE:
        return None
    if options.labels is not None:
        file = _named_table(folder, options.labels)
        return read_columns(folder, file, read_cells(file), options)
    for file in islice(_tables(folder), TABLES_OPENED):
        try:
            cells = read_cells(file)
        except TableError:
            continue  # a list of files, a licence: not every text file is a table
        places = Places(folder, file.parent)
        if any(share_of_photos(cells[name], places) >= MOSTLY for name in cells.columns):
            return read_columns(folder, file, cells, options)
    return None


def read_columns(folder: Path, file: Path, cells: pd.DataFrame, options: StartOptions) -> SeenLabels:
    """Which column of a table of labels is what.

    Raises:
        StartError: no column leads to photos, or it is open which one is to be predicted.
    """
    path = _column_of_paths(folder, file, cells)
    others = [str(name) for name in cells.columns if name != path]
    split = next((name for name in others if looks_like_splits(cells[name])), None)
    label = _column_of_labels(file, cells, [name for name in others if name != split], options)
    rest = [name for name in others if name not in (split, label)]
    task, about_task = tell_task_of_photos(label, cells[label], options)
    group, about_groups = _column_of_groups(file, cells, rest, options)
    inside = file.relative_to(folder).as_posix()
    declined = "" if options.labels else f" (--labels {NONE}: the folders do)"
    held = "classes" if task == CLASSES else "numbers"
    told = f"{inside} labels the photos{declined}: paths in {path!r}, {held} in {label!r}{_told_split(split)}"
    labels = Labels(file=inside, path=path, label=label, split=split, group=group)
    return SeenLabels(labels, task, [told, *about_task, *about_groups])


def _named_table(folder: Path, name: str) -> Path:
    for file in (folder / name, only_folder(folder) / name, Path(name)):
        if file.is_file():
            if not file.resolve().is_relative_to(folder.resolve()):
                raise StartError(f"{file}: the table of labels has to lie in the folder of the photos; copy it there")
            return folder / file.resolve().relative_to(folder.resolve())
    raise StartError(f"{name}: there is no such table of labels (--labels), neither here nor in {folder}")


def _tables(folder: Path) -> Iterator[Path]:
    for place in dict.fromkeys([folder, only_folder(folder)]):
        yield from tables_in(place)


def _column_of_paths(folder: Path, file: Path, cells: pd.DataFrame) -> str:
    places = Places(folder, file.parent)
    shares = {str(name): share_of_photos(cells[name], places) for name in cells.columns}
    best = max(shares, key=lambda name: shares[name])
    if not shares[best]:
        raise StartError(
            f"{file}: no column leads to photos; write paths as they are seen from the table, such as Apple/1.jpg"
        )
    return best


def _column_of_labels(file: Path, cells: pd.DataFrame, names: list[str], options: StartOptions) -> str:
    if options.target is not None:
        if options.target not in cells.columns:
            known = did_you_mean(options.target, [str(name) for name in cells.columns])
            raise StartError(f"{file}: there is no column {options.target!r} (--target){known}")
        return options.target
    likely = [name for name in names if not WHOSE.search(name)]  # whose a photo is seldom is what to predict
    numbers = [name for name in likely if tells_classes(cells[name]) is False]
    classes, owners = ([] if options.task == NUMBERS else few_values(cells, some) for some in (likely, names))
    if named := name_for_target(names):
        return named
    possible = classes or numbers or owners
    if len(possible) == 1:
        return possible[0]
    asked = list(dict.fromkeys([*classes, *numbers])) or names
    what = "the class of a photo, or its number"
    answer = ask(f"Which column of {file} says {what}?", asked)
    if answer is None:
        raise StartError(f"{file}: say with --target which column says {what}: {', '.join(asked)}")
    return answer


def _column_of_groups(
    file: Path, cells: pd.DataFrame, names: list[str], options: StartOptions
) -> tuple[str | None, list[str]]:
    """The column of what must stay on one side of every split, and why."""
    if options.group == NONE:
        return None, []
    if options.group is not None:
        if options.group not in names:
            known = did_you_mean(options.group, names)
            raise StartError(f"{file}: there is no column {options.group!r} (--group){known}")
        return options.group, []
    found = [name for name in names if looks_like_group(name, cells[name])]
    if not found:
        return None, []
    count = cells[found[0]].nunique()
    why = f"column {found[0]!r} seems to say whose a photo is ({count} values for {len(cells)} photos)"
    answer = ask(f"{why}. Which column's photos stay together in every split?", [*found, NONE], found[0]) or found[0]
    if answer == NONE:
        return None, []
    return answer, [f"{why}: photos of one {answer} stay on one side of every split (--group {NONE} divides them)"]


def _told_split(split: str | None) -> str:
    return f", and their split in {split!r}" if split else ""
