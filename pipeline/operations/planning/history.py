"""What earlier runs on this machine say: by which factor a candidate took longer than its work explains."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd

from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json
from pipeline.operations.planning.durations import training_seconds
from pipeline.operations.planning.speeds import Speeds, digest, is_this_machine, layers_of
from pipeline.operations.planning.work import Work, work_of_trial
from pipeline.params.schema.classical import load_classical
from pipeline.params.schema.families import family_named
from pipeline.params.training.candidates import CLASSICAL, Candidate
from pipeline.trials import evaluation_folder, probability_columns, results_folder

PLAUSIBLE = (0.2, 5.0)  # factors beyond these come from a machine that did something else beside


@dataclass(frozen=True)
class Earlier:
    """A candidate's run that is still on disk.

    Attributes:
        work: what was done.
        factor: seconds that its seeds took, in times of what `training_seconds` says of the same work.
        peak_memory: bytes, the most that a seed needed.
        evaluation: seconds that its evaluation measured; None where it was not evaluated.
    """

    work: Work
    factor: float
    peak_memory: float
    evaluation: float | None


def earlier_run(now: Work, speeds: Speeds, params: Params, checkout: Path) -> Earlier | None:
    """What the kept results of a candidate say; None where there are none, or they are of another machine or model."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # files of an older version say nothing
        folder = checkout / results_folder(now.candidate.name)
        cost, trial = read_json(folder / "cost.json"), read_json(folder / "trial.json")
        if not is_this_machine(cost) or not _is_made_so(now.candidate, trial["parameters"], params):
            return None
        epochs = _epochs_of(folder / "history.csv")
        learnt = _learnt(cost, sum(epochs.values()) or 1.0)
        then = work_of_trial(trial, now, epochs, learnt, _classes(checkout, now))
        overhead = training_seconds(then.without_examples(), speeds)
        expected = training_seconds(then, speeds) - overhead
        factor = _seconds_of_seeds(cost) / expected if expected > 1 else 1.0
        return Earlier(
            then,
            min(max(factor, PLAUSIBLE[0]), PLAUSIBLE[1]),
            max(seed["peak_memory_bytes"] for seed in cost["seeds"].values()),
            _seconds_of_evaluation(checkout / evaluation_folder(now.candidate.name) / "cost.json"),
        )
    return None


def _is_made_so(candidate: Candidate, parameters: Mapping[str, Any], params: Params) -> bool:
    """Whether the model that a trial.json tells of is the one that params.yaml and the tables of models name now."""
    if candidate.family == CLASSICAL:
        row = load_classical(candidate.row)
        return digest(row.described()) == digest(parameters["model"])
    known = params.architectures_of(family_named(candidate.family))
    if candidate.model not in known:
        return True
    return digest(layers_of(known[candidate.model].model_dump())) == digest(layers_of(parameters["architecture"]))


def _seconds_of_seeds(cost: Mapping[str, Any]) -> float:
    """Fits of all seeds, and what they share: activations and features, which are computed once."""
    seeds = list(cost["seeds"].values())
    shared = max(seed.get("activation_seconds", 0.0) or 0.0 for seed in seeds)
    return shared + sum(seed["fit_seconds"] for seed in seeds)


def _learnt(cost: Mapping[str, Any], epochs: float) -> float:
    """Examples that a seed was trained on: all that went by, divided by the epochs."""
    seeds = cost["seeds"].values()
    return fmean(seed["images_per_second"] * seed["fit_seconds"] for seed in seeds) / epochs


def _classes(checkout: Path, now: Work) -> int | None:
    """Of the data that it was evaluated on; where it was not, as many as there are now."""
    file = checkout / evaluation_folder(now.candidate.name) / "predictions.parquet"
    if not file.is_file():
        return now.classes
    import pyarrow.parquet

    return len(probability_columns(pyarrow.parquet.read_schema(file).names)) or None


def _seconds_of_evaluation(file: Path) -> float | None:
    if not file.is_file():
        return None
    cost = read_json(file)
    return float(cost["evaluation_seconds"]) + float(cost.get("measures_seconds", 0.0))


def _epochs_of(history: Path) -> dict[int, float]:
    """Epochs of each phase, on average over the seeds."""
    table = pd.read_csv(history)
    return {phase: fmean(table[table["phase"] == phase].groupby("seed").size()) for phase in set(table["phase"])}
