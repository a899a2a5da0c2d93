"""The candidates' predictions lined up by seed and example, and checked against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.comparison.statistics.outcomes import Design, LeftOut, Outcomes, outcomes_of
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.measurements import KEYS, ComparisonError, Measured, evaluation_command
from pipeline.floors import LAST_VALUE
from pipeline.scores.decisions import choose_decision, cross_fitted_classes
from pipeline.scores.score import Answers, Score
from pipeline.scores.score_for_task import usual_score
from pipeline.trials import probability_columns


def align(
    measured: Sequence[Measured],
    groups: Mapping[str, int] | None = None,
    order: Mapping[str, int] | None = None,
    score: Score | None = None,
) -> Outcomes:
    """Line the candidates' predictions up by seed and example id.

    Args:
        measured: the candidates.
        groups: of every example, test and development, by its id; None where each is on its own.
        order: of every example of a series, test and development, its place in time, by its id.
        score: what they are ranked by; None: the task's usual score. What it asks of probabilities was read.

    Raises:
        ComparisonError: a candidate has other seeds, test examples or labels than the first one, or lacks some.
    """
    seeds = measured[0].seeds
    for one in measured:
        refuse_other_seeds(one, measured[0])
    tables = [_test_table(one, seeds) for one in measured]
    for one, table in zip(measured, tables, strict=True):
        _refuse_other_examples(one, table, measured[0], tables[0])
        _refuse_lacking_train(one, seeds)
    score = score or usual_score(measured[0].trial.task)
    examples = list(tables[0].columns)
    labels, test_labels = _development_labels(measured), _labels(measured[0])
    development = list(labels.index)
    train, validation = (
        _answers(measured, split, seeds, labels, score.asks_probabilities) for split in ("train", "val")
    )
    test = _answers(measured, "test", seeds, test_labels, score.asks_probabilities)
    train_by, test_by = decided(score, validation, (train, test))
    design = Design(
        _places(groups, examples),
        _places(groups, development),
        _places(order, examples),
        _places(order, development),
    )
    without = left_out_answers(measured, seeds, test_labels, score.asks_probabilities)
    return outcomes_of(
        candidates=[one.name for one in measured],
        seeds=seeds,
        examples=examples,
        test=test_by,
        train=train_by,
        validation=_cross_fitted(score, validation, design.development_groups),
        score=score,
        design=design,
        floor=naive_place(measured),
        usual=test,
        left_out=decided_left_out(score, validation, without),
        derived=[isinstance(one, Ensemble) for one in measured],
        seeds_of=_places_of_seeds(measured),
    )


def _places_of_seeds(measured: Sequence[Measured]) -> list[int]:
    """Of each candidate its own place; of an ensemble of seeds that of the candidate whose seeds it holds."""
    places = {one.name: place for place, one in enumerate(measured)}
    holders = [one.leading if isinstance(one, Ensemble) and one.is_of_seeds else one.name for one in measured]
    return [places.get(holder, place) for place, holder in enumerate(holders)]


@dataclass(frozen=True)
class AnswersOnTest:
    """The answers on the N test examples and on the M development examples that a seed validated on.

    Attributes:
        examples: N ids.
    """

    examples: list[str]
    test: Answers
    validation: Answers
    design: Design
    left_out: LeftOut | None = None


def answers_on_test(
    measured: Sequence[Measured], groups: Mapping[str, int] | None, order: Mapping[str, int] | None, probable: bool
) -> AnswersOnTest:
    """What scores are computed from on the test examples, of candidates that `align` has lined up.

    Args:
        groups, order: as for `align`.
        probable: whether with probabilities.
    """
    seeds, labels = measured[0].seeds, _labels(measured[0])
    development = _development_labels(measured)
    examples = [str(example) for example in labels.index]
    return AnswersOnTest(
        examples,
        _answers(measured, "test", seeds, labels, probable),
        _answers(measured, "val", seeds, development, probable),
        Design(_places(groups, examples), _places(groups, list(development.index)), _places(order, examples)),
        left_out_answers(measured, seeds, labels, probable),
    )


def left_out_answers(
    measured: Sequence[Measured], seeds: Sequence[int], labels: pd.Series[Any], probable: bool
) -> LeftOut | None:
    """What ensembles of seeds answer without each seed; None where none compete.

    Args:
        labels: of the test examples, by id.
        probable: whether with probabilities.
    """
    places = [place for place, one in enumerate(measured) if isinstance(one, Ensemble) and one.left_out is not None]
    if not places:
        return None
    tables = [one.left_out for one in measured if isinstance(one, Ensemble) and one.left_out is not None]
    predicted = np.full((len(tables), len(seeds), len(labels)), np.nan)
    names = probability_columns(tables[0])
    probabilities = np.zeros((*predicted.shape, len(names)), np.float32) if probable and names else None
    for place, table in enumerate(tables):
        at = place, np.searchsorted(seeds, table["seed"]), labels.index.get_indexer(pd.Index(table["example"]))
        predicted[at] = table["predicted"]
        if probabilities is not None:
            probabilities[at] = table[names]
    return LeftOut(places, Answers(labels.to_numpy(), predicted, probabilities))


def decided_left_out(score: Score, validation: Answers, left_out: LeftOut | None) -> LeftOut | None:
    """By the rule that the whole ensemble chose: which seeds there are changes what it asks, not how it decides.

    Args:
        validation: (C, S, M) of all candidates.
    """
    if left_out is None:
        return None
    probabilities = None if validation.probabilities is None else validation.probabilities[left_out.places]
    of_ensembles = replace(validation, predicted=validation.predicted[left_out.places], probabilities=probabilities)
    (answers,) = decided(score, of_ensembles, [left_out.answers])
    return replace(left_out, answers=answers)


def decided(score: Score, validation: Answers, splits: Sequence[Answers]) -> list[Answers]:
    """The answers of each split by the rule that each candidate and seed chose on its validation examples."""
    if not score.by_threshold:
        return list(splits)
    predicted = [split.predicted.copy() for split in splits]
    for place in np.ndindex(*validation.predicted.shape[:2]):
        rows = np.isfinite(validation.predicted[place])
        assert validation.probabilities is not None
        labels = validation.labels[rows].astype(np.int64)
        rule = choose_decision(score, labels, validation.probabilities[place][rows])
        for split, classes in zip(splits, predicted, strict=True):
            assert split.probabilities is not None
            said = rule.classes(split.probabilities[place]).astype(np.float64)
            classes[place] = np.where(np.isfinite(classes[place]), said, np.nan)
    return [replace(split, predicted=classes) for split, classes in zip(splits, predicted, strict=True)]


def _cross_fitted(score: Score, validation: Answers, groups: NDArray[np.int64] | None) -> Answers:
    """The answers on validation examples, each by a rule that other validation examples of its seed chose."""
    if not score.by_threshold:
        return validation
    assert validation.probabilities is not None
    classes = validation.predicted.copy()
    for place in np.ndindex(*classes.shape[:2]):
        rows = np.isfinite(classes[place])
        labels, of_rows = validation.labels[rows].astype(np.int64), None if groups is None else groups[rows]
        classes[place][rows] = cross_fitted_classes(score, labels, validation.probabilities[place][rows], of_rows)
    return replace(validation, predicted=classes)


def _development_labels(measured: Sequence[Measured]) -> pd.Series[Any]:
    """By example id, sorted: of every example that any candidate trained or validated on."""
    rows = [one.predictions.loc[one.predictions["split"] != "test", ["example", "label"]] for one in measured]
    together = pd.concat([part.drop_duplicates("example") for part in rows]).drop_duplicates("example")
    return together.set_index("example")["label"].sort_index()


def _answers(
    measured: Sequence[Measured], split: str, seeds: Sequence[int], labels: pd.Series[Any], probable: bool
) -> Answers:
    """What each seed answered on the examples that it had in `split`, with probabilities if these are wanted."""
    predicted = np.full((len(measured), len(seeds), len(labels)), np.nan)
    for place, one in enumerate(measured):
        rows = one.predictions[one.predictions["split"] == split]
        columns = labels.index.get_indexer(pd.Index(rows["example"]))
        predicted[place, np.searchsorted(seeds, rows["seed"]), columns] = rows["predicted"]
    probabilities = probabilities_of(measured, split, seeds, labels) if probable else None
    return Answers(labels.to_numpy(), predicted, probabilities)


def probabilities_of(
    measured: Sequence[Measured], split: str, seeds: Sequence[int], labels: pd.Series[Any]
) -> NDArray[np.float32]:
    """(C, S, N, classes) of the examples that `labels` names, in its order; 0 where a seed did not have one in `split`.

    Raises:
        ComparisonError: a candidate's predictions hold none.
    """
    found: NDArray[np.float32] | None = None
    for place, one in enumerate(measured):
        if one.probabilities is None:
            raise ComparisonError(
                f"evaluation/{one.name}/predictions.parquet: holds no probabilities, which compare.score asks for; run "
                f"{evaluation_command(one.candidate)}, or set compare.score: accuracy"
            )
        rows = one.probabilities[one.probabilities["split"] == split]
        names = [name for name in rows.columns if name not in KEYS]
        if found is None:
            found = np.zeros((len(measured), len(seeds), len(labels), len(names)), np.float32)
        columns = labels.index.get_indexer(pd.Index(rows["example"]))
        found[place, np.searchsorted(seeds, rows["seed"]), columns] = rows[names]
    assert found is not None
    return found


def _places(numbers: Mapping[str, int] | None, examples: Sequence[str]) -> NDArray[np.int64] | None:
    return None if numbers is None else np.array([numbers[example] for example in examples], np.int64)


def naive_place(measured: Sequence[Measured]) -> int | None:
    """The place of the naive forecast, where it competes."""
    return next((place for place, one in enumerate(measured) if one.candidate.whole == LAST_VALUE.candidate), None)


def refuse_other_seeds(one: Measured, first: Measured) -> None:
    """
    Raises:
        ComparisonError: it was trained with other seeds than the first candidate.
    """
    if one.seeds != first.seeds:
        raise ComparisonError(
            f"results/{one.name}/trial.json: trained with seeds {one.seeds}, but {first.name} with {first.seeds}; "
            f"run `dvc repro`"
        )


def _test_table(one: Measured, seeds: Sequence[int]) -> pd.DataFrame:
    """Seeds × examples, both sorted: what was predicted."""
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
    table = rows.pivot(index="seed", columns="example", values="predicted")
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


def _refuse_lacking_train(one: Measured, seeds: Sequence[int]) -> None:
    there = sorted(one.predictions.query("split == 'train'")["seed"].unique().tolist())
    if there != list(seeds):
        raise ComparisonError(
            f"evaluation/{one.name}/predictions.parquet: has train predictions for seeds {there} only, which the gap "
            f"needs for each of {list(seeds)}; run {evaluation_command(one.candidate)}"
        )
