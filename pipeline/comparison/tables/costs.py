"""What training and answering cost, in operations: a cost that repeats from run to run and from machine to machine.

Seconds are for reading. They differ between two runs of the same parameters, so advice that weighed them would flip
with the clock. For networks, operations are counted (see evaluation/costs/flops.py). For classical models they are
estimated (see classical_work.py). What is paid however small the model is, such as tracing a network, is counted as the
operations that a processor does meanwhile, about 1e11 a second: else a tiny network would seem cheaper than a logistic
regression, which it is not. An estimate need only be right within a few times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.comparison.tables.classical_work import (
    CALIBRATION_FITS,
    ESTIMATORS,
    FORWARD_AND_BACKWARD,
    OTHERS,
    PER_PARAMETER,
    SLOWER,
    Fit,
)
from pipeline.comparison.tables.ensembles.ensemble import Ensemble
from pipeline.comparison.tables.measurements import Measured

NETWORK, EPOCH, STEP = 1e11, 5e9, 1e8  # of building a network, of an epoch and of a step of it, however small
FIT = 2e9  # of one fit of a classical model, however small
ANSWER = 3e7  # of an answer, however simple
FEATURES = {"none": 1, "last": 1, "pixels": 3072, "hog_colour": 708, "pooled": 2048}  # numbers, see classical.yaml


@dataclass(frozen=True)
class Work:
    """Operations: of training one seed, and of one answer."""

    training: float
    answer: float


def measure_work(measured: Sequence[Measured], dataset: Mapping[str, Any]) -> dict[str, Work]:
    """Of each candidate, by its name.

    Args:
        measured: with the members of each ensemble.
        dataset: dataset.json.
    """
    trained = [one for one in measured if not isinstance(one, Ensemble)]
    backbones = _backbones([one for one in trained if one.trial.family != "classical"])
    work = {one.name: _work(one, dataset, backbones.get(one.candidate.backbone or "", 0.0)) for one in trained}
    return work | {one.name: _work_of_ensemble(one, work) for one in measured if isinstance(one, Ensemble)}


def _work_of_ensemble(one: Ensemble, work: Mapping[str, Work]) -> Work:
    """All its models, each trained and asked by itself; a soup is asked as one of them."""
    members = [work[name] for name in one.members]
    return Work(
        training=one.trainings_of_each * sum(member.training for member in members),
        answer=one.models_of_each * sum(member.answer for member in members),
    )


def _backbones(measured: Sequence[Measured]) -> dict[str, float]:
    """Operations of each backbone, from the candidates that fine-tune it: probes of earlier versions have no count."""
    counted = {one.candidate.backbone: one.metrics["size"].get("flops_per_image") for one in measured}
    return {backbone: float(count) for backbone, count in counted.items() if backbone and count}


def _work(one: Measured, dataset: Mapping[str, Any], backbone: float) -> Work:
    if one.trial.family == "classical":
        return _classical(one, dataset, backbone)
    answer = float(one.metrics["size"].get("flops_per_image") or PER_PARAMETER * one.parameters)
    examples = training_examples(one)
    training = NETWORK + answer * examples * _passes(one) + _small_change(one, examples)
    return Work(training=training, answer=ANSWER + answer)


def training_examples(one: Measured) -> float:
    """How many examples a seed trained on, on average."""
    return float((one.predictions["split"] == "train").sum()) / len(one.seeds)


def _passes(one: Measured) -> float:
    """Forward passes of the whole network that training amounts to, for each example and seed.

    What is frozen is computed once and kept, for the examples and for each altered view of them; the rest runs forward
    and backward in every epoch. Which part of the work the trained layers do is taken from their share of parameters;
    where a single block is trained, all above it is passed through too, and blocks count alike.
    """
    blocks = len(one.trial.parameters.get("blocks", []))
    shares = {phase["phase"]: _share(phase, one.parameters, blocks) for phase in one.trial.phases}
    epochs = one.history.groupby("phase")["epoch"].count() / len(one.seeds)
    trained = sum(FORWARD_AND_BACKWARD * shares.get(phase, 1.0) * count for phase, count in epochs.items())
    tried = FORWARD_AND_BACKWARD * one.trial.tuning.get("cost", 0.0)  # settings beside the chosen one, in epochs of all
    is_frozen = any(phase["train"] != "all" for phase in one.trial.phases)
    kept = 1 + (_training(one).get("augmentation", {}).get("views", 0) if is_frozen else 0)
    return kept + float(trained + tried)


def _training(one: Measured) -> Mapping[str, Any]:
    return one.trial.parameters.get("training", {})


def _small_change(one: Measured, examples: float) -> float:
    """What epochs and their steps take beside the network's own operations, those of settings that were tried too."""
    steps = math.ceil(examples / _training(one).get("batch_size", 32))
    tuning = one.trial.tuning
    tried = sum(entry["epochs"] for entry in tuning.get("tried", []) if entry["name"] != tuning["chosen"])
    return (len(one.history) / len(one.seeds) + tried) * (EPOCH + STEP * steps)


def _share(phase: Mapping[str, Any], parameters: int, blocks: int) -> float:
    """
    Args:
        blocks: how many the backbone has; 0 where that is unknown.
    """
    word, _, number = phase["train"].partition(" ")
    if word == "all" or (word == "block" and not blocks):
        return 1.0
    if word == "block":
        return (blocks - int(number) + 1) / blocks
    return min(phase["trainable_parameters"] / max(parameters, 1), 1.0)


def _classical(one: Measured, dataset: Mapping[str, Any], neighbours: float) -> Work:
    """The search for settings is part of its training: every setting is fitted to every fold.

    Settings are tried uncalibrated; only the chosen one is fitted again for its probabilities.

    Args:
        neighbours: operations of the backbone as those count them that fine-tune it, where the probe itself has none.
    """
    backbone = float(one.metrics["size"].get("flops_per_image") or neighbours)
    row, tuning, examples = one.trial.parameters.get("model", {}), one.trial.tuning, training_examples(one)
    fit = Fit(examples, _features(row, dataset), one.trial.parameter_counts["trainable"], _trees(row, dataset))
    operations = ESTIMATORS.get(str(row.get("estimator", "")), OTHERS)
    fits = 1 + tuning.get("settings_tried", 0) * tuning.get("folds", 0)
    calibration = CALIBRATION_FITS if row.get("calibrated") else 0
    return Work(
        training=fits * FIT + (fits + calibration) * SLOWER * operations.of_fit(fit) + backbone * examples,
        answer=ANSWER + SLOWER * operations.of_answer(fit) + backbone,
    )


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
