"""What the benchmark of tuning reads off trained candidates, each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tuning import GRID, RECIPE
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.datasets.store.splits import split_development
from pipeline.evaluation.answers.models import load_models, predictor
from pipeline.evaluation.costs.stopwatch import Stopwatch
from pipeline.ground.files import read_json, write_json
from pipeline.models.archive import read_model
from pipeline.models.classical import Fitted, compute_features, fit_classical, settings_tried
from pipeline.params.baseline import read_folds
from pipeline.params.competing import read_candidates
from pipeline.params.schema.classical import ClassicalModel, load_classical
from pipeline.params.schema.reading import read_section
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.training.splits import Splits
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.training.classical_trials import problem_of
from pipeline.stages.probe import pooled_features
from pipeline.tasks import task_named
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.precision import choose_precision
from pipeline.trials import read_trial, results_folder

MEASURED = Path("measured.json")


def write(measured: Mapping[str, Any]) -> None:
    write_json(MEASURED, measured)


def of_network(candidate: str) -> dict[str, Any]:
    """Of what its stage has trained.

    Returns:
        right: of each seed, whether each test example was answered rightly (1 or 0); validation of the first seed;
        seconds of training, those of tuning apart; what tuning says of itself.
    """
    trial, test = read_trial(candidate), load_prepared(TEST)
    cost = read_json(results_folder(candidate) / "cost.json")
    models = (load_models([trial.model_file(entry["seed"])], read_model) for entry in trial.seeds)
    seeds = list(cost["seeds"].values())
    shared = sum(max(seed[key] for seed in seeds) for key in ("activation_seconds", "setup_seconds"))
    return {
        "right": [right_answers(predictor(model)(test.inputs), test.labels) for (model,) in models],
        "validation": {key: value for key, value in trial.seeds[0].items() if key.startswith("val_")},
        "best_phases": [entry["best_phase"] for entry in trial.seeds],
        "seconds": shared + sum(seed["fit_seconds"] for seed in seeds),
        "tuning_seconds": cost.get("tuning", {}).get("seconds", 0.0),
        "tuning": {key: trial.tuning[key] for key in ("settings_tried", "chosen", "changes") if key in trial.tuning},
    }


def of_classical(name: str, seeds: list[int], with_grid: bool) -> dict[str, Any]:
    """The same of a classical model, fitted here.

    Args:
        with_grid: whether cross-validation chooses; otherwise scikit-learn's own values stay.
    """
    (candidate,) = [each for each in read_candidates() if each.name == name]
    data, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    row = load_classical(candidate.row)
    features, of_test = features_of(candidate, row, data), features_of(candidate, row, test)
    if not with_grid:
        row = row.model_copy(update={"grid": {}})
    fraction = read_section("splits", Splits).validation_fraction
    fits: list[Fitted] = []
    with Stopwatch() as watch:
        for seed in seeds:
            train, _ = split_development(data, fraction, seed)
            fits.append(fit_one(name, row, features, data, train, seed))
    searching = sum(fitted.search_seconds for fitted in fits)
    _, held_back = split_development(data, fraction, seeds[0])
    outputs, labels, task = fits[0].outputs(features[held_back]), data.labels[held_back], task_named(data.task)
    return {
        "right": [right_answers(fitted.outputs(of_test), test.labels) for fitted in fits],
        "validation": {
            "val_loss": task.measure_loss(labels, outputs),
            "val_accuracy": task.measure_score(labels, outputs),
        },
        "best_phases": [1 for _ in seeds],
        "seconds": watch.seconds - searching,
        "tuning_seconds": searching,
        "tuning": {
            "settings_tried": settings_tried(row),
            "chosen": GRID if with_grid else RECIPE,
            "changes": {f"seed_{seed}": fitted.chosen for seed, fitted in zip(seeds, fits, strict=True)},
        },
    }


def fit_one(
    name: str, row: ClassicalModel, features: NDArray[np.floating], data: Prepared, train: NDArray[np.int64], seed: int
) -> Fitted:
    return fit_classical(name, row, features[train], data.labels[train], read_folds(), seed, problem_of(data, train))


def features_of(candidate: Candidate, row: ClassicalModel, part: Prepared) -> NDArray[np.floating]:
    """(N, F) of one split."""
    if candidate.backbone is None:
        return compute_features(row, part.inputs)
    store = ActivationStore(part.images, part.sha256, read_section("keep", Keep).activations_gb)
    precision = choose_precision(read_section("training", Training).precision, part.kind)
    return pooled_features(candidate.backbone, store, precision).values


def right_answers(outputs: NDArray[np.floating], labels: NDArray[np.int64]) -> list[int]:
    return [int(one) for one in outputs.argmax(axis=1) == labels]
