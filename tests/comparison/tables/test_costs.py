"""Cost that the advice weighs: operations, whatever the clock said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.comparison.tables.costs import ANSWER, EPOCH, NETWORK, STEP, measure_work
from pipeline.comparison.tables.measurements import Measured, read_measurements
from pipeline.ground.files import read_json
from pipeline.params.training.candidates import Candidate


@pytest.fixture
def measured(small: list[Candidate]) -> dict[str, Measured]:
    return {one.name: one for one in read_measurements(small)}


def dataset() -> dict[str, Any]:
    return dict(read_json(Path("data/prepared/dataset.json")))


def counted(one: Measured, flops: int) -> Measured:
    return replace(one, metrics=one.metrics | {"size": one.metrics["size"] | {"flops_per_image": flops}})


def fitted(one: Measured, **row: Any) -> Measured:
    return replace(one, trial=replace(one.trial, parameters={"model": row}))


def test_a_network_costs_its_operations_times_examples_and_passes(measured: dict[str, Measured]) -> None:
    """160 training examples, 30 epochs of everything: once to begin with, then three passes' worth an epoch."""
    million = 10**6
    work = measure_work([counted(measured["cnn-lecture"], million)], dataset())["cnn-lecture"]
    assert work.answer == ANSWER + million
    steps = 30 * 5  # of 32 examples
    small_change = NETWORK + 30 * EPOCH + steps * STEP
    assert work.training == pytest.approx(small_change + million * 160 * (1 + 3 * 30))


