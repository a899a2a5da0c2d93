"""baseline@{model}: a classical model on features of photos or columns of a table, tuned and fitted once a seed.

    python -m pipeline baseline --model svm_hog
    dvc repro baseline@svm_hog

Reads data/prepared/development; the test split is not among its inputs. Writes results/classical-<model>/.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from pipeline.datasets.prepared import DEVELOPMENT, Prepared, load_prepared
from pipeline.datasets.splits import split_development
from pipeline.evaluation.costs.stopwatch import Stopwatch, circumstances
from pipeline.fingerprints import fingerprint
from pipeline.models.classical import (
    Fitted,
    Problem,
    check_classes,
    compute_features,
    count_parameters,
    fit_classical,
    settings_tried,
    write_model,
)
from pipeline.models.columns import layout_of
from pipeline.params.baseline import read_folds
from pipeline.params.candidates import Candidate
from pipeline.params.rows.classical import ClassicalModel, load_classical
from pipeline.stages.assembly.trial_settings import read_trial_settings
from pipeline.tasks import task_named
from pipeline.tracking.live import follow_trial
from pipeline.trials import Trial, history_columns, model_path, write_trial

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Features:
    """What the estimator learns from, the same for every seed.

    Attributes:
        values: (N, F) rows, one a photo of development.
        seconds: what computing them takes.
        extractor: makes such rows of raw images; None: the row of classical.yaml says it all.
        parameters: how many numbers the extractor consists of.
    """

    values: np.ndarray
    seconds: float
    extractor: BaseEstimator | None = None
    parameters: int = 0


@dataclass(frozen=True)
class SeedFit:
    """One trial: its model, its single row of history.csv, and what it cost."""

    fitted: Fitted
    row: dict[str, Any]
    cost: dict[str, Any]


def run(model: str) -> None:
    train_candidate(Candidate("classical", model=model))


def train_candidate(candidate: Candidate) -> None:
    """One trial for each seed, on the candidate's share of the training split."""
    model, data = candidate.model, load_prepared(DEVELOPMENT)
    with Stopwatch() as computing:
        values = compute_features(load_classical(model), data.inputs)
    recipe_hash = fingerprint("baseline", {"model": model}, candidate.training_share)
    fit_candidate(candidate, model, recipe_hash, data, Features(values, computing.seconds))


def fit_candidate(candidate: Candidate, model: str, recipe_hash: str, data: Prepared, features: Features) -> None:
    """Fit one classical candidate with every seed and write results/<candidate>/.

    Args:
        model: its row of classical.yaml.
        recipe_hash: its fingerprint.
    """
    params, folds, row = read_trial_settings(), read_folds(), load_classical(model)
    identity: dict[str, Any] = {
        "candidate": candidate.name,
        "family": candidate.family,
        "backbone": candidate.backbone,
        "technique": candidate.technique,
        "fingerprint": recipe_hash,
        "parameters": {
            "model": row.model_dump(),
            "folds": folds,
            **data.described_inputs(),
            "splits": params.splits.model_dump(),
            "training_share": candidate.training_share,
            **({"backbone": candidate.backbone} if candidate.backbone else {}),
        },
    }
    problem = problem_of(data)
    fits: dict[int, SeedFit] = {}
    for seed in params.seeds:
        split = split_development(data, params.splits.validation_fraction, seed, candidate.training_share)
        if data.class_names:
            check_classes(data.labels[split[0]], data.class_names, seed)
        with follow_trial(params.tracking, {**identity, "seed": seed}) as tell:
            of_seed = problem if data.groups is None else replace(problem, groups=data.groups[split[0]])
            fits[seed] = fit_seed(model, row, features, data.labels, split, folds, seed, of_seed)
            tell(fits[seed].row)
        write_model(model_path(candidate.name, seed, ".skops"), fits[seed].fitted.model)
        log.info("%s  seed %d  %s", candidate.name, seed, summary(fits[seed], task_named(data.task).score))
    identity["parameters"]["seeds"] = params.seeds
    write_trial(
        make_trial(identity, data.task, row, fits, features.parameters),
        pd.DataFrame([fit.row for fit in fits.values()], columns=history_columns(data.task)),
        make_cost(candidate.name, fits, features.seconds),
    )


