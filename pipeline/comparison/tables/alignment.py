"""The candidates' predictions lined up by seed and example, and checked against one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.comparison.statistics.rmse import rmse_of, shares_of
from pipeline.comparison.tables.measurements import ComparisonError, Measured, evaluation_command
from pipeline.params.vocabulary import NAIVE
from pipeline.tasks import ACCURACY, RMSE, Score, score_of


@dataclass(frozen=True)
class Outcomes:
    """Which examples every candidate got right, aligned: C candidates, S seeds, N test and M development examples.

    Of a regression, in place of 0 and 1, each example's share in minus the RMSE, and that in place of accuracy; all as
    parts of `unit` (see rmse.py), so that margins and spreads mean the same.

    Attributes:
        unit: 1, or the RMSE of the floor: always saying the mean of the targets to learn from; of a series, the last
            value again.
        floor_shares: (S, N) what the floor of a regression contributes.
    """

    candidates: list[str]
    seeds: list[int]
    examples: list[str]
    correct: NDArray[np.float64]  # (C, S, N) 0 or 1, on the test split
    train_accuracy: NDArray[np.float64]  # (C, S)
    train_hits: NDArray[np.float64]  # (C, M) in how many seeds the example was trained on and is right
    train_counts: NDArray[np.float64]  # (C, M) in how many seeds the example was trained on
    labels: NDArray[Any]  # (N,)
    majority_label: int  # the most common class of development; -1 for a regression
    score: Score = ACCURACY
    unit: float = 1.0
    floor_shares: NDArray[np.float64] | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which every value of the score lies."""
        return (0.0, 1.0) if self.score is ACCURACY else (-np.inf, 0.0)

    @property
    def floor_correct(self) -> NDArray[np.float64]:
        """(S, N): what always guessing the most common class of development gets right; or floor_shares."""
        if self.floor_shares is not None:
            return self.floor_shares
        right = (self.labels == self.majority_label).astype(np.float64)
        return np.tile(right, (len(self.seeds), 1))


def align(measured: Sequence[Measured]) -> Outcomes:
    """Line the candidates' predictions up by seed and example id.

    Raises:
        ComparisonError: a candidate has other seeds, test examples or labels than the first one, or lacks some.
    """
    for one in measured:
        _refuse_other_seeds(one, measured[0])
    if score_of(measured[0].trial.task) is RMSE:
        return align_numbers(measured)
    ordered = measured[0].seeds
    test = [_test_table(one, ordered) for one in measured]
    for one, table in zip(measured, test, strict=True):
        _refuse_other_examples(one, table, measured[0], test[0])
    development = measured[0].predictions.query("split != 'test'").drop_duplicates("example")
    ids = np.unique(np.concatenate([one.predictions.query("split == 'train'")["example"].unique() for one in measured]))
    hits, counts = zip(*(_train_tables(one, ids) for one in measured), strict=True)
    return Outcomes(
        candidates=[one.name for one in measured],
        seeds=ordered,
        examples=list(test[0].columns),
        correct=np.stack([table.to_numpy(np.float64) for table in test]),
        train_accuracy=np.stack([_train_accuracy(one, ordered) for one in measured]),
        train_hits=np.stack(hits),
        train_counts=np.stack(counts),
        labels=np.asarray(_labels(measured[0]), dtype=np.int64),
        majority_label=int(np.bincount(development["label"]).argmax()),
    )


def align_numbers(measured: Sequence[Measured]) -> Outcomes:
    """`align` for a regression.

    Raises:
        ComparisonError: as `align`; also where a series lacks its naive forecast.
    """
    ordered = measured[0].seeds
    tables = [_test_table(one, ordered, "squared") for one in measured]
    for one, table in zip(measured, tables, strict=True):
        _refuse_other_examples(one, table, measured[0], tables[0])
    labels = np.asarray(_labels(measured[0]), dtype=np.float64)
    squared = np.stack([table.to_numpy(np.float64) for table in tables])  # (C, S, N)
    floor = _floor_errors(measured, squared, labels)
    unit = float(rmse_of(floor).mean()) or 1.0
    ids = np.unique(np.concatenate([one.predictions.query("split == 'train'")["example"].unique() for one in measured]))
    train = [_train_errors(one, ids, ordered) for one in measured]  # (S, M) each, NaN where a seed did not train on it
    train_shares = np.stack([shares_of(errors) for errors in train]) / unit
    return Outcomes(
        candidates=[one.name for one in measured],
        seeds=ordered,
        examples=list(tables[0].columns),
        correct=shares_of(squared) / unit,
        train_accuracy=np.nanmean(train_shares, axis=2),
        train_hits=np.nansum(train_shares, axis=1),
        train_counts=np.isfinite(train_shares).sum(axis=1).astype(np.float64),
        labels=labels,
        majority_label=-1,
        score=RMSE,
        unit=unit,
        floor_shares=shares_of(floor) / unit,
    )