def test_frozen_layers_are_computed_once(measured: dict[str, Measured]) -> None:
    million = 10**6
    whole = counted(measured["finetune-vgg16-full"], million)
    head = [{"phase": 1, "train": "head", "trainable_parameters": whole.parameters // 100}]
    probe = replace(whole, trial=replace(whole.trial, phases=head))
    costs = [measure_work([one], dataset())["finetune-vgg16-full"].training for one in (whole, probe)]
    assert costs[0] - costs[1] == pytest.approx(million * 160 * 3 * 6 * 0.99, rel=1e-3)
    assert costs[1] > NETWORK + million * 160


@pytest.mark.parametrize(("train", "share"), [("block 1", 1.0), ("block 4", 0.4), ("block 5", 0.2)])
def test_above_a_single_block_that_is_trained_all_is_passed_through(
    measured: dict[str, Measured], train: str, share: float
) -> None:
    million = 10**6
    whole = counted(measured["finetune-vgg16-full"], million)
    parameters = whole.trial.parameters | {"blocks": ["a", "b", "c", "d", "e"]}
    phases = [{"phase": 1, "train": train, "trainable_parameters": whole.parameters // 100}]
    surgical = replace(whole, trial=replace(whole.trial, phases=phases, parameters=parameters))
    costs = [measure_work([one], dataset())["finetune-vgg16-full"].training for one in (whole, surgical)]
    assert costs[0] - costs[1] == pytest.approx(million * 160 * 3 * 6 * (1 - share), abs=1)


@pytest.mark.parametrize(("train", "kept"), [("head", 9), ("all", 1)])
def test_what_is_frozen_is_computed_once_for_each_altered_view_too(
    measured: dict[str, Measured], train: str, kept: int
) -> None:
    million, one = 10**6, counted(measured["finetune-vgg16-full"], 10**6)
    phases = [{"phase": 1, "train": train, "trainable_parameters": one.parameters // 100}]
    settings = one.trial.parameters["training"] | {"augmentation": {"views": 8}}
    plain = replace(one, trial=replace(one.trial, phases=phases))
    altered = replace(one, trial=replace(plain.trial, parameters=one.trial.parameters | {"training": settings}))
    costs = [measure_work([each], dataset())["finetune-vgg16-full"].training for each in (plain, altered)]
    assert costs[1] - costs[0] == pytest.approx(million * 160 * (kept - 1))


def test_epochs_of_settings_that_were_tried_are_paid_for(measured: dict[str, Measured]) -> None:
    plain = measured["cnn-lecture"]
    tried = [{"name": "recipe", "epochs": 100}, {"name": "rate", "epochs": 50}, {"name": "decay", "epochs": 30}]
    tuned = replace(plain, trial=replace(plain.trial, tuning={"cost": 0.0, "chosen": "rate", "tried": tried}))
    costs = [measure_work([one], dataset())["cnn-lecture"].training for one in (plain, tuned)]
    assert costs[1] - costs[0] == pytest.approx(130 * (EPOCH + 5 * STEP))


def test_a_probe_pays_for_the_backbone_that_it_runs_on(measured: dict[str, Measured]) -> None:
    svm = measured["classical-svm_hog"]
    probe = replace(svm, candidate=replace(svm.candidate, backbone="vgg16"))
    alone = measure_work([svm], dataset())[svm.name]
    beside = measure_work([probe, counted(measured["finetune-vgg16-full"], 10**9)], dataset())[svm.name]
    assert beside.answer == pytest.approx(alone.answer + 10**9)
    assert beside.training == pytest.approx(alone.training + 160 * 10**9)


def test_a_probe_alone_pays_for_its_backbone_by_its_own_count(measured: dict[str, Measured]) -> None:
    svm = measured["classical-svm_hog"]
    probe = replace(counted(svm, 10**9), candidate=replace(svm.candidate, backbone="vgg16"))
    alone, with_backbone = (measure_work([one], dataset())[svm.name] for one in (svm, probe))
    assert with_backbone.answer == pytest.approx(alone.answer + 10**9)
    assert with_backbone.training == pytest.approx(alone.training + 160 * 10**9)


@pytest.mark.parametrize(
    ("cheaper", "dearer"),
    [
        ("DummyClassifier", "KNeighborsClassifier"),
        ("KNeighborsClassifier", "SVC"),
        ("Ridge", "LogisticRegression"),
        ("RandomForestClassifier", "HistGradientBoostingClassifier"),
    ],
)
def test_classical_models_are_estimated_by_what_they_do(
    measured: dict[str, Measured], cheaper: str, dearer: str
) -> None:
    svm = measured["classical-svm_hog"]
    costs = [
        measure_work([fitted(svm, estimator=estimator, features="hog_colour")], dataset())[svm.name].training
        for estimator in (cheaper, dearer)
    ]
    assert costs[0] < costs[1]


def test_a_tiny_network_is_not_cheaper_than_a_logistic_regression(measured: dict[str, Measured]) -> None:
    """Tracing it and its epochs take longer than their operations do."""
    svm = measured["classical-svm_hog"]
    logistic = fitted(svm, estimator="LogisticRegression", features="none")
    logistic = replace(logistic, trial=replace(logistic.trial, parameter_counts={"total": 15, "trainable": 15}))
    tiny = counted(measured["cnn-lecture"], 100)
    costs = measure_work([logistic, tiny], dataset())
    assert costs[logistic.name].training < costs[tiny.name].training


def test_every_setting_that_was_tried_counts(measured: dict[str, Measured]) -> None:
    svm = measured["classical-svm_hog"]
    once = replace(svm, trial=replace(svm.trial, tuning={}))
    costs = [measure_work([one], dataset())[svm.name].training for one in (once, svm)]
    assert costs[1] == pytest.approx(costs[0] * (1 + 12 * 5))


def test_only_the_setting_that_was_chosen_is_calibrated(measured: dict[str, Measured]) -> None:
    svm = measured["classical-svm_hog"]
    models = [{"estimator": "SVC", "features": "hog_colour", "calibrated": calibrated} for calibrated in (False, True)]
    once, many = {}, svm.trial.tuning
    work = {
        (bool(tuning), model["calibrated"]): measure_work(
            [replace(svm, trial=replace(svm.trial, parameters={"model": model}, tuning=tuning))], dataset()
        )[svm.name].training
        for tuning in (once, many)
        for model in models
    }
    of_calibration = work[False, True] - work[False, False]
    assert of_calibration > 0
    assert work[True, True] - work[True, False] == pytest.approx(of_calibration)


def test_seconds_are_not_looked_at(small: list[Candidate], simulation: SimpleNamespace) -> None:
    measured = read_measurements(small)
    slow = [replace(one, cost={"seeds": {}}, latency={}) for one in measured]
    assert measure_work(slow, dataset()) == measure_work(measured, dataset())
