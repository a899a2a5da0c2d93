"""What may be wrong with keys of `data` that only some kinds of data have, and with what they say of columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.configuration.whole import Params
from pipeline.datasets.sources.tables import TARGETS
from pipeline.floors import LAST_VALUE
from pipeline.params.data import ALL_COLUMNS, Data


def key_faults(params: Params, path: Path) -> Iterator[str]:
    """Keys of `data` that only some kinds of data have, and settings that only some tasks have."""
    data = params.data
    for source in data.fetch:
        if data.target is None and source in TARGETS:
            known = TARGETS[source]
            yield f"{path}: data.target = None: {source} is a table; name its column to predict, {known}"
        if data.target is not None and source not in TARGETS:
            yield f"{path}: data.target = {data.target!r}: {source} is a source of photos; set data.target to null"
    if data.kind != "images" and data.labels is not None:
        yield f"{path}: data.labels: is for photos that a table names; remove it, or set data.target to null"
    if data.kind != "table" and data.duplicates == "together":
        yield f"{path}: data.duplicates = 'together': is for rows of a table; use drop, fail or keep"
    if data.target is None:
        if data.group is not None:
            yield f"{path}: data.group = {data.group!r}: is for tables; of photos it is group in data.labels"
        for key, value in {"time": data.time, "window": data.window, "drop": data.drop}.items():
            if value:
                yield f"{path}: data.{key} = {value!r}: is for tables; name the column to predict in data.target"
        if not data.has_classes and data.labels is None:
            yield (
                f"{path}: data.task = 'regression': class folders say classes, not numbers; name the table with each "
                "photo's number in data.labels, or set data.task to classification"
            )
    elif data.time is None:
        if data.window is not None:
            yield f"{path}: data.window = {data.window}: is for series; name the column that orders it in data.time"
    else:
        if data.window is None:
            yield f"{path}: data.window = None: a series is predicted from its last values; say how many, such as 12"
        if data.has_classes:
            yield f"{path}: data.task = {data.task!r}: a series is of numbers; set it to regression"
        if data.time == data.target:
            yield f"{path}: data.time = {data.time!r}: is the target too; name the column that orders the rows"
        if LAST_VALUE.model not in params.baseline.models:
            yield f"{path}: baseline.models: lacks {LAST_VALUE.model!r}, the floor of every series; add it"
    if data.kind == "series" and data.group is not None:
        yield f"{path}: data.group = {data.group!r}: is for tables; a series is split in time, so set it to null"
    if data.group is not None and data.group == data.target:
        yield f"{path}: data.group = {data.group!r}: is the target too; name the column that says whose a row is"
    if data.key is not None:
        yield from _faults_of_the_rows_key(data, path)
    for name in data.drop:
        if name in (data.target, data.time):
            yield f"{path}: data.drop: {name!r} is the target or the time; leave it out of drop"


def _faults_of_the_rows_key(data: Data, path: Path) -> Iterator[str]:
    where = f"{path}: data.key = {data.key!r}"
    if data.kind != "table":
        known = "a step of a series is known by its time" if data.kind == "series" else "a photo is known by its pixels"
        yield f"{where}: is for tables; {known}, so set it to null"
    elif data.key in (data.target, data.group):
        role = "target" if data.key == data.target else "group"
        yield f"{where}: is the {role} too; name the column that tells every row from all others"
    elif data.columns.get(str(data.key), "drop") != "drop":
        yield f"{where}: nothing is learned from it, and data.columns names it; leave it out of one of them"


def column_faults(data: Data, path: Path) -> Iterator[str]:
    """Keys that speak of columns: which kinds of data have them, and names that contradict each other."""
    if data.target is None:
        for key, value in {"columns": data.columns, "numbers": data.numbers}.items():
            if value and (key == "columns" or data.has_classes):
                yield f"{path}: data.{key} = {value!r}: is for tables; name the column to predict in data.target"
        if not data.has_classes and data.labels is not None:
            for name in data.numbers:
                if name not in (ALL_COLUMNS, data.labels.label):
                    yield (
                        f"{path}: data.numbers.{name}: of photos only the numbers to predict are read, which stand in "
                        f"the column {data.labels.label!r}; name that one, or none"
                    )
        if data.missing is not None and data.labels is None:
            yield f"{path}: data.missing = {data.missing!r}: is for tables, of rows or of labels; set it to null"
    target_kind = "category" if data.has_classes else "number"
    for name, kind in data.columns.items():
        where = f"{path}: data.columns.{name} = {kind!r}"
        if name in data.drop:
            yield f"{where}: it is dropped by data.drop too; leave it out of one of them"
        if name == data.group and kind != "drop":
            yield f"{where}: it is data.group, which nothing is learned from; leave it out of one of them"
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