def problem_of(data: Prepared) -> Problem:
    if data.columns is None:
        return Problem(data.task)
    return Problem(data.task, data.kind, layout_of([column.categories for column in data.columns], data.inputs))


def fit_seed(
    model: str,
    row: ClassicalModel,
    features: Features,
    labels: np.ndarray,
    split: tuple[np.ndarray, np.ndarray],
    folds: int,
    seed: int,
    problem: Problem,
) -> SeedFit:
    """Tune and fit on the training split; the validation split is only measured."""
    task, (train, val) = task_named(problem.task), split
    with Stopwatch() as watch:
        fitted = fit_classical(
            model, row, features.values[train], labels[train], folds, seed, problem, features.extractor
        )
    history: dict[str, Any] = {"seed": seed, "phase": 1, "epoch": 1, "learning_rate": None}
    history["trainable_parameters"] = count_parameters(fitted)
    for name, indices in {"train": train, "val": val}.items():
        outputs = fitted.outputs(features.values[indices])
        history[f"{name}_loss"] = task.measure_loss(labels[indices], outputs)
        history[f"{name}_{task.score}"] = task.measure_score(labels[indices], outputs)
    cost = {
        **watch.cost(),
        "epoch_ended": [watch.ended.isoformat()],
        "fit_seconds": watch.seconds,
        "images_per_second": len(train) / watch.seconds,
    }
    return SeedFit(fitted, history, cost)


def make_trial(
    identity: dict[str, Any], task: str, row: ClassicalModel, fits: dict[int, SeedFit], frozen: int
) -> Trial:
    """What a fit leaves grows with the hyperparameters it chose, so the parameters are the mean over the seeds.

    Args:
        frozen: parameters of what makes the features.
    """
    parameters = round(float(np.mean([fit.row["trainable_parameters"] for fit in fits.values()])))
    tried = settings_tried(row)
    searched = {
        "method": "cross-validation on the training split of each seed",
        "scoring": task_named(task).scoring,
        "folds": min(fit.fitted.folds for fit in fits.values()),
    }
    return Trial(
        **identity,
        task=task,
        parameter_counts={"total": parameters + frozen, "trainable": parameters},
        phases=[{"phase": 1, "train": "all", "epochs": 1, "trainable_parameters": parameters}],
        seeds=[seed_entry(seed, fit, task_named(task).score) for seed, fit in fits.items()],
        tuning={**(searched if row.grid else {"method": "none"}), "settings_tried": tried},
    )


def seed_entry(seed: int, fit: SeedFit, score: str) -> dict[str, Any]:
    return {
        "seed": seed,
        "best_epoch": 1,
        "best_phase": 1,
        "val_loss": fit.row["val_loss"],
        f"val_{score}": fit.row[f"val_{score}"],
        f"fold_{score}": fit.fitted.fold_score,
        "chosen": fit.fitted.chosen,
    }


def make_cost(candidate: str, fits: dict[int, SeedFit], feature_seconds: float) -> dict[str, Any]:
    """Features are computed once for all seeds, and charged to each in full: each trial as if it were alone."""
    seeds = {
        str(seed): {
            **fit.cost,
            "activation_seconds": feature_seconds,
            "cost_seconds": feature_seconds + fit.cost["fit_seconds"],
        }
        for seed, fit in fits.items()
    }
    return {"candidate": candidate, "seeds": seeds, **circumstances()}


def summary(fit: SeedFit, score: str) -> str:
    chosen = ", ".join(f"{key} {value}" for key, value in fit.fitted.chosen.items()) or "nothing to choose"
    return f"{chosen}  train {fit.row[f'train_{score}']:.3f}  val {fit.row[f'val_{score}']:.3f}"
