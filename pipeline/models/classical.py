"""Classical models: a row of classical.yaml becomes a tuned scikit-learn pipeline on raw photos, or rows of a table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import ZIP_DEFLATED

import numpy as np
import skops.io
from joblib import parallel_config
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from pipeline.files import replacing
from pipeline.models.columns import Layout, RepeatLast, column_encoder
from pipeline.models.features import HogColour, ReducedPixels
from pipeline.params.reading import ParamsError
from pipeline.params.rows.classical import ClassicalModel
from pipeline.params.vocabulary import Kind
from pipeline.tasks import task_named

ESTIMATORS: dict[str, type[BaseEstimator]] = {
    kind.__name__: kind
    for kind in (
        DummyClassifier,
        DummyRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        KNeighborsClassifier,
        KNeighborsRegressor,
        LogisticRegression,
        RandomForestClassifier,
        RandomForestRegressor,
        RepeatLast,
        Ridge,
        SVC,
        SVR,
    )
}
FEATURES: dict[str, type[BaseEstimator]] = {"pixels": ReducedPixels, "hog_colour": HogColour}
Splitter: TypeAlias = Any  # StratifiedKFold, KFold, TimeSeriesSplit, or the folds themselves


log = logging.getLogger("kiyas")


class TooFewExamplesError(ValueError):
    """A class has too few examples to be learnt and tuned on."""


@dataclass(frozen=True)
class Problem:
    """What a classical model is fitted to, beside the examples themselves.

    Attributes:
        layout: of the columns of a table or a series; None for photos.
        groups: (N,) equal for examples that no fold may divide; None where each is on its own.
    """

    task: str
    kind: Kind = "images"
    layout: Layout | None = None
    groups: NDArray[Any] | None = None

    @property
    def has_classes(self) -> bool:
        return task_named(self.task).has_classes

    def splitter(self, folds: int, seed: int, labels: NDArray[Any]) -> Splitter:
        """Folds of cross-validation; of a series each is validated on what comes after what it is fitted to."""
        if self.kind == "series":
            return TimeSeriesSplit(folds)
        if self.groups is not None and len(np.unique(self.groups)) > 1:
            return self._folds_of_groups(folds, seed, labels)
        kind = StratifiedKFold if self.has_classes else KFold
        return kind(folds, shuffle=True, random_state=seed)

    def _folds_of_groups(self, folds: int, seed: int, labels: NDArray[Any]) -> Splitter:
        """Groups stay whole, save those of a class that some fold would not learn: all of it in one group, say."""
        groups = np.unique(np.asarray(self.groups), return_inverse=True)[1]
        whole = StratifiedGroupKFold if self.has_classes else GroupKFold
        divided: set[int] = set()
        while True:
            dealer = whole(min(folds, len(np.unique(groups))), shuffle=True, random_state=seed)
            dealt = list(dealer.split(labels, labels, groups))
            missed = _missed(labels, dealt) if self.has_classes else set()
            if not missed:
                return dealt
            if missed <= divided:  # too few examples to be in every fold's learning part by chance
                return StratifiedKFold(folds, shuffle=True, random_state=seed)
            divided |= missed
            log.warning("cross-validation divides the groups of classes %s: they stand in too few groups", divided)
            alone = groups.max() + 1 + np.arange(len(groups))
            groups = np.where(np.isin(labels, list(divided)), alone, groups)


def _missed(labels: NDArray[Any], folds: list[tuple[NDArray[Any], NDArray[Any]]]) -> set[int]:
    """The classes that the learning part of some fold lacks."""
    every = set(labels.tolist())
    return set().union(*(every - set(labels[learned].tolist()) for learned, _ in folds))


CLASSES_OF_PHOTOS = Problem("multiclass")


@dataclass(frozen=True)
class Fitted:
    """One classical model after tuning.

    Attributes:
        on_features: the pipeline behind the features; takes rows of `compute_features`.
        model: the whole pipeline, features included; takes raw (N, H, W, 3) uint8 images, or (N, columns) rows.
        chosen: the hyperparameters that cross-validation chose; empty without a grid.
        folds: the number of folds used (fewer than asked for where a class is small); 0 without a grid.
        fold_score: mean accuracy (or RMSE) of the chosen hyperparameters over the folds; None without a grid.
    """

    on_features: Pipeline
    model: Pipeline
    chosen: dict[str, Any]
    folds: int
    fold_score: float | None

    def outputs(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """(N, F) rows of `compute_features` → (N, classes) probabilities, or (N, 1) predicted numbers."""
        with threadpool_limits(1):
            if hasattr(self.on_features, "predict_proba"):
                return self.on_features.predict_proba(features)
            return np.asarray(self.on_features.predict(features), dtype=np.float64)[:, None]


def compute_features(row: ClassicalModel, inputs: NDArray[Any]) -> NDArray[np.floating]:
    """Photos (N, H, W, 3) uint8 → the (N, F) float32 matrix that the row's estimator learns from; a table's rows
    as they are, since what is done to them is learned from training rows, and so part of the pipeline.

    Raises:
        ParamsError: the row learns from a backbone's features, which are not computed from the images alone.
    """
    if row.features == "pooled":
        raise ParamsError(
            "params.yaml: baseline.models names a row of pipeline/models/classical.yaml with `features: pooled`, which "
            "needs a backbone; name it in baseline.probes"
        )
    if row.features == "none":
        return np.zeros((len(inputs), 1), dtype=np.float32)
    if row.features in FEATURES:
        return FEATURES[row.features]().transform(inputs)
    return inputs


def fit_classical(
    name: str,
    row: ClassicalModel,
    features: NDArray[np.floating],
    labels: NDArray[Any],
    folds: int,
    seed: int,
    problem: Problem = CLASSES_OF_PHOTOS,
    extractor: BaseEstimator | None = None,
) -> Fitted:
    """Choose hyperparameters by cross-validation on these examples, then fit on all of them.

    Args:
        name: the row's name, for messages.
        features: (N, F) rows of `compute_features`, of the training split only.
        labels: (N,) class numbers, at least two examples of each (see `check_classes`); or numbers to predict.
        folds: cross-validation folds; no more than the smallest class has examples.
        extractor: makes such features of raw images; the row's own where it is left out.

    Raises:
        ParamsError: the row gives its estimator an argument that it does not have.
    """
    folds = min(folds, int(np.bincount(labels).min()) if problem.has_classes else len(labels) // 2)
    splitter = problem.splitter(folds, seed, labels)
    folds = len(splitter) if isinstance(splitter, list) else folds
    pipeline = _build(name, row, seed, problem)
    # One thread a fit, several fits at once: with a few hundred examples threads within a fit mostly wait for each
    # other, and what comes out does not depend on the number of cores.
    with threadpool_limits(1):
        scoring = task_named(problem.task).scoring
        chosen, fold_score = _search(row, pipeline, features, labels, splitter, scoring)
        pipeline.set_params(**{f"{_prefix(row)}{key}": value for key, value in chosen.items()})
        if row.calibrated:
            pipeline = _calibrated(pipeline, splitter)
        pipeline.fit(features, labels)
    return Fitted(
        pipeline, _from_images(extractor or _extractor(row), pipeline), chosen, folds if chosen else 0, fold_score
    )


def write_model(path: Path, model: Pipeline) -> None:
    """A `.skops` file, for `archive.read_model`."""
    with replacing(path) as temporary:
        skops.io.dump(model, temporary, compression=ZIP_DEFLATED)


def check_classes(labels: NDArray[np.int64], class_names: Sequence[str], seed: int) -> None:
    """Raises TooFewExamplesError unless the training split holds two examples of each class, to tune and to fit on."""
    counts = np.bincount(labels, minlength=len(class_names))
    lacking = [f"{name} ({count})" for name, count in zip(class_names, counts, strict=True) if count < 2]
    if lacking:
        raise TooFewExamplesError(
            f"too few examples left for training with seed {seed}: {', '.join(lacking)}; a classical model needs at "
            "least 2 of each class: add some, or merge or remove these classes"
        )


def settings_tried(row: ClassicalModel) -> int:
    """How many combinations of hyperparameters the row's grid holds."""
    return prod(len(values) for values in row.grid.values())


