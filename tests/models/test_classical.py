"""Rows of classical.yaml as tuned pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import psutil
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from pipeline.models import classical
from pipeline.models.archive import read_model, write_model
from pipeline.models.classical import (
    Fitted,
    TooFewExamplesError,
    check_classes,
    check_count,
    compute_features,
    fit_classical,
    settings_tried,
)
from pipeline.models.estimators import tells_classes_apart
from pipeline.models.folds import Problem
from pipeline.params.schema.classical import ClassicalModel, load_classical
from pipeline.params.schema.reading import ParamsError
from pipeline.params.schema.rows import row_names

Photos = tuple[np.ndarray, np.ndarray]
OF_PHOTOS = {name: row for name in row_names("classical.yaml") if "images" in (row := load_classical(name)).kinds}
ROWS = [
    name for name, row in OF_PHOTOS.items() if row.features != "pooled" and tells_classes_apart(row.estimator, name)
]

ROWS_OF_NUMBERS = [name for name, row in OF_PHOTOS.items() if row.features != "pooled" and name not in ROWS]


def small(name: str) -> ClassicalModel:
    """A row of classical.yaml with the first value of each hyperparameter, and few trees."""
    row = load_classical(name)
    few = {"n_estimators": 10, "max_iter": 10} if "Forest" in row.estimator or "Boosting" in row.estimator else {}
    settings = {key: few.get(key, value) for key, value in row.settings.items()}
    first = {key: values[0] for key, values in row.grid.items()}
    return row.model_copy(update={"settings": settings | first, "grid": {}})


def fit(row: ClassicalModel, photos: Photos, folds: int = 3, seed: int = 0) -> Fitted:
    images, labels = photos
    return fit_classical("some_row", row, compute_features(row, images), labels, folds, seed)


def knn(**changes: Any) -> ClassicalModel:
    return ClassicalModel(**{"features": "hog_colour", "estimator": "KNeighborsClassifier", **changes})


@pytest.mark.parametrize("name", ROWS)
def test_a_saved_model_of_every_row_takes_raw_photos_and_says_what_the_fitted_one_said(
    name: str, photos: Photos, tmp_path: Path
) -> None:
    fitted, path = fit(small(name), photos), tmp_path / "model.skops"
    write_model(path, fitted.model)
    loaded = read_model(path)
    probabilities = loaded.predict_proba(photos[0])
    assert probabilities.shape == (48, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities, fitted.model.predict_proba(photos[0]))
    assert loaded.predict(photos[0]).shape == (48,)


@pytest.mark.parametrize("name", ROWS_OF_NUMBERS)
def test_a_saved_model_of_every_row_of_numbers_takes_raw_photos_too(name: str, photos: Photos, tmp_path: Path) -> None:
    images, row, path = photos[0], small(name), tmp_path / "model.skops"
    numbers = 1000 + images[..., 0].mean(axis=(1, 2))
    fitted = fit_classical(name, row, compute_features(row, images), numbers, 3, 0, Problem("regression"))
    write_model(path, fitted.model)
    said = read_model(path).predict(images)
    np.testing.assert_array_equal(said, fitted.model.predict(images))
    off = np.sqrt(np.square(said - numbers).mean()) / numbers.std()
    assert off == pytest.approx(1) if name == "mean" else off < 0.9
    assert fitted.parameters > 0


@pytest.mark.parametrize("name", ROWS)
def test_every_row_learns_two_classes_too(name: str, photos: Photos) -> None:
    images, labels = photos[0][photos[1] < 2], photos[1][photos[1] < 2]
    probabilities = fit(small(name), (images, labels)).model.predict_proba(images)
    assert probabilities.shape == (32, 2)
    if name != "majority":
        assert np.mean(probabilities.argmax(axis=1) == labels) > 0.8


@pytest.mark.parametrize("name", ROWS)
def test_the_same_seed_gives_the_same_model(name: str, photos: Photos) -> None:
    one, other = fit(small(name), photos), fit(small(name), photos)
    np.testing.assert_array_equal(one.model.predict_proba(photos[0]), other.model.predict_proba(photos[0]))
    assert one.parameters == other.parameters > 0


def test_features_computed_once_serve_as_well_as_those_inside_the_saved_model(photos: Photos) -> None:
    row = small("logistic_hog")
    fitted = fit(row, photos)
    on_features = fitted.outputs(compute_features(row, photos[0]))
    np.testing.assert_array_equal(on_features, fitted.model.predict_proba(photos[0]))


def test_the_majority_model_says_the_most_frequent_class_and_how_frequent_it_is(photos: Photos) -> None:
    images, labels = photos[0], np.where(np.arange(48) < 20, 2, photos[1])
    model = fit(load_classical("majority"), (images, labels)).model
    assert (model.predict(photos[0]) == 2).all()
    np.testing.assert_allclose(model.predict_proba(photos[0])[:, 2], (labels == 2).mean())


def test_the_chosen_hyperparameters_are_the_most_accurate_over_the_folds(photos: Photos) -> None:
    row = knn(grid={"n_neighbors": [20, 5, 1]})
    fitted, splitter = fit(row, photos, seed=3), StratifiedKFold(3, shuffle=True, random_state=3)
    scores = {
        count: cross_val_score(
            KNeighborsClassifier(n_neighbors=count), compute_features(row, photos[0]), photos[1], cv=splitter
        ).mean()
        for count in (20, 5, 1)
    }
    assert sorted(scores.values())[-1] > sorted(scores.values())[-2], "one must be best, or nothing is chosen"
    assert fitted.chosen == {"n_neighbors": max(scores, key=lambda count: scores[count])}
    assert fitted.fold_score == pytest.approx(max(scores.values()))


def test_processes_are_started_for_a_long_search_alone_and_choose_the_same(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_reusable_executor().shutdown(wait=True)
    row, before = small("logistic_pixels").model_copy(update={"grid": {"C": [1e-4, 1e-2, 1.0]}}), children()
    monkeypatch.setattr(classical, "PROCESSES_START", np.inf)
    alone = fit(row, photos)
    assert children() == before
    monkeypatch.setattr(classical, "PROCESSES_START", 0.0)
    together = fit(row, photos)
    assert children() > before or joblib.cpu_count() == 1
    get_reusable_executor().shutdown(wait=True)
    assert (together.chosen, together.fold_score) == (alone.chosen, alone.fold_score)
    np.testing.assert_array_equal(together.model.predict_proba(photos[0]), alone.model.predict_proba(photos[0]))


class Timed(BaseEstimator):
    """By a clock of its own: so many seconds an example to be fitted, and to predict one by each it was fitted to."""

    now = 0.0

    def __init__(self, fitting: float = 0.0, predicting: float = 0.0, always: float = 0.0, fails: bool = False) -> None:
        self.fitting, self.predicting, self.always, self.fails = fitting, predicting, always, fails

    def fit(self, features: np.ndarray, labels: np.ndarray) -> Timed:
        if self.fails:
            raise RuntimeError("as no estimator should")
        Timed.now += self.always + self.fitting * len(features)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        Timed.now += self.predicting * len(features) ** 2
        return features[:, 0]


@pytest.mark.parametrize(
    ("estimator", "examples", "cores", "long"),
    [
        (Timed(fitting=3e-4), 1000, 2, False),  # 25 fits of 0.3 s, of which two processes save half
        (Timed(fitting=4e-4), 1000, 2, True),
        (Timed(fitting=3e-4), 1000, 4, True),
        (Timed(fitting=1.0), 1000, 1, False),  # one core saves nothing
        (Timed(predicting=2e-8), 2000, 2, False),
        (Timed(predicting=2e-8), 8000, 2, True),  # as neighbours are: nothing is fitted, and each asks all others
        (
            Timed(always=0.3),
            1000,
            2,
            False,
        ),  # as boosting of few examples is, whose trees take as long as those of many
        (Timed(always=0.4), 1000, 2, True),
        (Timed(fails=True), 1000, 2, False),
        (Timed(fails=True), 1001, 2, True),
    ],
)
def test_a_search_is_long_by_what_processes_save_of_fitting_and_predicting(
    estimator: Timed, examples: int, cores: int, long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classical.time, "process_time", lambda: Timed.now)
    monkeypatch.setattr(classical, "cpu_count", lambda: cores)
    assert classical.takes_long(estimator, np.zeros((examples, 1)), np.arange(examples) * 0.5, 25) is long


def test_how_long_a_search_takes_is_judged_by_some_of_each_class() -> None:
    labels = np.array([0] * 40 + [1, 2, 2, 2])
    seen: list[list[int]] = []

    class Seeing(DummyClassifier):
        def fit(self, features: np.ndarray, labels: np.ndarray) -> Seeing:
            seen.append(np.bincount(labels).tolist())
            return super().fit(features, labels)

    classical.takes_long(Seeing(), np.zeros((44, 1)), labels, 25)
    assert seen == [[6, 1, 2], [11, 1, 2]]


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def test_the_model_is_fitted_again_on_the_whole_training_split(photos: Photos) -> None:
    fitted = fit(knn(grid={"n_neighbors": [3, 5]}), photos)
    assert fitted.on_features.named_steps["estimator"].n_samples_fit_ == 48


def test_calibrating_leaves_the_most_probable_class_as_the_machine_decided(photos: Photos) -> None:
    row = small("svm_hog")
    fitted, features = fit(row, photos), compute_features(row, photos[0])
    (calibrated,) = fitted.on_features.named_steps["estimator"].calibrated_classifiers_
    np.testing.assert_array_equal(fitted.model.predict(photos[0]), calibrated.estimator.predict(features))


def test_scaling_takes_its_mean_from_what_it_was_fitted_on(photos: Photos) -> None:
    row = small("logistic_pixels")
    fitted = fit(row, photos)
    np.testing.assert_allclose(
        fitted.on_features.named_steps["scale"].mean_, compute_features(row, photos[0]).mean(axis=0), rtol=1e-4
    )


def test_there_are_no_more_folds_than_the_smallest_class_has_photos(photos: Photos) -> None:
    kept = np.sort(np.concatenate([np.flatnonzero(photos[1] != 2), np.flatnonzero(photos[1] == 2)[:4]]))
    assert fit(knn(grid={"n_neighbors": [1, 3]}), (photos[0][kept], photos[1][kept]), folds=10).folds == 4


def test_a_class_with_one_photo_is_refused_by_name_with_a_remedy() -> None:
    with pytest.raises(TooFewExamplesError, match=r"with seed 5: kiwi \(1\), lime \(0\); .* add some"):
        check_classes(np.array([0, 0, 1]), ["fig", "kiwi", "lime"], seed=5)


def test_too_few_numbers_are_told_with_the_share_that_may_have_left_them() -> None:
    check_count(6, seed=5)
    with pytest.raises(TooFewExamplesError, match=r"with seed 5: 5; .* at least 6: add some, .*\(study\.fractions\)"):
        check_count(5, seed=5)


@pytest.mark.parametrize("part", [{"settings": {"neighbours": 3}}, {"grid": {"neighbours": [3]}}])
def test_an_argument_that_the_estimator_lacks_is_named_with_those_that_it_has(
    part: dict[str, Any], photos: Photos
) -> None:
    key = rf"some_row\.{next(iter(part))}\.neighbours = .*has no such argument; it has .*n_neighbors"
    with pytest.raises(ParamsError, match=key):
        fit(knn(**part), photos)


def test_settings_tried_counts_the_combinations_of_the_grid() -> None:
    assert settings_tried(knn(grid={"n_neighbors": [1, 2, 3], "weights": ["uniform", "distance"]})) == 6
    assert settings_tried(knn()) == 1


def test_only_the_dummy_goes_without_features() -> None:
    with pytest.raises(ValueError, match="set features to pixels, hog_colour, pooled or columns"):
        knn(features="none")


def test_a_row_that_needs_a_backbone_is_refused_without_one(photos: Photos) -> None:
    with pytest.raises(ParamsError, match=r"name it in baseline\.probes"):
        compute_features(load_classical("logistic"), photos[0])


def test_with_fewer_groups_than_folds_there_are_as_many_folds_as_groups(photos: Photos) -> None:
    images, labels = photos
    row, problem = knn(grid={"n_neighbors": [1, 3]}), Problem("multiclass", groups=np.arange(48) % 2)
    fitted = fit_classical("some_row", row, compute_features(row, images), labels, 3, 0, problem)
    assert fitted.folds == 2


def test_a_calibrated_model_that_was_tuned_in_groups_can_be_kept(photos: Photos, tmp_path: Path) -> None:
    images, labels = photos
    row, problem = small("svm_hog"), Problem("multiclass", groups=np.arange(48) // 2)
    fitted = fit_classical("svm_hog", row, compute_features(row, images), labels, 3, 0, problem)
    write_model(tmp_path / "model.skops", fitted.model)
    loaded = read_model(tmp_path / "model.skops")
    assert np.array_equal(loaded.predict_proba(images), fitted.model.predict_proba(images))


def test_a_regressor_is_refused_for_classes(photos: Photos) -> None:
    with pytest.raises(ParamsError, match=r"some_row\.estimator = 'Ridge': the data have classes"):
        fit(knn(estimator="Ridge"), photos)


def test_a_classifier_without_probabilities_is_refused_until_it_is_calibrated(photos: Photos) -> None:
    with pytest.raises(ParamsError, match=r"some_row\.estimator = 'RidgeClassifier': .*add `calibrated: true`"):
        fit(knn(estimator="RidgeClassifier"), photos)
    assert fit(knn(estimator="RidgeClassifier", calibrated=True), photos).model.predict_proba(photos[0]).shape == (
        48,
        3,
    )


@pytest.mark.parametrize(
    "row",
    [
        {"estimator": "ExtraTreesClassifier", "settings": {"n_estimators": 5}},
        {"estimator": "GaussianNB", "learned": ["theta_", "var_", "class_prior_"]},
        {"estimator": "LinearDiscriminantAnalysis"},
    ],
    ids=lambda row: row["estimator"],
)
def test_any_estimator_of_scikit_learn_is_reached_by_its_row_alone(
    row: dict[str, Any], photos: Photos, tmp_path: Path
) -> None:
    fitted, path = fit(knn(**row), photos), tmp_path / "model.skops"
    write_model(path, fitted.model)
    np.testing.assert_array_equal(read_model(path).predict_proba(photos[0]), fitted.model.predict_proba(photos[0]))
    assert fitted.parameters > 10


def test_what_a_row_says_of_counting_is_no_parameter_of_the_trial() -> None:
    row = load_classical("naive")
    assert row.learned and row.described() == {
        key: value for key, value in row.model_dump().items() if key != "learned"
    }
