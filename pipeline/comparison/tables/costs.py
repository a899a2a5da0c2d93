"""What training and answering cost, in operations: a cost that repeats from run to run and from machine to machine.

Seconds are for reading. They differ between two runs of the same parameters, so advice that weighed them would flip
with the clock. For networks, operations are counted (see evaluation/costs/flops.py). For classical models they are
estimated from what scikit-learn's estimators do; the weights stand for how much slower than a network's matrix products
such work runs, so that both kinds can be set against each other. An estimate need only be right within a few times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.comparison.tables.measurements import Measured

FORWARD_AND_BACKWARD = 3  # passes' worth of operations that one training step of a layer takes
PER_PARAMETER = 2  # a multiplication and an addition, where no count of operations is known
SLOWER = 7  # times: scikit-learn's numerical work against a network's matrix products
PASSES = 100  # of an iterative solver over its training examples
TREE = 1e8  # of growing one tree, however small
SORTED = 20  # for each example and feature that a split of a tree looks at
CALIBRATION_FITS = 5  # that a calibrated estimator makes of itself
FEATURES = {"none": 1, "last": 1, "pixels": 3072, "hog_colour": 708, "pooled": 2048}  # numbers, see classical.yaml


@dataclass(frozen=True)
class Work:
    """Operations: of training one seed, and of one answer."""

    training: float
    answer: float


@dataclass(frozen=True)
class Fit:
    """One fit of a classical model.

    Attributes:
        examples: that it is fitted to.
        features: numbers that describe an example.
        parameters: that it ends up with.
        trees: of an ensemble.
    """

    examples: float
    features: float
    parameters: float
    trees: float


def measure_work(measured: Sequence[Measured], dataset: Mapping[str, Any]) -> dict[str, Work]:
    """Of each candidate, by its name.

    Args:
        dataset: dataset.json.
    """
    backbones = _backbones([one for one in measured if one.trial.family != "classical"])
    return {one.name: _work(one, dataset, backbones.get(one.candidate.backbone or "", 0.0)) for one in measured}


def _backbones(measured: Sequence[Measured]) -> dict[str, float]:
    """Operations of each backbone, from the candidates that fine-tune it: a probe runs it too, but has no count."""
    counted = {one.candidate.backbone: one.metrics["size"].get("flops_per_image") for one in measured}
    return {backbone: float(count) for backbone, count in counted.items() if backbone and count}


def _work(one: Measured, dataset: Mapping[str, Any], backbone: float) -> Work:
    if one.trial.family == "classical":
        return _classical(one, dataset, backbone)
    answer = float(one.metrics["size"].get("flops_per_image") or PER_PARAMETER * one.parameters)
    return Work(training=answer * training_examples(one) * _passes(one), answer=answer)


def training_examples(one: Measured) -> float:
    """How many examples a seed trained on, on average."""
    return float((one.predictions["split"] == "train").sum()) / len(one.seeds)


def _passes(one: Measured) -> float:
    """Forward passes of the whole network that training amounts to, for each example and seed.

    What is frozen is computed once and kept; the rest runs forward and backward in every epoch. Which part of the work
    the trained layers do is taken from their share of the parameters.
    """
    shares = {phase["phase"]: _share(phase, one.parameters) for phase in one.trial.phases}
    epochs = one.history.groupby("phase")["epoch"].count() / len(one.seeds)
    trained = sum(FORWARD_AND_BACKWARD * shares.get(phase, 1.0) * count for phase, count in epochs.items())
    return 1.0 + float(trained)


def _share(phase: Mapping[str, Any], parameters: int) -> float:
    return 1.0 if phase["train"] == "all" else min(phase["trainable_parameters"] / max(parameters, 1), 1.0)


def _classical(one: Measured, dataset: Mapping[str, Any], backbone: float) -> Work:
    """The search for settings is part of its training: every setting is fitted to every fold."""
    row, tuning, examples = one.trial.parameters.get("model", {}), one.trial.tuning, training_examples(one)
    estimator = str(row.get("estimator", ""))
    fit = Fit(examples, _features(row, dataset), one.trial.parameter_counts["trainable"], _trees(row, dataset))
    training, answer = ESTIMATORS.get(estimator, (_iterative, _all_parameters))
    fits = 1 + tuning.get("settings_tried", 0) * tuning.get("folds", 0)
    fits *= CALIBRATION_FITS if row.get("calibrated") else 1
    return Work(SLOWER * training(fit) * fits + backbone * examples, SLOWER * answer(fit) + backbone)


def _features(row: Mapping[str, Any], dataset: Mapping[str, Any]) -> float:
    columns = max(len(dataset.get("columns", [])), 1)
    return float(FEATURES.get(row.get("features", ""), columns))


def _trees(row: Mapping[str, Any], dataset: Mapping[str, Any]) -> float:
    """A forest's; boosting grows one for each class in every iteration."""
    settings = row.get("settings", {})
    if "HistGradientBoosting" in row.get("estimator", ""):
        classes = len(dataset["class_names"])
        return float(settings.get("max_iter", 100) * (classes if classes > 2 else 1))
    return float(settings.get("n_estimators", 100))


def _nothing(fit: Fit) -> float:
    return fit.examples


def _iterative(fit: Fit) -> float:
    return PASSES * FORWARD_AND_BACKWARD * PER_PARAMETER * fit.examples * fit.parameters


def _normal_equations(fit: Fit) -> float:
    return PER_PARAMETER * fit.examples * fit.features**2


def _kernel(fit: Fit) -> float:
    return FORWARD_AND_BACKWARD * PER_PARAMETER * fit.examples**2 * fit.features


def _neighbours(fit: Fit) -> float:
    """Fitting keeps the examples; finding neighbours while settings are tried is what takes time."""
    return PER_PARAMETER * fit.examples**2 * fit.features


def _forest(fit: Fit) -> float:
    return _grown(fit, math.sqrt(fit.features))


def _boosting(fit: Fit) -> float:
    return _grown(fit, fit.features)


def _grown(fit: Fit, looked_at: float) -> float:
    return fit.trees * (TREE / SLOWER + SORTED * fit.examples * np.log2(fit.examples + 1) * looked_at)


def _all_parameters(fit: Fit) -> float:
    return PER_PARAMETER * fit.parameters


def _all_examples(fit: Fit) -> float:
    return PER_PARAMETER * fit.examples * fit.features


def _down_the_trees(fit: Fit) -> float:
    return SORTED * fit.trees * float(np.log2(fit.examples + 1))


def _one_number(fit: Fit) -> float:
    return 1.0


Operations = Callable[[Fit], float]
ESTIMATORS: dict[str, tuple[Operations, Operations]] = {  # of one fit, and of one answer; others are taken as iterative
    "DummyClassifier": (_nothing, _one_number),
    "DummyRegressor": (_nothing, _one_number),
    "RepeatLast": (_nothing, _one_number),
    "Ridge": (_normal_equations, _all_parameters),
    "SVC": (_kernel, _all_parameters),
    "SVR": (_kernel, _all_parameters),
    "KNeighborsClassifier": (_neighbours, _all_examples),
    "KNeighborsRegressor": (_neighbours, _all_examples),
    "RandomForestClassifier": (_forest, _down_the_trees),
    "RandomForestRegressor": (_forest, _down_the_trees),
    "HistGradientBoostingClassifier": (_boosting, _down_the_trees),
    "HistGradientBoostingRegressor": (_boosting, _down_the_trees),
}
