"""A network trained on several devices, each with a part of every batch, as if the whole batch were on one.

`tf.distribute.MirroredStrategy` holds the weights on every device, cuts the batch into parts and adds the gradients up.
Keras leaves three things to whoever trains so, and then the losses are others than those of one device:

- It takes the mean of the devices' means, which is not the mean where parts differ in size, as in an epoch's last
  batch. Here each device adds up its examples' losses as shares of the whole batch.
- On every device dropout draws the same for the first example of its part. Here a layer that draws is given a batch of
  the whole size, with the device's own examples in their places, and so draws for each example what one device draws.
- BatchNorm that is trained would see a part alone. Here its moments are those of the whole batch.

A device whose part is empty, as in a last batch of one, is given a row of zeros in its place, which counts for nothing:
oneDNN's gradient of max pooling ends the process where a batch is empty (TensorFlow 2.21, on one device too).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from pipeline.folding import FoldedModel
from pipeline.network import Answering

_here = threading.local()  # MirroredStrategy traces each device's step in a thread of its own


@dataclass(frozen=True)
class _Part:
    """What one device has of a batch: rows `first` to `first + count` of `total`.

    Attributes:
        first: where none is left for it, the place of the last row, which another device has.
        rows: that go through the network: `count`, or a row of zeros where that is 0.
    """

    first: tf.Tensor
    count: tf.Tensor
    rows: tf.Tensor
    total: tf.Tensor
    devices: int

    @staticmethod
    def of(inputs: tf.Tensor) -> _Part:
        """Batches are cut into parts of equal size, of which the last ones may be smaller, or empty."""
        device = tf.distribute.get_replica_context()
        count, devices = tf.shape(inputs)[0], device.num_replicas_in_sync
        # As a float, since integers lie in the memory of the processor, where cards do not add them up.
        total = tf.cast(device.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(count, tf.float32)), tf.int32)
        step, rows = -(-total // devices), tf.maximum(count, 1)
        return _Part(tf.minimum(device.replica_id_in_sync_group * step, total - rows), count, rows, total, devices)

    def filled(self, values: tf.Tensor) -> tf.Tensor:
        """(rows, …) of the part's (count, …)."""
        return tf.pad(values, [[0, self.rows - self.count]] + [[0, 0]] * (len(values.shape) - 1))

    def among_examples(self, call: Callable[..., Any], *inputs: Any, **rest: Any) -> Any:
        """What a layer makes of the part's examples alone, without the row that takes the place of none."""
        outputs = call(*keras.tree.map_structure(lambda values: values[: self.count], inputs), **rest)
        return keras.tree.map_structure(self.filled, outputs)

    def among_all(self, call: Callable[..., Any], *inputs: Any, **rest: Any) -> Any:
        """What a layer makes of these rows in their places in the whole batch; the others' are zeros."""
        outputs = call(*keras.tree.map_structure(self._in_place, inputs), **rest)
        return keras.tree.map_structure(lambda output: output[self.first : self.first + self.rows], outputs)

    def _in_place(self, values: Any) -> Any:
        if values is None:
            return None
        around = [[self.first, self.total - self.first - self.rows]] + [[0, 0]] * (len(values.shape) - 1)
        return tf.pad(values, around)

    def weights(self, weights: tf.Tensor | None) -> tf.Tensor:
        """(rows,), so that the devices' sums come to the mean over the whole batch; 0 of a row that stands for none."""
        weights = tf.ones(self.count) if weights is None else tf.cast(weights, tf.float32)
        return self.filled(weights / tf.cast(self.total, tf.float32))

    @property
    def weight_of_loss(self) -> tf.Tensor:
        """What the device's loss counts for in the mean over an epoch."""
        return tf.cast(self.total, tf.float32) / self.devices