def _floor_errors(measured: Sequence[Measured], squared: NDArray[np.float64], labels: NDArray[np.float64]) -> Any:
    """(S, N) squared errors of the naive forecast where it competes, else of the mean of the targets to learn from."""
    for one, errors in zip(measured, squared, strict=True):
        if one.candidate.family == "classical" and one.candidate.model == NAIVE:
            return errors
    development = measured[0].predictions.query("split != 'test'").drop_duplicates("example")
    return np.tile((labels - development["label"].mean()) ** 2, (squared.shape[1], 1))


def _train_errors(one: Measured, ids: NDArray[Any], seeds: Sequence[int]) -> NDArray[np.float64]:
    """(S, M) squared errors on the development examples `ids`; NaN where that seed did not train on one."""
    _refuse_lacking_train(one, seeds)
    rows = one.predictions.query("split == 'train'")
    errors = rows.assign(squared=(rows["label"] - rows["predicted"]) ** 2)
    table = errors.pivot(index="seed", columns="example", values="squared")
    return table.reindex(index=list(seeds), columns=ids).to_numpy(np.float64)


def _refuse_other_seeds(one: Measured, first: Measured) -> None:
    if one.seeds != first.seeds:
        raise ComparisonError(
            f"results/{one.name}/trial.json: trained with seeds {one.seeds}, but {first.name} with {first.seeds}; "
            f"run `dvc repro`"
        )


def _test_table(one: Measured, seeds: Sequence[int], what: str = "correct") -> pd.DataFrame:
    """Seeds × examples, both sorted: 1 where the prediction is right ("correct"), or its squared error ("squared")."""
    rows = one.predictions.query("split == 'test'")
    where = f"evaluation/{one.name}/predictions.parquet"
    if sorted(rows["seed"].unique()) != list(seeds):
        raise ComparisonError(
            f"{where}: holds seeds {sorted(rows['seed'].unique().tolist())}, results/{one.name}/trial.json "
            f"{list(seeds)}; run {evaluation_command(one.candidate)}"
        )
    if rows.duplicated(["seed", "example"]).any():
        twice = rows.loc[rows.duplicated(["seed", "example"]), "example"].iloc[0]
        raise ComparisonError(
            f"{where}: test example {twice!r} stands twice for a seed; run {evaluation_command(one.candidate)}"
        )
    right = rows["label"] == rows["predicted"] if what == "correct" else (rows["label"] - rows["predicted"]) ** 2
    table = rows.assign(value=right.astype(float)).pivot(index="seed", columns="example", values="value")
    if table.isna().any(axis=None):
        lacking = table.columns[table.isna().any()][0]
        raise ComparisonError(
            f"{where}: test example {lacking!r} is missing for a seed; run {evaluation_command(one.candidate)}"
        )
    return table.sort_index().sort_index(axis=1)


def _refuse_other_examples(one: Measured, table: pd.DataFrame, first: Measured, reference: pd.DataFrame) -> None:
    if list(table.columns) != list(reference.columns):
        odd = sorted(set(table.columns) ^ set(reference.columns))
        raise ComparisonError(
            f"evaluation/{one.name}/predictions.parquet: its {table.shape[1]} test examples are not the "
            f"{reference.shape[1]} of {first.name} ({len(odd)} differ, such as {odd[0]!r}), so the two cannot be "
            f"paired; run {evaluation_command(one.candidate)}"
        )
    if not _labels(one).equals(_labels(first)):
        raise ComparisonError(
            f"evaluation/{one.name}/predictions.parquet: labels differ from those of {first.name}, so one of "
            f"them is of older data; run `dvc repro`"
        )


def _labels(one: Measured) -> pd.Series[int]:
    rows = one.predictions.query("split == 'test'").drop_duplicates("example")
    return rows.set_index("example")["label"].sort_index()


def _train_accuracy(one: Measured, seeds: Sequence[int]) -> NDArray[np.float64]:
    _refuse_lacking_train(one, seeds)
    rows = one.predictions.query("split == 'train'")
    by_seed = (rows["label"] == rows["predicted"]).groupby(rows["seed"]).mean()
    return np.asarray(by_seed.sort_index(), dtype=np.float64)


def _refuse_lacking_train(one: Measured, seeds: Sequence[int]) -> None:
    there = sorted(one.predictions.query("split == 'train'")["seed"].unique().tolist())
    if there != list(seeds):
        raise ComparisonError(
            f"evaluation/{one.name}/predictions.parquet: has train predictions for seeds {there} only, which the gap "
            f"needs for each of {list(seeds)}; run {evaluation_command(one.candidate)}"
        )


def _train_tables(one: Measured, ids: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(hits, counts), each (M,), over the development examples `ids`, which must be sorted."""
    rows = one.predictions.query("split == 'train'")
    place = np.searchsorted(ids, rows["example"].to_numpy(ids.dtype))
    right = (rows["label"] == rows["predicted"]).to_numpy(np.float64)
    hits, counts = np.bincount(place, right, len(ids)), np.bincount(place, minlength=len(ids))
    return hits.astype(np.float64), counts.astype(np.float64)
