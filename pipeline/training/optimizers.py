"""The optimizer of a phase: AdamW with the phase's schedule, and a slower rate the deeper a layer stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from pipeline.network import Network
from pipeline.params.training.strategies import Phase

STAIRCASE_STEPS = 3  # a staircase divides the rate by 10 at each third of the phase, as BiT's HyperRule does
WARMUP_START = 0.1  # share of the rate that warm-up begins with
ONE_CYCLE_RISE, ONE_CYCLE_START = 0.25, 1 / 25  # share of the steps, and of the rate: fastai's defaults
SLANTED_RISE, SLANTED_START = 0.1, 1 / 32  # likewise, of ULMFiT's slanted triangle (§3.2)
NOT_DECAYED = ["bias", "gamma", "beta"]  # biases and the scales of BatchNorm


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW with a factor on the learning rate for each variable (discriminative fine-tuning, ULMFiT §3.2)."""

    def __init__(self, factors: Mapping[str, float], **settings: Any) -> None:
        super().__init__(**settings)
        self.factors = dict(factors)
        self._by_index: list[float] = []

    def build(self, variables: list[keras.Variable]) -> None:
        super().build(variables)
        self._by_index = [self.factors.get(variable.path, 1.0) for variable in variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        super().update_step(gradient, variable, self._rate_of(index, learning_rate))

    def last_rate(self) -> float:
        """The learning rate of the last step (before any, of the first); `learning_rate` is that of the next."""
        rate = self._schedule()
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            rate = rate(keras.ops.maximum(self.iterations - 1, 0))
        return float(np.float32(rate.numpy() if hasattr(rate, "numpy") else rate))  # several devices hold no number

    def _schedule(self) -> Any:
        """A schedule, or a rate that stays the same."""
        return self._learning_rate

    def _rate_of(self, index: int, learning_rate: Any) -> Any:
        """The learning rate of one variable."""
        factor = self._by_index[index]
        return learning_rate if factor == 1 else learning_rate * factor


class FusedAdamW(LayerwiseAdamW):
    """The same arithmetic in one pass over memory, where the backend is TensorFlow.

    Keras writes Adam as a dozen operations, each of which reads and writes every weight. TensorFlow's own kernel, made
    for Keras 2, computes the same formula at once. What is the same for all weights is computed once a step: a network
    of 200 weights is traced a second sooner.
    """

    def __init__(self, factors: Mapping[str, float], **settings: Any) -> None:
        super().__init__(factors, **settings)
        self._same_for_all: dict[str, Any] = {}

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        if self._is_fused():
            self._same_for_all = self._of_this_step()
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if not self._is_fused():
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[index]),
            v=_handle(self._velocities[index]),
            lr=self._rate_of(index, learning_rate),
            grad=tf.cast(gradient, variable.dtype),
            **self._same_for_all,
        )

    def _is_fused(self) -> bool:
        return keras.backend.backend() == "tensorflow" and not self.amsgrad

    def _of_this_step(self) -> dict[str, Any]:
        import tensorflow as tf

        step = tf.cast(self.iterations + 1, tf.float32)  # weights are float32 under every policy
        betas = {"beta1": tf.constant(self.beta_1, tf.float32), "beta2": tf.constant(self.beta_2, tf.float32)}
        powers = {f"{name}_power": tf.pow(beta, step) for name, beta in betas.items()}
        return {**betas, **powers, "epsilon": tf.constant(self.epsilon, tf.float32)}


def _handle(variable: Any) -> Any:
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def make_optimizer(
    network: Network,
    phase: Phase,
    layer_decay: float,
    weight_decay: float,
    steps_per_epoch: int,
    kind: type[LayerwiseAdamW] = FusedAdamW,
) -> keras.optimizers.Optimizer:
    """A fresh AdamW for one phase; biases and BatchNorm's scales are not decayed."""
    factors = {path: layer_decay**-depth for path, depth in depths_of(network).items()}
    optimizer = kind(factors, learning_rate=make_schedule(phase, steps_per_epoch), weight_decay=weight_decay)
    if weight_decay:
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer


def depths_of(network: Network) -> dict[str, int]:
    """How many blocks below the head each variable stands that is trained now, by its path."""
    return {
        variable.path: network.depth(layer) for layer in network.model.layers for variable in layer.trainable_variables
    }


def make_schedule(phase: Phase, steps_per_epoch: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate over a phase.

    Constant, cosine to zero, or a staircase ÷ 10, after an optional warm-up; or one cycle (up and down along a cosine),
    or a slanted triangle (up and down in straight lines).
    """
    steps = phase.epochs * steps_per_epoch
    rising = {"one_cycle": round(ONE_CYCLE_RISE * steps), "slanted": round(SLANTED_RISE * steps)}
    warmup = min(rising.get(phase.schedule, phase.warmup_epochs * steps_per_epoch), steps - 1)
    if phase.schedule == "constant" and not warmup:
        return phase.learning_rate
    return PhaseSchedule(phase.learning_rate, phase.schedule, warmup, steps)


@keras.saving.register_keras_serializable("kiyas")
class PhaseSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A rise over `warmup` steps, linear save for one_cycle's, then the named decay over the rest of `steps`."""

    def __init__(self, rate: float, decay: str, warmup: int, steps: int) -> None:
        self.rate, self.decay, self.warmup, self.steps = rate, decay, warmup, steps

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        progress = keras.ops.clip((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0, 1.0)
        if self.decay == "cosine":
            rate = self.rate * 0.5 * (1 + keras.ops.cos(np.pi * progress))
        elif self.decay == "staircase":
            rate = self.rate * 10.0 ** -keras.ops.floor(keras.ops.minimum(progress, 0.999) * STAIRCASE_STEPS)
        elif self.decay == "one_cycle":
            rate = self.rate * 0.5 * (1 + keras.ops.cos(np.pi * progress))
        elif self.decay == "slanted":
            rate = self.rate * (SLANTED_START + (1 - SLANTED_START) * (1 - progress))
        else:
            rate = self.rate * keras.ops.ones_like(progress)
        return keras.ops.where(step < self.warmup, self.rate * self._ramp(step), rate)

    def _ramp(self, step: Any) -> Any:
        """The share of the rate at a step of the rise."""
        if self.decay == "one_cycle":
            risen = 0.5 * (1 - keras.ops.cos(np.pi * step / max(self.warmup, 1)))
            return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * risen
        start = SLANTED_START if self.decay == "slanted" else WARMUP_START
        return start + (1 - start) * step / max(self.warmup, 1)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "decay": self.decay, "warmup": self.warmup, "steps": self.steps}