class ReplicatedModel(FoldedModel):
    """A functional model that is trained on the devices of the strategy in whose scope it is made.

    Compile it with `summed` losses.
    """

    def train_step(self, data: Any) -> dict[str, Any]:
        """As Keras' own, but for what the module's docstring says."""
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
        with _knowing(_Part.of(inputs)) as part, tf.GradientTape() as tape:
            outputs = self(part.filled(inputs), training=True)
            loss = self._loss_of(part, targets, outputs, weights, training=True)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return dict(self.compute_metrics(inputs, targets, outputs[: part.count], sample_weight=weights))

    def test_step(self, data: Any) -> dict[str, Any]:
        """As Keras' own, but that the loss is the mean over all examples."""
        inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(data)
        part = _Part.of(inputs)
        outputs = self(part.filled(inputs), training=False)
        self._loss_of(part, targets, outputs, weights, training=False)
        return dict(self.compute_metrics(inputs, targets, outputs[: part.count], sample_weight=weights))

    def _maybe_symbolic_build(self, *_: Any, **__: Any) -> None:
        """Nothing is left to build. Keras would look at a first batch for it, with which an epoch begins, and add its
        parts up, which fails where they differ in size."""

    def _loss_of(
        self, part: _Part, targets: tf.Tensor, outputs: tf.Tensor, weights: tf.Tensor | None, training: bool
    ) -> tf.Tensor:
        """The device's share of the loss, which the epoch's mean is told of."""
        # Not of outputs[:count], since Keras keeps the logits that belong to outputs, and a slice has none.
        loss = self.compute_loss(None, part.filled(targets), outputs, part.weights(weights), training=training)
        self._loss_tracker.update_state(loss * part.devices, sample_weight=part.weight_of_loss)
        return loss

    def _run_through_graph(
        self, inputs: Any, operation_fn: Callable[[Any], Any] = lambda operation: operation, call_fn: Any = None
    ) -> Any:
        part: _Part | None = getattr(_here, "part", None)
        if part is None:
            return super()._run_through_graph(inputs, operation_fn, call_fn)
        return super()._run_through_graph(inputs, lambda layer: _over_all(layer, operation_fn(layer), part), call_fn)


def summed(loss: Any) -> keras.losses.Loss:
    """A loss as `compile` takes it, added up over examples: a device does not know how many there are in all."""
    return _Summed(keras.losses.get(loss))


class _Summed(keras.losses.Loss):
    def __init__(self, of_each: Callable[[Any, Any], Any]) -> None:
        super().__init__(reduction="sum", name="summed")
        self._of_each = of_each

    def call(self, targets: Any, outputs: Any) -> Any:
        return self._of_each(targets, outputs)


@contextmanager
def _knowing(part: _Part) -> Iterator[_Part]:
    """While it lasts, layers of this device are called with this part of the batch."""
    _here.part = part
    try:
        yield part
    finally:
        _here.part = None


def _over_all(layer: Any, call: Callable[..., Any], part: _Part) -> Callable[..., Any]:
    """What is called in place of a layer that looks at its whole batch, or draws numbers for it."""
    if not isinstance(layer, keras.layers.Layer) or isinstance(layer, (ReplicatedModel, Answering)):
        return call  # it calls its own layers so, or answers as it does when all are frozen
    norms = [inner for inner in layer._flatten_layers() if isinstance(inner, keras.layers.BatchNormalization)]
    if norms:
        call = partial(part.among_examples, partial(_synchronized, call, norms))
    return partial(part.among_all, call) if _draws(layer) else call


def _synchronized(call: Callable[..., Any], norms: list[Any], *inputs: Any, **rest: Any) -> Any:
    """Moments over all devices. The layers are left as they were, since a saved network says how they are."""
    for norm in norms:
        norm.synchronized = True
    try:
        return call(*inputs, **rest)
    finally:
        for norm in norms:
            norm.synchronized = False


def _draws(layer: keras.layers.Layer) -> bool:
    """Whether it draws numbers: their state is a variable that is no weight."""
    weights = {id(weight) for weight in layer.weights}
    return any(id(variable) not in weights for variable in layer.variables)
