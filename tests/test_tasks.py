"""Tasks: what each one asks of a network's last layer, and what it is measured by."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.tasks import TASKS, deviation_of, task_for, task_named


def test_numbers_that_do_not_vary_have_one_as_their_unit() -> None:
    assert np.full(37, 36.6).std() > 0, "rounding leaves a trace"
    assert deviation_of(np.full(37, 36.6)) == 1.0
    assert deviation_of(np.array([1.0, 3.0])) == 1.0
    assert deviation_of(np.array([10.0, 30.0])) == 10.0


def test_a_task_is_measured_by_its_own_loss_and_score() -> None:
    numbers, classes = task_named("regression"), task_named("binary")
    targets, predicted = np.array([0.0, 10.0]), np.array([[3.0], [6.0]])
    assert numbers.measure_loss(targets, predicted) == pytest.approx(12.5)
    assert numbers.measure_score(targets, predicted) == pytest.approx(np.sqrt(12.5))
    labels, probabilities = np.array([0, 1]), np.array([[0.8, 0.2], [0.6, 0.4]])
    assert classes.measure_loss(labels, probabilities) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert classes.measure_score(labels, probabilities) == 0.5


def test_two_classes_and_numbers_take_one_unit_and_several_classes_one_each() -> None:
    assert {name: task.units(7) for name, task in TASKS.items()} == {"multiclass": 7, "binary": 1, "regression": 1}


def test_the_number_of_classes_says_which_task_it_is() -> None:
    assert [task_for(classes).name for classes in (0, 2, 3)] == ["regression", "binary", "multiclass"]


def test_keras_and_the_columns_call_the_score_alike() -> None:
    metric = task_named("regression").keras_metric()
    assert not isinstance(metric, str) and metric.name == "rmse"
    assert task_named("multiclass").keras_metric() == "accuracy"


def test_smoothed_targets_of_two_classes_count_as_the_classes_that_they_stand_for() -> None:
    metric = task_named("binary").keras_metric()
    assert not isinstance(metric, str) and metric.name == "accuracy"
    outputs = np.array([[0.1], [0.6], [0.7], [0.2]], np.float32)
    for targets in ([0, 1, 0, 0], [0.05, 0.95, 0.05, 0.05]):
        metric.reset_state()
        metric.update_state(np.array(targets, np.float32)[:, None], outputs)
        assert float(metric.result()) == 0.75


def test_an_unknown_task_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'ordinal': there is no such task; known: multiclass, binary, regression"):
        task_named("ordinal")
