"""Rates follow the schedule over a phase, and fall with the depth of a layer."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from pipeline.params.training.strategies import Phase
from pipeline.training.optimizers import FusedAdamW, LayerwiseAdamW, PhaseSchedule, make_schedule


def rates(phase: Phase, steps_per_epoch: int) -> np.ndarray:
    schedule = make_schedule(phase, steps_per_epoch)
    assert not isinstance(schedule, float)
    return np.array([float(schedule(step)) for step in range(phase.epochs * steps_per_epoch)])


def test_a_constant_rate_without_warm_up_is_a_plain_number() -> None:
    assert make_schedule(Phase(train="all", epochs=3, learning_rate=1e-3), 10) == 1e-3


def test_cosine_falls_from_the_rate_to_nearly_nothing() -> None:
    values = rates(Phase(train="all", epochs=4, learning_rate=1e-3, schedule="cosine"), 25)
    assert values[0] == pytest.approx(1e-3)
    assert values[50] == pytest.approx(5e-4, rel=1e-3)
    assert values[-1] < 1e-6
    assert (np.diff(values) <= 0).all()


def test_a_staircase_divides_by_ten_at_each_third() -> None:
    values = rates(Phase(train="all", epochs=3, learning_rate=1e-2, schedule="staircase"), 10)
    np.testing.assert_allclose(values, np.repeat([1e-2, 1e-3, 1e-4], 10), rtol=1e-5)


def test_warm_up_rises_to_the_rate_and_the_decay_begins_there() -> None:
    values = rates(Phase(train="all", epochs=4, learning_rate=1e-3, schedule="cosine", warmup_epochs=1), 10)
    assert (np.diff(values[:11]) > 0).all()
    assert values[0] == pytest.approx(1e-4)
    assert values[10] == pytest.approx(1e-3)


@pytest.mark.parametrize("kind", [LayerwiseAdamW, FusedAdamW])
def test_a_deeper_variable_takes_a_step_smaller_by_its_factor(kind: type[LayerwiseAdamW]) -> None:
    dense = [keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name=name) for name in ("deep", "top")]
    for layer in dense:
        layer.build((None, 1))
    variables = [layer.kernel for layer in dense]
    optimizer = kind({variables[0].path: 1 / 2.6}, learning_rate=0.1, weight_decay=0.0)
    optimizer.apply([ops.ones((1, 1)), ops.ones((1, 1))], variables)
    deep, top = (1 - float(variable.numpy()[0, 0]) for variable in variables)
    assert top == pytest.approx(0.1, rel=1e-3)
    assert deep == pytest.approx(0.1 / 2.6, rel=1e-3)


def test_the_fused_step_takes_every_weight_where_keras_own_takes_it() -> None:
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 3, 4, 8), (8,), (8, 2))]
    gradients = [[rng.normal(size=start.shape).astype(np.float32) for start in starts] for _ in range(20)]
    ends = [_after(kind, starts, gradients) for kind in (LayerwiseAdamW, FusedAdamW)]
    for plain, fused, start in zip(*ends, starts, strict=True):
        np.testing.assert_allclose(fused, plain, rtol=1e-6, atol=1e-6)
        assert np.abs(fused - start).max() > 0.01


def test_what_is_the_same_for_all_weights_is_computed_once_a_step() -> None:
    variables = [keras.Variable(np.ones(3, np.float32), name=f"weight_{number}") for number in range(5)]
    optimizer = FusedAdamW({}, learning_rate=0.1, weight_decay=0.0)
    optimizer.build(variables)
    step = tf.function(lambda: optimizer.apply([tf.ones(3)] * 5, variables)).get_concrete_function()
    kinds = [operation.type for operation in step.graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == 5
    assert kinds.count("Pow") == 2


def _after(kind: type[LayerwiseAdamW], starts: list[np.ndarray], gradients: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Weights after a phase of a schedule with warm-up, decay of all but the bias, and a factor on the first."""
    names = ["kernel", "bias", "top"]
    variables = [keras.Variable(start, name=name) for start, name in zip(starts, names, strict=True)]
    schedule = PhaseSchedule(1e-2, "cosine", warmup=4, steps=20)
    optimizer = kind({variables[0].path: 0.4}, learning_rate=schedule, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    for step in gradients:
        optimizer.apply([ops.convert_to_tensor(gradient) for gradient in step], variables)
    return [variable.numpy() for variable in variables]
