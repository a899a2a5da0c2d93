"""Rows of classical.yaml as tuned pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import skops.io
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline

from pipeline.models.archive import TRUSTED, UntrustedModelError, read_model
from pipeline.models.classical import (
    ESTIMATORS,
    Fitted,
    Problem,
    TooFewExamplesError,
    check_classes,
    compute_features,
    count_parameters,
    fit_classical,
    settings_tried,
    write_model,
)
from pipeline.params.reading import ParamsError
from pipeline.params.rows.classical import ClassicalModel, load_classical
from pipeline.params.rows.reading import row_names

Photos = tuple[np.ndarray, np.ndarray]
OF_PHOTOS = {name: row for name in row_names("classical.yaml") if "images" in (row := load_classical(name)).kinds}
ROWS = [name for name, row in OF_PHOTOS.items() if row.features != "pooled" and row.task == "classification"]


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
    assert count_parameters(one) == count_parameters(other) > 0


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
            ESTIMATORS[row.estimator](n_neighbors=count), compute_features(row, photos[0]), photos[1], cv=splitter
        ).mean()
        for count in (20, 5, 1)
    }
    assert sorted(scores.values())[-1] > sorted(scores.values())[-2], "one must be best, or nothing is chosen"
    assert fitted.chosen == {"n_neighbors": max(scores, key=lambda count: scores[count])}
    assert fitted.fold_score == pytest.approx(max(scores.values()))


def test_the_model_is_fitted_again_on_the_whole_training_split(photos: Photos) -> None:
    fitted = fit(knn(grid={"n_neighbors": [3, 5]}), photos)
    assert fitted.on_features.named_steps["estimator"].n_samples_fit_ == 48


def test_calibrating_leaves_the_most_probable_class_as_the_machine_decided(photos: Photos) -> None:
    row = small("svm_hog")
    calibrated = fit(row, photos).model.predict(photos[0])
    np.testing.assert_array_equal(
        calibrated, fit(row.model_copy(update={"calibrated": False}), photos).model.predict(photos[0])
    )


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


def test_a_linear_model_has_a_weight_a_feature_and_a_constant_for_each_class(photos: Photos) -> None:
    assert count_parameters(fit(small("logistic_hog"), photos)) == (708 + 1) * 3


def test_params_know_exactly_the_estimators_that_can_be_built() -> None:
    assert set(get_args(ClassicalModel.model_fields["estimator"].annotation)) == set(ESTIMATORS)


def test_only_the_dummy_goes_without_features() -> None:
    with pytest.raises(ValueError, match="set features to pixels, hog_colour, pooled or columns"):
        knn(features="none")


def test_a_file_with_a_type_of_its_own_is_not_built(tmp_path: Path) -> None:
    stranger = Pipeline([("estimator", GaussianProcessClassifier(optimizer=np.linalg.norm))])
    skops.io.dump(stranger, tmp_path / "model.skops")
    with pytest.raises(UntrustedModelError, match=r"model\.skops: holds numpy\.linalg.*which no model"):
        read_model(tmp_path / "model.skops")


def test_each_trusted_type_is_needed_by_some_row(photos: Photos, tmp_path: Path) -> None:
    needed = set()
    for name in ROWS:
        write_model(tmp_path / "model.skops", fit(small(name), photos).model)
        needed |= set(skops.io.get_untrusted_types(file=tmp_path / "model.skops"))
    needed |= {"pipeline.models.pooled.PooledFeatures"}  # tests/models/test_pooled.py
    needed |= {"numpy.dtype", "pipeline.models.columns.RepeatLast"}  # tests/models/test_row_models.py
    assert needed == set(TRUSTED)


def test_a_row_that_needs_a_backbone_is_refused_without_one(photos: Photos) -> None:
    with pytest.raises(ParamsError, match=r"name it in baseline\.probes"):
        compute_features(load_classical("logistic"), photos[0])


def test_folds_never_divide_a_group(photos: Photos) -> None:
    groups, labels = np.arange(48) // 4, photos[1]
    folds = Problem("multiclass", groups=groups).splitter(3, 0, labels)
    assert len(folds) == 3
    for learnt, validated in folds:
        assert not set(groups[learnt]) & set(groups[validated])
        assert sorted([*learnt, *validated]) == list(range(48))


def test_a_class_of_a_single_group_is_learned_in_every_fold_and_the_other_groups_stay_whole(
    photos: Photos, caplog: pytest.LogCaptureFixture
) -> None:
    labels = np.repeat([0, 1, 2], 16)
    groups = np.where(labels == 2, 99, np.arange(48) // 4)
    folds = Problem("multiclass", groups=groups).splitter(3, 0, labels)
    for learnt, validated in folds:
        assert set(labels[learnt]) == {0, 1, 2}
        assert (set(groups[learnt]) & set(groups[validated])) <= {99}
    assert "divides the groups of classes {2}" in caplog.text
    row = small("svm_hog")
    fit_classical("svm_hog", row, compute_features(row, photos[0]), labels, 3, 0, Problem("multiclass", groups=groups))


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
