"""A table or a series: its target, its task, what orders it, and what is left out, as `prepare` will read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.datasets.cells.reading import read_cells
from pipeline.datasets.tables.preparing import describe_rows, read_rows, summarise
from pipeline.datasets.tables.ready_rows import Rows
from pipeline.operations.planning.sizes import Sizes
from pipeline.operations.starting.seeing.columns import looks_like_group, looks_like_time, name_for_target
from pipeline.operations.starting.seeing.seen_data import SeenData, imbalance
from pipeline.operations.starting.seeing.start_options import NONE, StartError, StartOptions, ask
from pipeline.operations.starting.seeing.task import CLASSES, NUMBERS, tell_task
from pipeline.params.data import Data
from pipeline.params.schema.reading import PARAMS_FILE, did_you_mean, parse

# How many last values a series is predicted from, by its step: one round of what usually comes again.
WINDOWS = {"one month": 12, "one quarter": 8, "one day": 14, "one working day": 10, "one hour": 24, "one year": 11}
USUAL_WINDOW = 12
ROWS_A_LAG = 10  # a window is at most a tenth of the series


def see_table(file: Path, options: StartOptions, data: dict[str, Any]) -> SeenData:
    """The target with its classes or its range, what is left out and why, and whether it is a series.

    Args:
        data: the section of params.yaml; what it says of columns holds.

    Raises:
        TableError, StartError: nothing can be learned from it as it is, or it is open what is to be predicted.
    """
    cells = read_cells(file)
    names = [str(name) for name in cells.columns]
    target, about_target = _target(file, names, options)
    task, said = tell_task(target, cells[target], options)
    others = [name for name in names if name != target]
    time, step, about_time = _time(file, cells, others, task, options)
    data = {**data, "target": target, "task": NUMBERS if time else task, "time": time, "window": None, "group": None}
    if time:
        data["window"] = options.window or min(WINDOWS.get(step, USUAL_WINDOW), max(len(cells) // ROWS_A_LAG, 1))
        said = [
            *about_target,
            *about_time,
            f"each value is predicted from the {data['window']} before it (--window decides otherwise), so the first "
            f"{data['window']} have no row of their own",
        ]
    else:
        data["group"], dropped, about_groups = _groups(file, cells, others, options)
        data["drop"] = sorted({*data["drop"], *dropped})
        said = [*about_target, *said, *about_groups]
    rows = read_rows(file, parse(Data, data, str(PARAMS_FILE), ("data",)))
    lines = [describe_rows(rows), *said, *_left_out(rows)]
    sizes = Sizes(len(rows.splits["development"]), len(rows.splits["test"]), len(rows.class_names) or None)
    return SeenData(_called(file, data), data, lines, sizes, counts=_counts(rows))


def _target(file: Path, names: Sequence[str], options: StartOptions) -> tuple[str, list[str]]:
    """The column to predict, and why where its name alone says so."""
    if options.target is not None:
        if options.target not in names:
            known = did_you_mean(options.target, list(names))
            raise StartError(f"{file}: there is no column {options.target!r} to predict (--target){known}")
        return options.target, []
    proposal = name_for_target(names)
    if answer := ask(f"Which column of {file} is to be predicted?", names, proposal):
        return answer, []
    if proposal is None:
        raise StartError(f"{file}: say with --target which column is to be predicted: {', '.join(names)}")
    return proposal, [f"{proposal!r} is taken for the column to predict, by its name (--target names another)"]


def _time(
    file: Path, cells: pd.DataFrame, names: Sequence[str], task: str, options: StartOptions
) -> tuple[str | None, str, list[str]]:
    """The column that makes it a series, its step in words, and why."""
    if options.time == NONE:
        return None, "", []
    if options.time is not None:
        if options.time not in names:
            known = did_you_mean(options.time, list(names))
            raise StartError(f"{file}: there is no column {options.time!r} to order it (--time){known}")
        return options.time, looks_like_time(options.time, cells[options.time], file) or "", []
    steps = {name: looks_like_time(name, cells[name], file) for name in names} if task == NUMBERS else {}
    found = {name: step for name, step in steps.items() if step}
    if not found:
        return None, "", []
    proposal = next(iter(found))
    why = f"column {proposal!r} orders the rows, each once and mostly {found[proposal]} apart"
    answer = ask(f"{why}. Is it a series? Then name what orders it.", [*found, NONE], proposal) or proposal
    if answer == NONE:
        return None, "", []
    rest = [name for name in names if name != answer]
    unread = f"; {', '.join(rest)} would not be learned from" if rest else ""
    return answer, found[answer], [f"{why}: it is taken for a series (--time {NONE} makes it a plain table{unread})"]


def _groups(
    file: Path, cells: pd.DataFrame, names: Sequence[str], options: StartOptions
) -> tuple[str | None, list[str], list[str]]:
    """The column whose rows stay together, others that say whose a row is and are not learned from, and why."""
    if options.group == NONE:
        return None, [], []
    if options.group is not None and options.group not in names:
        known = did_you_mean(options.group, list(names))
        raise StartError(f"{file}: there is no column {options.group!r} (--group){known}")
    found = [name for name in names if looks_like_group(name, cells[name])]
    group = options.group or _asked_for_group(cells, found)
    if group in (None, NONE):
        return None, [], []
    others = [] if options.group else [name for name in found if name != group]
    said = [
        f"rows of one {group} ({cells[group].nunique()} values for {len(cells)} rows) stay on one side of every split, "
        f"and it is not learned from (--group {NONE} makes a column of it that is)"
    ]
    said += [f"column {name!r} says whose a row is too: it is not learned from (data.drop)" for name in others]
    return group, others, said


def _asked_for_group(cells: pd.DataFrame, found: list[str]) -> str | None:
    if not found:
        return None
    why = f"column {found[0]!r} seems to say whose a row is ({cells[found[0]].nunique()} values for {len(cells)} rows)"
    return ask(f"{why}. Which column's rows stay together in every split?", [*found, NONE], found[0]) or found[0]


def _left_out(rows: Rows) -> list[str]:
    """How many rows of which kind stay, and what is left out for which reason."""
    kept, *reasons = [line for line in summarise(rows) if not line.startswith("classes: ")]
    return [kept, *imbalance(_counts(rows), "rows"), *reasons]


def _counts(rows: Rows) -> dict[str, int]:
    """By class; empty for numbers."""
    return {name: rows.counts("development")[name] + rows.counts("test")[name] for name in rows.class_names}


def _called(file: Path, data: dict[str, Any]) -> str:
    if data["time"]:
        return f"a series, {data['target']} in the order of {data['time']}: {file}"
    return f"a table, {'classes' if data['task'] == CLASSES else 'numbers'} of {data['target']}: {file}"
