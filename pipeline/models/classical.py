"""Classical models: a row of classical.yaml becomes a tuned scikit-learn pipeline on raw photos, or rows of a table."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from joblib import cpu_count, parallel_config
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from pipeline.models.estimators import ROWS, make_estimator
from pipeline.models.features.columns import column_encoder
from pipeline.models.features.photos import HogColour, ReducedPixels
from pipeline.models.folds import CLASSES_OF_PHOTOS, Problem, Splitter
from pipeline.models.parameter_counts import count_parameters
from pipeline.params.schema.classical import ClassicalModel
from pipeline.params.schema.reading import ParamsError
from pipeline.tasks import task_named

PROCESSES_START = 4.0  # seconds, on two slow cores
PARTS = (8, 4)  # one in so many examples, which are fitted to see how long a fit takes, and how that grows
STEEPEST = 8.0  # times as long for twice as many: the third power, of which kernels are the worst case
FEW = 1000  # examples, of which every search is short

FEATURES: dict[str, type[BaseEstimator]] = {"pixels": ReducedPixels, "hog_colour": HogColour}


FEWEST_NUMBERS = 6  # of a fold that is fitted, three are the fewest neighbours in a grid


class TooFewExamplesError(ValueError):
    """A class has too few examples to be learnt and tuned on."""


@dataclass(frozen=True)
class Fitted:
    """One classical model after tuning.

    Attributes:
        on_features: the pipeline behind the features; takes rows of `compute_features`.
        model: the whole pipeline, features included; takes raw (N, H, W, 3) uint8 images, or (N, columns) rows.
        chosen: the hyperparameters that cross-validation chose; empty without a grid.
        folds: the number of folds used (fewer than asked for where a class is small); 0 without a grid.
        fold_score: mean accuracy (or RMSE) of the chosen hyperparameters over the folds; None without a grid.
        parameters: how many numbers the fit left in the estimator.
        search_seconds: that cross-validation took.
    """

    on_features: Pipeline
    model: Pipeline
    chosen: dict[str, Any]
    folds: int
    fold_score: float | None
    parameters: int
    search_seconds: float = 0.0

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
        ParamsError: the row names an estimator that cannot be used so, or gives it an argument that it does not have.
    """
    folds = min(folds, int(np.bincount(labels).min()) if problem.has_classes else len(labels) // 2)
    splitter = problem.splitter(folds, seed, labels)
    folds = len(splitter) if isinstance(splitter, list) else folds
    pipeline = _build(name, row, seed, problem)
    # One thread a fit, several fits at once where they take long: with a few hundred examples threads within a fit
    # mostly wait for each other, and what comes out does not depend on the number of cores.
    with threadpool_limits(1):
        scoring = task_named(problem.task).scoring
        started = time.perf_counter()
        chosen, fold_score = _search(row, pipeline, features, labels, splitter, folds, scoring)
        search_seconds = time.perf_counter() - started
        pipeline.set_params(**{f"{_prefix(row)}{key}": value for key, value in chosen.items()})
        if row.calibrated:
            pipeline = _calibrated(pipeline, splitter)
        pipeline.fit(features, labels)
    return Fitted(
        on_features=pipeline,
        model=_from_images(extractor or _extractor(row), pipeline),
        chosen=chosen,
        folds=folds if chosen else 0,
        fold_score=fold_score,
        parameters=_parameters(name, row, pipeline),
        search_seconds=search_seconds if chosen else 0.0,
    )


def _parameters(name: str, row: ClassicalModel, pipeline: Pipeline) -> int:
    """What learns without features says the same of everything, which counts as one number."""
    return 1 if row.features == "none" else count_parameters(pipeline.named_steps["estimator"], row.learned, name)


def check_count(count: int, seed: int) -> None:
    """Raises TooFewExamplesError unless there are enough numbers to learn from in two folds."""
    if count < FEWEST_NUMBERS:
        raise TooFewExamplesError(
            f"too few examples left for training with seed {seed}: {count}; a classical model of numbers needs at "
            f"least {FEWEST_NUMBERS}: add some, or leave out small shares (study.fractions)"
        )


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


def _build(name: str, row: ClassicalModel, seed: int, problem: Problem) -> Pipeline:
    known = refuse_unfit_row(name, row, problem.has_classes)
    seeding = {"random_state": seed} if "random_state" in known else {}
    encoder = (
        [("columns", column_encoder(problem.layout, problem.has_classes))]
        if row.features == "columns" and problem.layout
        else []
    )
    scaler = [("scale", StandardScaler())] if row.scale else []
    estimator = make_estimator(row.estimator, name, {**seeding, **row.settings})
    if row.scale_target:
        estimator = TransformedTargetRegressor(estimator, transformer=StandardScaler())
    return Pipeline([*encoder, *scaler, ("estimator", estimator)])


def refuse_unfit_row(name: str, row: ClassicalModel, has_classes: bool) -> dict[str, Any]:
    """
    Args:
        has_classes: whether there are classes to tell apart; else numbers to predict.

    Returns:
        The estimator's arguments with the values that scikit-learn gives them.

    Raises:
        ParamsError: there is no such estimator, it lacks an argument that the row gives it, it is for another task, or
            it has no probabilities and is not calibrated.
    """
    known: dict[str, Any] = make_estimator(row.estimator, name, {}).get_params()
    _refuse_unknown_arguments(name, row, known)
    _refuse_unfit(name, row, make_estimator(row.estimator, name, row.settings), has_classes)
    return known


def _refuse_unknown_arguments(name: str, row: ClassicalModel, known: dict[str, Any]) -> None:
    for part in ("settings", "grid"):
        for key, value in getattr(row, part).items():
            if key not in known:
                raise ParamsError(
                    f"{ROWS}: {name}.{part}.{key} = {value!r}: {row.estimator} has no such argument; it has "
                    f"{', '.join(sorted(known))}"
                )


def _refuse_unfit(name: str, row: ClassicalModel, estimator: BaseEstimator, has_classes: bool) -> None:
    """An estimator for another task, or one of classes that has no probabilities and is not calibrated."""
    if is_classifier(estimator) != has_classes:
        wanted = "classes, and it predicts numbers" if has_classes else "numbers, and it tells classes apart"
        raise ParamsError(f"{ROWS}: {name}.estimator = {row.estimator!r}: the data have {wanted}; name another row")
    if has_classes and not row.calibrated and not hasattr(estimator, "predict_proba"):
        raise ParamsError(
            f"{ROWS}: {name}.estimator = {row.estimator!r}: has no probabilities of its own; add `calibrated: true`"
        )


def _search(
    row: ClassicalModel,
    pipeline: Pipeline,
    features: NDArray[np.floating],
    labels: NDArray[Any],
    splitter: Splitter,
    folds: int,
    scoring: str,
) -> tuple[dict[str, Any], float | None]:
    """The most accurate hyperparameters of the grid over the folds, and their mean accuracy (or RMSE)."""
    if not row.grid:
        return {}, None
    prefix = _prefix(row)
    grid = {f"{prefix}{key}": values for key, values in row.grid.items()}
    search = GridSearchCV(pipeline, grid, scoring=scoring, cv=splitter, refit=False)
    processes = -1 if takes_long(pipeline, features, labels, settings_tried(row) * folds) else 1
    with parallel_config("loky", n_jobs=processes, inner_max_num_threads=1):
        search.fit(features, labels)
    chosen = {key.removeprefix(prefix): value for key, value in search.best_params_.items()}
    return chosen, abs(float(search.best_score_))


def takes_long(pipeline: BaseEstimator, features: NDArray[np.floating], labels: NDArray[Any], fits: int) -> bool:
    """Whether processes save more of so many fits, each with its score, than it takes to start them.

    An eighth and a quarter of the examples tell, fitted to and predicted once each.

    Only how long it takes hangs on the answer. Threads would start at once, but some estimators draw from one source of
    random numbers for the whole process, so that threads would not repeat.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            of_parts = [_seconds_of_fit(clone(pipeline), features, labels, part) for part in PARTS]
    except Exception:  # too few for such an estimator; or it fails on all of them too, which the search will tell
        return len(labels) > FEW
    # What the first of them loads and warms up makes the growth look smaller, which matters for short fits alone.
    growth = np.clip(of_parts[1] / max(of_parts[0], 1e-9), 1.0, STEEPEST)
    seconds = fits * of_parts[1] * growth ** np.log2(PARTS[1])
    return bool(seconds * (1 - 1 / cpu_count()) > PROCESSES_START)


def _seconds_of_fit(pipeline: BaseEstimator, features: NDArray[np.floating], labels: NDArray[Any], part: int) -> float:
    """Processor seconds, since what else the machine does changes them little."""
    few = _some(labels, part, is_classifier(pipeline))
    started = time.process_time()
    pipeline.fit(features[few], labels[few]).predict(features[few])
    return time.process_time() - started


def _some(labels: NDArray[Any], part: int, has_classes: bool) -> NDArray[np.int64]:
    """Rows of one in so many examples; of each class two at least, where it has as many."""
    order = np.argsort(labels, kind="stable")
    if not has_classes:
        return order[::part]
    _, first, counts = np.unique(labels[order], return_index=True, return_counts=True)
    place = np.arange(len(labels)) - np.repeat(first, counts)  # of each within its class
    return order[(place % part == 0) | (place < 2)]


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
