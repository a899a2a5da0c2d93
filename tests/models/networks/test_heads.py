"""The head fits the task: units, activation, targets and loss go together."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.models.networks.heads import head_for


def test_several_classes_get_softmax_and_one_hot_targets() -> None:
    head = head_for("multiclass", 3)
    assert (head.units, head.task.activation, head.task.loss) == (3, "softmax", "categorical_crossentropy")
    np.testing.assert_array_equal(head.targets(np.array([2, 0])), [[0, 0, 1], [1, 0, 0]])


def test_two_classes_get_one_sigmoid_unit_and_a_column_of_targets() -> None:
    head = head_for("binary", 2)
    assert (head.units, head.task.activation, head.task.loss) == (1, "sigmoid", "binary_crossentropy")
    np.testing.assert_array_equal(head.targets(np.array([1, 0, 1])), [[1], [0], [1]])


@pytest.mark.parametrize("norm", [75, 313])  # of ResNet50's and of VGG16's pooled features
def test_on_pretrained_features_the_loss_begins_near_that_of_guessing(norm: float) -> None:
    import keras

    keras.utils.set_random_seed(0)
    features = np.random.default_rng(0).gamma(0.3, 1.0, (200, 512)).astype(np.float32)
    features *= norm / np.linalg.norm(features, axis=1, keepdims=True)
    head, tensor = head_for("multiclass", 14), keras.Input((512,))
    model = keras.Model(tensor, head.attach(tensor, dropout=0.0, pretrained=True))
    probabilities = model.predict(features, verbose=0)
    assert -np.log(probabilities).mean() == pytest.approx(np.log(14), rel=0.1)


def test_an_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="counting"):
        head_for("counting", 3)


@pytest.mark.parametrize(("task", "classes", "units"), [("multiclass", 4, 4), ("binary", 2, 1)])
def test_a_network_under_each_head_learns_its_targets(task: str, classes: int, units: int) -> None:
    import keras

    keras.utils.set_random_seed(0)
    head, labels = head_for(task, classes), np.arange(64) % classes
    features = np.eye(classes, dtype=np.float32)[labels]
    tensor = keras.Input((classes,))
    model = keras.Model(tensor, head.attach(tensor, dropout=0.0))
    model.compile(keras.optimizers.Adam(0.1), head.task.loss, metrics=["accuracy"])
    accuracy = model.fit(features, head.targets(labels), epochs=30, verbose=0).history["accuracy"][-1]
    assert model.output_shape == (None, units)
    assert accuracy == 1.0