def count_parameters(fitted: Fitted) -> int:
    """How many numbers the fit left in the estimator: weights, tree nodes' numbers, or the examples it remembers."""
    estimator = fitted.on_features.named_steps["estimator"]
    if isinstance(estimator, CalibratedClassifierCV):
        estimator = estimator.calibrated_classifiers_[0].estimator.named_steps["estimator"]
    if isinstance(estimator, TransformedTargetRegressor):
        estimator = estimator.regressor_
    match estimator:
        case LogisticRegression() | Ridge():
            return int(np.size(estimator.coef_) + np.size(estimator.intercept_))
        case SVC() | SVR():
            return int(estimator.support_vectors_.size + estimator.dual_coef_.size + estimator.intercept_.size)
        case KNeighborsClassifier() | KNeighborsRegressor():
            return int(estimator.n_samples_fit_ * (estimator.n_features_in_ + 1))
        case RandomForestClassifier() | RandomForestRegressor():
            outputs = len(getattr(estimator, "classes_", (None,)))
            return sum(tree.tree_.node_count * (2 + outputs) for tree in estimator.estimators_)
        case HistGradientBoostingClassifier() | HistGradientBoostingRegressor():
            return sum(3 * len(tree.nodes) for stage in estimator._predictors for tree in stage)
        case _:
            return 1


