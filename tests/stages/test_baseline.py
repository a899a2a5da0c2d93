"""baseline@{model}: one classical model, once for each seed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import draw_validation
from pipeline.ground.files import read_json, write_json
from pipeline.ground.fingerprints import hash_path
from pipeline.models.archive import read_model
from pipeline.models.classical import TooFewExamplesError, compute_features
from pipeline.params.schema.classical import load_classical
from pipeline.stages import baseline
from pipeline.tasks import accuracy, cross_entropy
from pipeline.trials import HISTORY_COLUMNS, model_path, read_history, read_trial, results_folder

CLASSES = ["fig", "kiwi", "lime"]
SEEDS = [0, 4]
CANDIDATE = "classical-knn_hog"


@pytest.fixture
def trained(prepare: Callable[..., None]) -> Path:
    """k-nearest neighbours, trained where there is no test split at all."""
    prepare(CLASSES)
    shutil.rmtree(TEST)
    baseline.run("knn_hog")
    return results_folder(CANDIDATE)


def test_a_trial_folder_says_what_was_tried_and_chosen(trained: Path) -> None:
    trial = read_trial(CANDIDATE)
    assert (trial.family, trial.backbone, trial.technique, trial.task) == ("classical", None, None, "multiclass")
    assert trial.tuning == {
        "method": "cross-validation on the training split of each seed",
        "scoring": "accuracy",
        "folds": 2,
        "settings_tried": 10,
    }
    assert [entry["seed"] for entry in trial.seeds] == SEEDS == trial.parameters["seeds"]
    grid = load_classical("knn_hog").grid
    for entry in trial.seeds:
        assert all(value in grid[key] for key, value in entry["chosen"].items()) and set(entry["chosen"]) == set(grid)
    assert trial.parameters["splits"] == {"validation_fraction": 0.2} and trial.parameters["image_size"] == 24


def test_history_has_one_row_a_seed_measured_on_splits_of_its_own(trained: Path) -> None:
    history, data = read_history(CANDIDATE), load_prepared(DEVELOPMENT)
    assert list(history.columns) == HISTORY_COLUMNS and history["seed"].tolist() == SEEDS
    assert history["learning_rate"].isna().all()
    for row in history.itertuples():
        train, val = draw_validation(data.labels, 0.2, row.seed)
        model = read_model(model_path(CANDIDATE, row.seed, ".skops"))
        for rows, loss, right in (
            (train, row.train_loss, row.train_accuracy),
            (val, row.val_loss, row.val_accuracy),
        ):
            probabilities = model.predict_proba(data.images[rows])
            assert loss == pytest.approx(cross_entropy(data.labels[rows], probabilities))
            assert right == pytest.approx(accuracy(data.labels[rows], probabilities))


def test_a_model_has_seen_its_training_split_and_nothing_else(trained: Path) -> None:
    data = load_prepared(DEVELOPMENT)
    features = compute_features(load_classical("knn_hog"), data.images)
    for seed in SEEDS:
        train, _ = draw_validation(data.labels, 0.2, seed)
        remembered = read_model(model_path(CANDIDATE, seed, ".skops")).named_steps["estimator"]._fit_X
        np.testing.assert_array_equal(remembered, features[train])


def test_features_are_charged_to_every_seed_in_full(trained: Path) -> None:
    cost = read_json(trained / "cost.json")
    assert cost["candidate"] == CANDIDATE and list(cost["seeds"]) == ["0", "4"]
    for of_seed in cost["seeds"].values():
        assert of_seed["activation_seconds"] > 0 and of_seed["fit_seconds"] > 0
        assert of_seed["cost_seconds"] == of_seed["activation_seconds"] + of_seed["fit_seconds"]
        assert of_seed["images_per_second"] == pytest.approx(48 / of_seed["fit_seconds"])
        assert of_seed["epoch_ended"] == [of_seed["ended"]]
    assert {"host", "versions", "commit", "dirty"} <= set(cost)


def test_a_second_run_leaves_the_same_files_save_the_measured_times(trained: Path) -> None:
    first = {name: (trained / name).read_bytes() for name in ("trial.json", "history.csv")}
    said = [read_model(model_path(CANDIDATE, seed, ".skops")).predict_proba(images()) for seed in SEEDS]
    baseline.run("knn_hog")
    assert {name: (trained / name).read_bytes() for name in first} == first
    for seed, before in zip(SEEDS, said, strict=True):
        after = read_model(model_path(CANDIDATE, seed, ".skops")).predict_proba(images())
        np.testing.assert_array_equal(before, after)


def images() -> np.ndarray:
    return np.asarray(load_prepared(DEVELOPMENT).images)


def test_another_photo_in_development_is_another_fingerprint(trained: Path) -> None:
    before = read_trial(CANDIDATE).fingerprint
    stored = np.load(DEVELOPMENT / "images.npy")
    stored[0, 0, 0, 0] ^= 255
    np.save(DEVELOPMENT / "images.npy", stored)
    schema = read_json(DEVELOPMENT / "schema.json")
    schema["files"]["images.npy"] = hash_path(DEVELOPMENT / "images.npy")
    write_json(DEVELOPMENT / "schema.json", schema)
    baseline.run("knn_hog")
    assert read_trial(CANDIDATE).fingerprint != before


def test_the_majority_model_has_nothing_to_tune(prepare: Callable[..., None]) -> None:
    prepare(CLASSES[:2])
    baseline.run("majority")
    trial, history = read_trial("classical-majority"), read_history("classical-majority")
    assert (trial.task, trial.tuning) == ("binary", {"method": "none", "settings_tried": 1})
    assert [entry["chosen"] for entry in trial.seeds] == [{}, {}]
    pd.testing.assert_series_equal(history["train_accuracy"], pd.Series([0.5, 0.5], name="train_accuracy"))


def test_a_class_that_is_too_small_is_named(prepare: Callable[..., None]) -> None:
    prepare(CLASSES, development=1)
    with pytest.raises(TooFewExamplesError, match=r"fig \(1\), kiwi \(1\), lime \(1\)"):
        baseline.run("knn_hog")
    assert not results_folder(CANDIDATE).exists()
