"""A table or a series, as people have it → the prepared store."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.datasets.cells.numbers import PLAIN_FORMAT
from pipeline.datasets.cells.reading import find_table, read_cells, read_header
from pipeline.datasets.photos.preparing import Built
from pipeline.datasets.sources.tables import TABLE_SOURCES
from pipeline.datasets.store.prepared import task_of, write_table
from pipeline.datasets.tables.accepted_rows import accepted_steps, with_accepted
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.datasets.tables.rows import prepare_rows, unread_columns
from pipeline.datasets.tables.series_rows import moment_of
from pipeline.params.data import Data

KNOWN_TIMES = 60  # of a series, its last ones: enough to know a week, a month and a year by

log = logging.getLogger("kiyas")


def build_table(settings: Data, scratch: Path) -> Built:
    """Read, check and split the table of data.path and the batches accepted since; write scratch/{development,test}/.

    Raises:
        TableError: when nothing can be learned from it as it is.
    """
    file = find_table(Path(settings.path))
    log.info("reading the table %s", file)
    rows = read_rows(file, settings)
    hashes = {split: _write_split(scratch / split, rows, settings, split) for split in rows.splits}
    return Built(describe(rows, settings, hashes), rows.quarantined, summarise(rows))


def read_rows(file: Path, settings: Data) -> Rows:
    """The rows of a table as they will be learned from; tells what was decided in reading it.

    Raises:
        TableError: when nothing can be learned from it as it is.
    """
    rows = rows_so_far(file, settings)
    for fact in rows.notes.facts:
        log.info(fact)
    for doubt in rows.notes.doubts:
        log.warning(doubt)
    return rows


def rows_so_far(file: Path, settings: Data) -> Rows:
    """The rows of a table and of all batches accepted since, as they will be learned from; nothing is told.

    Raises:
        TableError: when nothing can be learned from it as it is.
    """
    names, delimiter = read_header(file)
    unread = unread_columns(names, settings)
    steps = accepted_steps(settings) if settings.kind == "series" else None
    rows = prepare_rows(read_cells(file, lambda name: name not in unread), file, settings, delimiter, unread, steps)
    return rows if settings.kind == "series" else with_accepted(rows, settings)


def describe_rows(rows: Rows) -> str:
    """Such as "3 classes: a 50, b 50, c 50; 4 columns: x, y, z, w"; of numbers, their range."""
    targets, names = rows.targets, [column.name for column in rows.columns]
    columns = f"{len(names)} column{'' if len(names) == 1 else 's'}: {_listed(names)}"
    if not rows.class_names:
        return f"{len(targets)} rows, from {targets.min():.6g} to {targets.max():.6g}; {columns}"
    counts = np.bincount(targets, minlength=len(rows.class_names))
    classes = [f"{name} {count}" for name, count in zip(rows.class_names, counts, strict=True)]
    return f"{len(classes)} classes: {_listed(classes)}; {columns}"


def _listed(names: list[str], most: int = 20) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _write_split(folder: Path, rows: Rows, settings: Data, split: str) -> str:
    chosen = rows.splits[split]
    groups = None if rows.groups is None else rows.groups[chosen]
    table, targets, ids = rows.table.iloc[chosen], rows.targets[chosen], rows.ids[chosen]
    return write_table(folder, settings.kind, table, rows.columns, targets, ids, rows.class_names, groups)


def describe(rows: Rows, settings: Data, hashes: dict[str, str]) -> dict[str, Any]:
    """dataset.json: what was asked for, and what came of it."""
    name = next(iter(settings.fetch), None)
    return {
        "task": task_of(rows.class_names),
        "kind": settings.kind,
        "target": settings.target,
        "class_names": rows.class_names,
        "columns": [column.plain() for column in rows.columns],
        "columns_left_out": rows.columns_left_out,
        "limit": settings.limit,
        "source": {"name": name, "path": settings.path, "package": TABLE_SOURCES[name].carrier if name else None},
        "counts": {split: rows.counts(split) for split in rows.splits},
        "sizes": {split: len(found) for split, found in rows.splits.items()},
        "hashes": hashes,
        "test_split": "last" if settings.kind == "series" else "drawn",
        "duplicates": settings.duplicates,
        **({"series": _series(rows, settings)} if settings.kind == "series" else {}),
        "quarantined": len(rows.quarantined),
        **_notes(rows),
        **({} if rows.class_names else {"floor": describe_floor(rows, settings)}),
    }


def _series(rows: Rows, settings: Data) -> dict[str, Any]:
    """What it takes to read more of the series: its time and target, the marks of its numbers and of its times, and its
    last times, by which the step and the order of day and month of a few later ones are known."""
    assert rows.target is not None
    written = {key: value for key, value in rows.target.plain().items() if key not in ("name", "categories")}
    times: dict[str, Any] = {}
    if rows.time_format is not None and rows.time_format != PLAIN_FORMAT:
        times["time_format"] = asdict(rows.time_format)
    if settings.columns.get(str(settings.time)) == "number":
        times["time_is_number"] = True
    known = [moment_of(str(example)) for example in rows.ids[-KNOWN_TIMES:]]
    return {"time": settings.time, "target": settings.target, **written, **times, "known_times": known}


def _notes(rows: Rows) -> dict[str, Any]:
    """What was decided in reading, where there was anything to decide."""
    notes = {"missing": rows.notes.missing, "doubts": rows.notes.doubts, "understood": rows.notes.facts}
    return {key: value for key, value in notes.items() if value}


def describe_floor(rows: Rows, settings: Data) -> dict[str, Any]:
    """What any model of numbers must beat: the mean of the targets to learn from; of a series, the last value again."""
    targets, test = rows.targets, rows.splits["test"]
    mean = targets[rows.splits["development"]].mean()
    said = np.full(len(test), mean)
    if settings.kind == "series":
        last = rows.table["lag 1"].to_numpy()[test]
        said = np.where(np.isnan(last), mean, last)
    rmse = float(np.sqrt(np.square(targets[test] - said).mean()))
    return {"says": "the last value" if settings.kind == "series" else "the mean", "test_rmse": rmse}


def summarise(rows: Rows) -> list[str]:
    """What was kept, and what was left out for which reason."""
    development, test = len(rows.splits["development"]), len(rows.splits["test"])
    total, kept = len(rows.ids) + len(rows.quarantined), development + test
    classes = f" in {len(rows.class_names)} classes" if rows.class_names else ""
    lines = [f"kept {kept} of {total} rows{classes}: {development} to learn from, {test} sealed as test"]
    if rows.class_names:
        counts = {split: rows.counts(split) for split in rows.splits}
        named = [
            f"{name} {counts['development'][name]} and {counts['test'][name]} in test" for name in rows.class_names
        ]
        lines.append(f"classes: {_listed(named)}")
    if unchosen := len(rows.ids) - kept:
        lines.append(f"left out {unchosen}: more than data.limit asks for")
    reasons = Counter(row.reason for row in rows.quarantined).most_common()
    lines += [f"left out {number}: {reason}" for reason, number in reasons]
    return lines + [f"column {name!r} is not learned from: it {why}" for name, why in rows.columns_left_out.items()]
