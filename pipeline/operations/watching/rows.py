"""Rows of a table without targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.champions.inputs import InputError, as_rows
from pipeline.datasets.cells.errors import TableError
from pipeline.datasets.cells.missing import missing_words
from pipeline.datasets.store.columns import Column
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.tables.grouping import name_texts, number_groups
from pipeline.operations.predicting.rows import read_asked
from pipeline.operations.retraining.contenders import ReigningChampion
from pipeline.operations.retraining.estimated_score import Unlabelled
from pipeline.operations.retraining.intake.incoming import INCOMING
from pipeline.operations.retraining.row_drift import RowSample, Shift, column_shift
from pipeline.operations.watching.classes import at_registration, estimates_of, falls_that_labels_would_show
from pipeline.operations.watching.findings import EXTRAPOLATED, NOTHING_MEANT, Findings, refuse_few
from pipeline.operations.watching.input_drift import InputDrift, output_drift
from pipeline.params.data import Data
from pipeline.params.upkeep.retrain import Retrain
from pipeline.scores.choice import usual_score, words_of

NOUN = "row"
REMEDY = f"Put some of them with their targets into {INCOMING}/ and run `python -m pipeline retrain`."
NO_CONFIDENCE = (
    "No score is estimated: a model that predicts numbers says no probability of being right, so nothing of its errors "
    "shows without targets. It was {attained} on {count} test rows when it was registered, which holds only as long as "
    "neither inputs nor what follows from them have changed."
)
NEVER_SEEN = "a category that was never seen"


def watch_rows(
    champion: ReigningChampion, files: Sequence[Path], data: Data, limits: Retrain, confidence: float
) -> Findings:
    """
    Args:
        files: CSV or Parquet files with the columns that the champion learned from; others are not looked at, but that
            which data.group names: of rows that belong together one is asked about drift.
        data, limits: the sections `data` and `retrain` of params.yaml.
        confidence: of intervals.

    Raises:
        TableError: a file is no table, lacks a column, or has a text where a number belongs.
        WatchError: there are too few rows.
        ContenderError: the prepared data have other columns than the champion learned from.
    """
    columns = champion.served.columns or []
    inputs, groups, unseen = _read(files, columns, data)
    refuse_few(len(inputs), NOUN)
    answers = champion.served.probabilities(inputs)
    names = champion.champion.class_names
    single = np.arange(len(inputs)) if groups is None else np.sort(np.unique(groups, return_index=True)[1])
    shifts = _column_drift(_marked(inputs, unseen)[single], champion, columns)
    drift = InputDrift(NOUN, _output_drift(answers[single], champion), shifts, _counts(unseen, columns))
    alarms = drift.alarms(limits.drift_level)
    findings = Findings(
        champion.champion, NOUN, len(inputs), alarms=alarms, numbers={"drift": drift.numbers()}, remedy=REMEDY
    )
    if not names:
        return replace(findings, remarks=[_no_confidence(champion)])
    new, reference = Unlabelled(answers, champion.decision.classes(answers), groups), at_registration(champion)
    estimates, remarks = estimates_of(champion, new, reference, confidence)
    return replace(
        findings,
        estimates=estimates,
        remarks=remarks,
        cannot_know=[NOTHING_MEANT.format(noun=NOUN), *([EXTRAPOLATED] if alarms else [])],
        visible=falls_that_labels_would_show(len(single), reference, limits.drift_level),
    )


def _read(
    files: Sequence[Path], columns: Sequence[Column], data: Data
) -> tuple[NDArray[np.float64], NDArray[np.int64] | None, NDArray[np.bool_]]:
    """Inputs (N, columns), groups (N,) or None, and (N, columns) whether a cell is a category that was never seen."""
    names, inputs, unseen, groups = [column.name for column in columns], [], [], []
    for file in files:
        table = read_asked(file, names, [data.group] if data.group else [])
        try:
            inputs.append(as_rows(table, columns))
        except InputError as error:
            raise TableError(f"{file}: {error}") from None
        unseen.append(np.isnan(inputs[-1]) & np.stack([_is_filled(table[one.name], one) for one in columns], axis=1))
        if data.group in table:
            groups.append(name_texts(table[data.group], data.missing))
    whole = pd.concat(groups, ignore_index=True) if len(groups) == len(inputs) else None
    return np.concatenate(inputs), number_groups(whole, None), np.concatenate(unseen)


def _is_filled(cells: pd.Series, column: Column) -> NDArray[np.bool_]:
    """(N,) whether a cell of a column of categories holds one."""
    if column.categories is None:
        return np.zeros(len(cells), bool)
    return (cells.notna() & ~cells.isin(missing_words(column.missing))).to_numpy()


def _marked(inputs: NDArray[np.float64], unseen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """With -1 for a category that was never seen, so that it is not taken for a missing value."""
    return np.where(unseen, -1.0, inputs)


def _counts(unseen: NDArray[np.bool_], columns: Sequence[Column]) -> dict[str, int]:
    counts = unseen.sum(axis=0).tolist()
    return {column.name: count for column, count in zip(columns, counts, strict=True) if count}


def _column_drift(new: NDArray[np.float64], champion: ReigningChampion, columns: Sequence[Column]) -> dict[str, Shift]:
    """Against all prepared rows, one of each group."""
    splits = [load_prepared(DEVELOPMENT), load_prepared(TEST)]
    known = champion.asked(RowSample.of(splits).one_of_each_group.inputs, splits[1].columns)
    shifts = {}
    for place, column in enumerate(columns):
        wider = column
        ours, theirs = new[:, place], known[:, place]
        if column.categories is not None:
            wider = replace(column, categories=[*column.categories, NEVER_SEEN])
            ours = np.where(ours < 0, len(column.categories), ours)
        shifts[column.name] = column_shift(ours, theirs, wider)
    return shifts


def _output_drift(answers: NDArray[np.float64], champion: ReigningChampion) -> dict[str, Shift]:
    names = champion.champion.class_names
    if names:
        return output_drift(answers, at_registration(champion).one_of_each_group.probabilities, names)
    rows = champion.predictions[champion.predictions["split"] == "test"]
    return output_drift(answers, rows[["predicted"]].to_numpy(np.float64), ["predicted"])


def _no_confidence(champion: ReigningChampion) -> str:
    rows, score = champion.predictions, usual_score(champion.champion.task)
    rows = rows[rows["split"] == "test"]
    value = score.value(rows["label"].to_numpy(np.float64), rows["predicted"].to_numpy(np.float64))
    words = words_of(score.name)
    return NO_CONFIDENCE.format(attained=words.attained.format(value=words.value(value)), count=len(rows))
