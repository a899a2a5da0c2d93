"""An optimizer whose rates change without tracing again, which for a ResNet50 takes as long as an epoch or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from pipeline.network import Network
from pipeline.params.training.strategies import Phase
from pipeline.training.optimizers import NOT_DECAYED, FusedAdamW, depths_of, make_schedule


class TunableAdamW(FusedAdamW):
    """The same arithmetic as `FusedAdamW`, to the last bit; its rates and decays are variables of the graph.

    They are no variables of the optimizer, which resetting it would make zero, and a paused trial would take along.

    Args:
        depths: how many blocks below the head each variable stands, by its path.
        steps: of the longest phase that it will be used for.
    """

    def __init__(self, depths: Mapping[str, int], steps: int, **settings: Any) -> None:
        table = RateTable(steps)
        super().__init__({}, learning_rate=table, weight_decay=0.0, **settings)
        self.depths, self.table, self.used = dict(depths), table, 0.0
        self.exclude_from_weight_decay(var_names=NOT_DECAYED)

    def build(self, variables: list[keras.Variable]) -> None:
        super().build(variables)
        self._adjustable = _Adjustable([self.depths[variable.path] for variable in variables])

    def use(self, phase: Phase, layer_decay: float, weight_decay: float, steps_per_epoch: int) -> None:
        """Go by these from now on."""
        self.table.assign(_rates(phase, steps_per_epoch, self.table.steps))
        self.used = make_schedule(phase, steps_per_epoch)
        self._adjustable.assign(layer_decay, weight_decay)

    def _schedule(self) -> Any:
        """That which the table was made of: a history is to the last bit that of a training by it alone."""
        return self.used

    def _rate_of(self, index: int, learning_rate: Any) -> Any:
        return learning_rate * self._adjustable.multipliers[index]

    def _apply_weight_decay(self, variables: list[keras.Variable]) -> None:
        """As Keras does it, by a variable in place of a number."""
        for variable in variables:
            if self._use_weight_decay(variable):
                rate = keras.ops.cast(self.learning_rate, variable.dtype)
                variable.assign(variable - variable * self._adjustable.weight_decay * rate)


class _Adjustable:
    """Variables in an object that is none of Keras', since Keras counts those that it can see to the optimizer's.

    Args:
        depths: of the optimizer's variables, in its order.
    """

    def __init__(self, depths: Sequence[int]) -> None:
        self.depths = depths
        self.multipliers = _variable(np.ones(len(depths), np.float32), "multipliers")
        self.weight_decay = _variable(np.float32(0), "decay")

    def assign(self, layer_decay: float, weight_decay: float) -> None:
        self.multipliers.assign(np.array([layer_decay**-depth for depth in self.depths], np.float32))
        self.weight_decay.assign(weight_decay)


def _variable(value: Any, name: str) -> keras.Variable:
    return keras.Variable(value, trainable=False, dtype="float32", name=name)


@keras.saving.register_keras_serializable("kiyas")
class RateTable(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each step, read from a table; behind its end the last one holds."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.rates = _variable(np.zeros(steps, np.float32), "rates")

    def __call__(self, step: Any) -> Any:
        return keras.ops.take(self.rates, keras.ops.minimum(keras.ops.cast(step, "int32"), self.steps - 1))

    def assign(self, rates: np.ndarray) -> None:
        self.rates.assign(rates)

    def get_config(self) -> dict[str, Any]:
        return {"steps": self.steps}


def tunable_optimizer(network: Network, plans: Sequence[Phase], steps_per_epoch: int) -> TunableAdamW:
    """For one phase of a strategy.

    Args:
        plans: that phase as each of the settings has it.
    """
    steps = max(plan.epochs for plan in plans) * steps_per_epoch + 1
    return TunableAdamW(depths_of(network), steps)


@lru_cache(maxsize=256)
def _rates(phase: Phase, steps_per_epoch: int, steps: int) -> np.ndarray:
    """(steps,) float32. Computed step by step and in a graph, as an optimizer with this schedule alone does it: what is
    computed eagerly, or for all steps at once, differs in its last bit."""
    schedule = make_schedule(phase, steps_per_epoch)
    if isinstance(schedule, float):
        return np.full(steps, schedule, np.float32)
    last = phase.epochs * steps_per_epoch
    rate_of = _in_graph(schedule)
    rates = [float(rate_of(step)) for step in range(min(last + 1, steps))]
    return np.array(rates + rates[-1:] * (steps - len(rates)), np.float32)


def _in_graph(schedule: Callable[[Any], Any]) -> Callable[[int], Any]:
    """The schedule as the backend compiles it in a training step."""
    if keras.backend.backend() != "tensorflow":
        return schedule
    import tensorflow as tf

    compiled = tf.function(schedule, input_signature=[tf.TensorSpec((), tf.int64)])
    return lambda step: compiled(tf.constant(step, tf.int64))
