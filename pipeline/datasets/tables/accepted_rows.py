"""Rows that were accepted after the first preparation, beside those of the study's own table.

data/accepted/<batch>/rows/train.parquet, test.parquet     of a table: the file says who learns and who tests
data/accepted/<batch>/steps.parquet                        of a series

What is learned from, and how it is read, was decided on the study's own table and stays so; only the lists of
categories grow. So no row that was known changes its side or its meaning when others come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.accepted import ACCEPTED, absent_batch
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.photos.folders import Quarantined
from pipeline.datasets.store.columns import Column
from pipeline.datasets.tables.grouping import number_alike, number_groups
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import REPEATED
from pipeline.params.data import Data

SIDES = {"train": "development", "test": "test"}
STEPS = "steps.parquet"
BOTH_SIDES = "belongs to rows that learn and to rows that test"
EXAMPLE = "example"  # the index of a stored table: what a row was called in the file that brought it


@dataclass(frozen=True)
class Later:
    """Rows of all batches: (N, …) typed cells, ids, and who learns ("development") and who tests."""

    table: pd.DataFrame
    ids: np.ndarray
    split: np.ndarray

    def only(self, chosen: np.ndarray) -> Later:
        return Later(self.table[chosen].reset_index(drop=True), self.ids[chosen], self.split[chosen])


def accepted_steps(settings: Data, accepted: Path = ACCEPTED) -> pd.DataFrame | None:
    """The steps of a series from all batches, oldest first; None where there are none.

    Raises:
        TableError: for a batch that is not here, or is of other columns.
    """
    columns = [str(settings.time), str(settings.target)]
    _refuse_absent(accepted)
    parts = [_read(file, columns, settings) for file in sorted(accepted.glob(f"*/{STEPS}"))]
    return pd.concat(parts, ignore_index=True)[columns] if parts else None


def with_accepted(rows: Rows, settings: Data, accepted: Path = ACCEPTED) -> Rows:
    """The rows of a table with those of all batches behind them, each on the side that it was accepted for.

    Raises:
        TableError: for a batch that is not here, or is of other columns or classes.
    """
    later = _read_later(rows, settings, accepted)
    if later is None:
        return rows
    left_out = _left_out(later, repeated := _repeats(rows, later, settings), REPEATED)
    later = later.only(~repeated)
    groups = _groups(rows, _features(rows, later), later, settings)
    if groups is not None:
        left_out += _left_out(later, divided := _divided(rows, later, groups), BOTH_SIDES)
        later = later.only(~divided)
        groups = groups[np.concatenate([np.ones(len(rows.ids), bool), ~divided])]
    first, features = len(rows.ids), _features(rows, later)
    splits = {
        split: np.concatenate([rows.splits[split], first + np.flatnonzero(later.split == split)])
        for split in rows.splits
    }
    return replace(
        rows,
        table=features,
        columns=_grown(rows.columns, features.iloc[splits["development"]]),
        targets=np.concatenate([rows.targets, _targets(later.table[str(settings.target)], rows, settings)]),
        groups=groups,
        ids=np.concatenate([rows.ids, later.ids]),
        splits=splits,
        names=pd.concat([rows.names, later.table[list(rows.names.columns)]], ignore_index=True),
        quarantined=[*rows.quarantined, *left_out],
    )


def known_by_content(own: np.ndarray, settings: Data) -> bool:
    """Whether a row is known by what is in it: not where rows may be alike, or the study's own ones already are.

    Args:
        own: (N,) a number for each distinct row of those that are known.
    """
    return settings.key is None and settings.duplicates in ("drop", "fail") and len(np.unique(own)) == len(own)


def _features(rows: Rows, later: Later) -> pd.DataFrame:
    return pd.concat([rows.table, later.table[[column.name for column in rows.columns]]], ignore_index=True)


def _left_out(later: Later, chosen: np.ndarray, reason: str) -> list[Quarantined]:
    return [Quarantined(str(example), reason, "", "", "") for example in later.ids[chosen]]


def _repeats(rows: Rows, later: Later, settings: Data) -> np.ndarray:
    """(M,) which later rows the study's own table has by now, since somebody put them there too."""
    if settings.key is not None:
        return np.asarray(later.table[settings.key].isin(set(rows.names[settings.key].dropna())))
    targets = rows.targets if not rows.class_names else np.array(rows.class_names, dtype=object)[rows.targets]
    own = pd.concat([rows.table, rows.names], axis=1).assign(**{str(settings.target): targets})
    numbers = number_alike(pd.concat([own, later.table[list(own.columns)]], ignore_index=True))
    first = len(rows.ids)
    if not known_by_content(numbers[:first], settings):
        return np.zeros(len(later.ids), bool)
    return np.isin(numbers[first:], numbers[:first])


