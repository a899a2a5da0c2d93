"""How every stage that fits a classical model does it: tuned and fitted once for each seed, then their results.

No stage of its own: `baseline` and `probe` say which model, and what features it learns from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from pipeline.datasets.store.prepared import Prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.costs.stopwatch import Stopwatch, circumstances
from pipeline.models.archive import write_model
from pipeline.models.classical import Fitted, check_classes, check_count, fit_classical, settings_tried
from pipeline.models.features.layout import layout_of
from pipeline.models.folds import Problem
from pipeline.params.baseline import read_folds
from pipeline.params.schema.classical import load_classical
from pipeline.params.training.candidates import Candidate
from pipeline.stages.assembly.training.trial_settings import TrialSettings, read_trial_settings
from pipeline.tasks import task_named
from pipeline.tracking.live.trial import follow_trial
from pipeline.trials import FinishedTrial, Recipe, model_path, write_candidate

log = logging.getLogger("kiyas")


@dataclass(frozen=True)
class Features:
    """What the estimator learns from, the same for every seed.

    Attributes:
        values: (N, F) rows, one an example of development.
        seconds: what computing them takes.
        extractor: makes such rows of raw images; None: the row of classical.yaml says it all.
        parameters: how many numbers the extractor consists of.
    """

    values: np.ndarray
    seconds: float
    extractor: BaseEstimator | None = None
    parameters: int = 0


@dataclass(frozen=True)
class ClassicalPlan:
    """A candidate's model and what it learns from, whatever the seed.

    Attributes:
        candidate: what competes.
        model: its row of classical.yaml.
        features: what the row's estimator learns from.
        fingerprint: the candidate's (see `fingerprints.fingerprint`).
        parameters: what else decides the result, resolved, as trial.json has it.
    """

    candidate: Candidate
    model: str
    features: Features
    fingerprint: str
    parameters: dict[str, Any] = field(default_factory=dict)


def fit_trials(plan: ClassicalPlan, data: Prepared) -> None:
    """Tune and fit once for each seed, then write results/<candidate>/."""
    settings, folds, share = read_trial_settings(), read_folds(), plan.candidate.training_share
    recipe = make_recipe(plan, data, settings, folds)
    models: list[Fitted] = []
    trials: dict[int, FinishedTrial] = {}
    for seed in settings.seeds:
        split = split_development(data, settings.splits.validation_fraction, seed, share)
        if data.class_names:
            check_classes(data.labels[split[0]], data.class_names, seed)
        else:
            check_count(len(split[0]), seed)
        with follow_trial(settings.tracking, recipe, seed) as follower:
            fitted, trials[seed] = fit_trial(plan, data, split, folds, seed)
            follower(trials[seed].best)
        path = model_path(recipe.candidate, seed, ".skops")
        write_model(path, fitted.model, compressed=plan.candidate.backbone is None)
        models.append(fitted)
        log.info("%s  seed %d  %s", recipe.candidate, seed, text_of(trials[seed], task_named(recipe.task).score))
    write_candidate(recipe, trials, circumstances(), describe_tuning(plan.model, recipe.task, models))


def make_recipe(plan: ClassicalPlan, data: Prepared, settings: TrialSettings, folds: int) -> Recipe:
    backbone = plan.candidate.backbone
    parameters = {
        "model": load_classical(plan.model).described(),
        "folds": folds,
        **data.described_inputs(),
        "splits": settings.splits.model_dump(),
        "training_share": plan.candidate.training_share,
        **({"backbone": backbone} if backbone else {}),
        **plan.parameters,
    }
    return Recipe.of(plan.candidate, data.task, plan.fingerprint, parameters)


def fit_trial(
    plan: ClassicalPlan, data: Prepared, split: tuple[np.ndarray, np.ndarray], folds: int, seed: int
) -> tuple[Fitted, FinishedTrial]:
    """Tune and fit on the training split; the validation split is only measured.

    Args:
        split: indices of the training and the validation examples.
        folds: of the cross-validation that chooses hyperparameters.
    """
    train, features = split[0], plan.features
    with Stopwatch() as watch:
        fitted = fit_model(plan, data, train, folds, seed)
    count = fitted.parameters
    history: dict[str, Any] = {"seed": seed, "phase": 1, "epoch": 1, "learning_rate": None}
    history |= {"trainable_parameters": count, **measure(fitted, features, data, split)}
    trial = FinishedTrial(
        history=[history],
        best=history,
        phases=[{"phase": 1, "train": "all", "epochs": 1, "trainable_parameters": count}],
        parameters=count + features.parameters,
        cost=cost_of(watch, len(train), features.seconds) | {"tuning_seconds": fitted.search_seconds},
        choices={f"fold_{task_named(data.task).score}": fitted.fold_score, "chosen": fitted.chosen},
    )
    return fitted, trial


def fit_model(plan: ClassicalPlan, data: Prepared, train: np.ndarray, folds: int, seed: int) -> Fitted:
    row, features, labels = load_classical(plan.model), plan.features.values[train], data.labels[train]
    problem = problem_of(data, train)
    return fit_classical(plan.model, row, features, labels, folds, seed, problem, plan.features.extractor)


def problem_of(data: Prepared, train: np.ndarray) -> Problem:
    """What the model is fitted to, with the groups of the training examples."""
    groups = None if data.groups is None else data.groups[train]
    if data.columns is None:
        return Problem(data.task, groups=groups)
    layout = layout_of([column.categories for column in data.columns], data.inputs)
    return Problem(data.task, data.kind, layout, groups)


def measure(
    fitted: Fitted, features: Features, data: Prepared, split: tuple[np.ndarray, np.ndarray]
) -> dict[str, float]:
    """Loss and score on both parts of a split, with the keys of history.csv."""
    task, measured = task_named(data.task), {}
    for name, indices in zip(("train", "val"), split, strict=True):
        labels, outputs = data.labels[indices], fitted.outputs(features.values[indices])
        measured[f"{name}_loss"] = task.measure_loss(labels, outputs)
        measured[f"{name}_{task.score}"] = task.measure_score(labels, outputs)
    return measured


def cost_of(watch: Stopwatch, examples: int, feature_seconds: float) -> dict[str, Any]:
    """The trial's entry in cost.json; features are computed once for all seeds and charged to each in full."""
    return {
        **watch.cost(),
        "epoch_ended": [watch.ended.isoformat()],
        "fit_seconds": watch.seconds,
        "images_per_second": examples / watch.seconds,
        "activation_seconds": feature_seconds,
        "cost_seconds": feature_seconds + watch.seconds,
    }


def describe_tuning(model: str, task: str, fits: Iterable[Fitted]) -> dict[str, Any]:
    """How hyperparameters were found, as trial.json has it."""
    row = load_classical(model)
    if not row.grid:
        return {"method": "none", "settings_tried": settings_tried(row)}
    return {
        "method": "cross-validation on the training split of each seed",
        "scoring": task_named(task).scoring,
        "folds": min(fitted.folds for fitted in fits),
        "settings_tried": settings_tried(row),
    }


def text_of(trial: FinishedTrial, score: str) -> str:
    """One trial as a line of the log."""
    chosen = ", ".join(f"{key} {value}" for key, value in trial.choices["chosen"].items()) or "nothing to choose"
    return f"{chosen}  train {trial.best[f'train_{score}']:.3f}  val {trial.best[f'val_{score}']:.3f}"