def _build(name: str, row: ClassicalModel, seed: int, problem: Problem) -> Pipeline:
    kind = ESTIMATORS[row.estimator]
    known = kind().get_params()
    for part in ("settings", "grid"):
        for key, value in getattr(row, part).items():
            if key not in known:
                raise ParamsError(
                    f"pipeline/models/classical.yaml: {name}.{part}.{key} = {value!r}: {row.estimator} has no such "
                    f"argument; it has {', '.join(sorted(known))}"
                )
    seeding = {"random_state": seed} if "random_state" in known else {}
    encoder = (
        [("columns", column_encoder(problem.layout, problem.has_classes))]
        if row.features == "columns" and problem.layout
        else []
    )
    scaler = [("scale", StandardScaler())] if row.scale else []
    estimator = kind(**{**seeding, **row.settings})
    if row.scale_target:
        estimator = TransformedTargetRegressor(estimator, transformer=StandardScaler())
    return Pipeline([*encoder, *scaler, ("estimator", estimator)])


def _search(
    row: ClassicalModel,
    pipeline: Pipeline,
    features: NDArray[np.floating],
    labels: NDArray[Any],
    splitter: Splitter,
    scoring: str,
) -> tuple[dict[str, Any], float | None]:
    """The most accurate hyperparameters of the grid over the folds, and their mean accuracy (or RMSE)."""
    if not row.grid:
        return {}, None
    prefix = _prefix(row)
    grid = {f"{prefix}{key}": values for key, values in row.grid.items()}
    search = GridSearchCV(pipeline, grid, scoring=scoring, cv=splitter, refit=False)
    with parallel_config("loky", n_jobs=-1, inner_max_num_threads=1):
        search.fit(features, labels)
    chosen = {key.removeprefix(prefix): value for key, value in search.best_params_.items()}
    return chosen, abs(float(search.best_score_))


def _prefix(row: ClassicalModel) -> str:
    """Where the pipeline has the estimator's arguments."""
    return "estimator__regressor__" if row.scale_target else "estimator__"


def _calibrated(pipeline: Pipeline, splitter: Splitter) -> Pipeline:
    """Probabilities by temperature scaling (Guo et al. 2017) of decisions on held-out folds; one final fit on all."""
    return Pipeline(
        [("estimator", CalibratedClassifierCV(pipeline, method="temperature", cv=splitter, ensemble=False))]
    )


def _extractor(row: ClassicalModel) -> BaseEstimator | None:
    return FEATURES[row.features]() if row.features in FEATURES else None


def _from_images(extractor: BaseEstimator | None, pipeline: Pipeline) -> Pipeline:
    features = [] if extractor is None else [("features", extractor)]
    return Pipeline([*features, *pipeline.steps])
