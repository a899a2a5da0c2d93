"""What may be wrong with the user's own data before it is opened: where it lies, and what is said of its columns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.params.data import ALL_COLUMNS, FETCHED, Data

# What stages, or DVC for them, empty and fill: whatever else lies there would be deleted without a copy.
STAGES_FOLDERS = (
    FETCHED,
    "data/prepared",
    "data/weights",
    "data/accepted",
    "data/incoming",
    "results",
    "evaluation",
    "comparison",
    "champions",
    "workspaces",
    "mlartifacts",
    ".kiyas",
    ".dvc",
    ".git",
)


def place_faults(data: Data, path: Path) -> Iterator[str]:
    """Own data in a folder that stages own, or around one. Links are followed."""
    here = os.path.realpath(data.path)
    for folder in STAGES_FOLDERS:
        owned = os.path.realpath(folder)
        if os.path.commonpath([here, owned]) in (here, owned):
            how = "lies in" if here.startswith(owned) else "holds"
            yield (
                f"{path}: data.path = {data.path!r}: {how} {folder}, which the pipeline empties and fills: own data "
                "there would be deleted; move it to a folder of its own, such as data/own, and name that"
            )
            return


def column_faults(data: Data, path: Path) -> Iterator[str]:
    """Keys that speak of columns: which kinds of data have them, and names that contradict each other."""
    if data.target is None:
        for key, value in {"columns": data.columns, "numbers": data.numbers}.items():
            if value:
                yield f"{path}: data.{key} = {value!r}: is for tables; name the column to predict in data.target"
        if data.missing is not None and data.labels is None:
            yield f"{path}: data.missing = {data.missing!r}: is for tables, of rows or of labels; set it to null"
    target_kind = "category" if data.task == "classification" else "number"
    for name, kind in data.columns.items():
        where = f"{path}: data.columns.{name} = {kind!r}"
        if name in data.drop:
            yield f"{where}: it is dropped by data.drop too; leave it out of one of them"
        if kind == "drop" and name in (data.target, data.time):
            yield f"{where}: it is the target or the time; leave it out"
        elif name == data.target and kind != target_kind:
            yield (
                f"{where}: it is the target, and data.task = {data.task!r} makes it a {target_kind}; leave it out, or "
                "change data.task"
            )
        elif name == data.time and kind == "category":
            yield f"{where}: it is the time, which has an order; use number or time"
    for name in data.numbers:
        if name != ALL_COLUMNS and data.columns.get(name, "number") != "number":
            yield (
                f"{path}: data.numbers.{name}: data.columns says that it is a {data.columns[name]}; leave it out of "
                "one of them"
            )
