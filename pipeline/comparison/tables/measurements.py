"""What earlier stages wrote about every candidate, read from disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
from numpy.typing import NDArray

from pipeline import trials
from pipeline.floors import FLOORS
from pipeline.ground.files import read_json, read_parquet
from pipeline.params.training.candidates import Candidate
from pipeline.scores.score import Score
from pipeline.trials import Trial, probability_columns

PREDICTION_COLUMNS = ["seed", "split", "example", "label", "predicted"]
KEYS = ["seed", "split", "example"]
GROUP = "group"  # a column more, where examples belong together
MEASURE_COLUMNS = ["measure", "seed", "example", "value"]


class ComparisonError(ValueError):
    """The files of the candidates are missing or do not belong together."""


@dataclass(frozen=True)
class MeasuredValues:
    """One measure of a candidate: S seeds and N examples, both sorted, and values (S, N); NaN where one lacks."""

    seeds: NDArray[np.int64]
    examples: NDArray[Any]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """One candidate with everything that was written about it."""

    candidate: Candidate
    trial: Trial
    history: pd.DataFrame
    cost: dict[str, Any]  # results/<candidate>/cost.json
    metrics: dict[str, Any]
    latency: dict[str, Any]  # evaluation/<candidate>/cost.json
    predictions: pd.DataFrame  # PREDICTION_COLUMNS, and GROUP where examples belong together
    measures: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=MEASURE_COLUMNS))
    probabilities: pd.DataFrame | None = None  # seed, split, example, p_0 … p_k of the splits that were asked for

    @property
    def name(self) -> str:
        return self.candidate.name

    @property
    def seeds(self) -> list[int]:
        return sorted(int(entry["seed"]) for entry in self.trial.seeds)

    @property
    def is_floor(self) -> bool:
        """Whether it is no attempt at the task."""
        return self.candidate.whole in [floor.candidate for floor in FLOORS]

    @cached_property
    def values_by_measure(self) -> dict[str, MeasuredValues]:
        """Each measure of measures.parquet by its name, sorted; looked up once, since properties ask for many."""
        return _values_by_measure(self.measures)

    @property
    def cost_seconds(self) -> float:
        """Mean over the seeds of what a trial costs as if trained alone."""
        return float(np.mean([seed["cost_seconds"] for seed in self.cost["seeds"].values()]))

    @property
    def parameters(self) -> int:
        return int(self.trial.parameter_counts["total"])


def _values_by_measure(measures: pd.DataFrame) -> dict[str, MeasuredValues]:
    """
    Args:
        measures: MEASURE_COLUMNS.
    """
    (measure, names), (seed, seeds), (example, examples) = (
        pd.factorize(np.asarray(measures[column]), sort=True) for column in ("measure", "seed", "example")
    )
    value, found = measures["value"].to_numpy(np.float64), {}
    for place, name in enumerate(names):
        rows = np.flatnonzero(measure == place)
        own_seeds, at_seed = np.unique(seed[rows], return_inverse=True)
        own_examples, at_example = np.unique(example[rows], return_inverse=True)
        values = np.full((len(own_seeds), len(own_examples)), np.nan)
        values[at_seed, at_example] = value[rows]
        found[str(name)] = MeasuredValues(seeds[own_seeds], examples[own_examples], values)
    return found


def read_measurements(candidates: Sequence[Candidate], splits: Sequence[str] = ()) -> list[Measured]:
    """Everything on disk about the candidates that params.yaml names.

    Args:
        splits: of which the probabilities of all classes are read too, which only some scores ask for.

    Raises:
        ComparisonError: a candidate was not trained or not evaluated; names it, the file, and the command to run.
    """
    return [_read(candidate, splits) for candidate in candidates]


def best_seed(trial: Trial) -> int:
    """The seed whose model stands for its candidate: that with the lowest validation loss, the first of equals."""
    losses = {int(entry["seed"]): entry.get("val_loss") for entry in trial.seeds}
    known = {seed: float(loss) for seed, loss in losses.items() if loss is not None}
    return min(known or losses, key=lambda seed: known.get(seed, math.inf))


def probabilities_asked(score: Score) -> tuple[str, ...]:
    """The splits of which a score asks for probabilities."""
    return ("train", "val", "test") if score.asks_probabilities else ()


def _read(candidate: Candidate, splits: Sequence[str]) -> Measured:
    results, evaluation = trials.results_folder(candidate.name), trials.evaluation_folder(candidate.name)
    needed = [results / name for name in ("trial.json", "history.csv", "cost.json")]
    needed += [evaluation / name for name in ("metrics.json", "cost.json", "predictions.parquet")]
    for path in needed:
        if not path.is_file():
            raise ComparisonError(
                f"{path.as_posix()}: is missing, so {candidate.name} cannot be compared; run "
                f"{evaluation_command(candidate)}, or take the candidate out of params.yaml"
            )
    measures = evaluation / "measures.parquet"
    return Measured(
        candidate=candidate,
        trial=trials.read_trial(candidate.name),
        history=trials.read_history(candidate.name),
        cost=read_json(results / "cost.json"),
        metrics=read_json(evaluation / "metrics.json"),
        latency=read_json(evaluation / "cost.json"),
        predictions=_read_predictions(evaluation / "predictions.parquet"),
        measures=read_parquet(measures) if measures.is_file() else pd.DataFrame(columns=MEASURE_COLUMNS),
        probabilities=_read_probabilities(evaluation / "predictions.parquet", splits) if splits else None,
    )


def _read_predictions(path: Path) -> pd.DataFrame:
    """Without the probabilities, which only few readers want."""
    there = pyarrow.parquet.read_schema(path).names
    return read_parquet(path, columns=[*PREDICTION_COLUMNS, *([GROUP] if GROUP in there else [])])


def _read_probabilities(path: Path, splits: Sequence[str]) -> pd.DataFrame | None:
    """None where there are none, as where numbers are predicted."""
    columns = probability_columns(pyarrow.parquet.read_schema(path).names)
    if not columns:
        return None
    return read_parquet(path, columns=[*KEYS, *columns], filters=[("split", "in", list(splits))])


def evaluation_command(candidate: Candidate) -> str:
    """The command that evaluates the candidate anew, as an error message quotes it."""
    return f"`dvc repro {candidate.evaluation_stage}`"