def _divided(rows: Rows, later: Later, groups: np.ndarray) -> np.ndarray:
    """(M,) which later rows belong to own rows of the other side: the own table was split anew since they came."""
    first, divided = len(rows.ids), np.zeros(len(later.ids), bool)
    for split, chosen in rows.splits.items():
        divided |= (later.split != split) & np.isin(groups[first:], groups[:first][chosen])
    return divided


def _read_later(rows: Rows, settings: Data, accepted: Path) -> Later | None:
    _refuse_absent(accepted)
    needed = [*(column.name for column in rows.columns), str(settings.target), *rows.names.columns]
    tables, ids, split = [], list[str](), list[str]()
    for file in sorted(accepted.glob("*/rows/*.parquet")):
        table, batch = _read(file, needed, settings), file.parent.parent.name
        tables.append(table)
        ids += [f"{accepted.name}/{batch}/{file.stem}/{name}" for name in table.index]
        split += [SIDES[file.stem]] * len(table)
    if not ids:
        return None
    return Later(pd.concat(tables, ignore_index=True), np.array(ids), np.array(split))


def _refuse_absent(accepted: Path) -> None:
    if absent := absent_batch(accepted):
        raise TableError(absent)


def _read(file: Path, needed: Sequence[str], settings: Data) -> pd.DataFrame:
    table = pd.read_parquet(file)
    if lacking := [name for name in needed if name not in table]:
        raise TableError(
            f"{file}: lacks the column {lacking[0]!r} of {settings.path}, so it was accepted for another study; move "
            "its batch and its .dvc file out of data/accepted"
        )
    return table


def _grown(columns: Sequence[Column], development: pd.DataFrame) -> list[Column]:
    """With the categories that development has by now."""
    return [
        column
        if column.categories is None
        else replace(
            column,
            categories=sorted({*column.categories, *map(str, development[column.name].dropna().unique())}),
        )
        for column in columns
    ]


def _targets(target: pd.Series, rows: Rows, settings: Data) -> np.ndarray:
    if not rows.class_names:
        return target.to_numpy(np.float64)
    numbers = {name: number for number, name in enumerate(rows.class_names)}
    if unknown := sorted(set(map(str, target)) - set(numbers)):
        raise TableError(
            f"data/accepted: {unknown[0]!r} is no class of {settings.path} any more ({', '.join(rows.class_names)}); "
            "move the batches that have it out of data/accepted, or bring the class back"
        )
    return target.map(numbers).to_numpy(np.int64)


def _groups(rows: Rows, features: pd.DataFrame, later: Later, settings: Data) -> np.ndarray | None:
    """(N,) numbers; the groups of the study's own table stay what they are, and later rows join them by name."""
    if rows.groups is None:
        return None
    own = pd.Series(rows.groups.astype(str), dtype=object)
    named = pd.Series(np.nan, index=range(len(later.ids)), dtype=object)
    if settings.group is not None:
        known = dict(zip(rows.names[settings.group], own, strict=True))
        named = later.table[settings.group].map(lambda name: known.get(name, f"later {name}"), na_action="ignore")
    alike = number_alike(features) if settings.duplicates == "together" else None
    return number_groups(pd.concat([own, named], ignore_index=True), alike)
