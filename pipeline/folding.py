"""Frozen BatchNorm folded into the convolution before it: the same function in fewer passes over the activations.

Keras 3 on TensorFlow computes BatchNorm as several operations, each of which reads and writes every activation, in
bfloat16 with a cast to float32 and back. A frozen one is a fixed scale and shift of each channel:

    γ (kernel ∗ x + bias − μ) / √(σ² + ε) + β  =  (s kernel) ∗ x + s (bias − μ) + β,   s = γ / √(σ² + ε)

(Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
§3.2). On the right stands one convolution with a bias, which TensorFlow joins with the ReLU behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

# Part of the key of whatever is kept of a network's outputs: another way of computing them gives other last bits.
METHOD = "BatchNorm folded"

Fold = tuple[Any, Any]  # of a convolution and its BatchNorm: kernel and bias, in what the convolution computes in


class FoldedModel(keras.Model):
    """A functional model that computes what the layers between its inputs and outputs do, frozen BatchNorm folded.

    Its layers, its weights and what is trained are the plain model's, since only the way through the layers differs:
    each step folds anew from the layers' own variables, and gradients reach the kernel through the fold. A BatchNorm
    that cannot be folded is computed as it stands: one that is trained, one that follows no convolution, or one behind
    a convolution that something else reads too.

    The last bits differ from those of the plain model.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pairs = list(_foldable_pairs(self)) if keras.backend.backend() == "tensorflow" else []
        self._folds: dict[int, Fold] | None = None

    def fold_once(self) -> None:
        """Fold with the weights as they are now, for good: afterwards the model may only answer, not be trained."""
        self._folds = {number: pair.fold() for number, pair in enumerate(self._pairs)}

    def _run_through_graph(
        self, inputs: Any, operation_fn: Callable[[Any], Any] = lambda operation: operation, call_fn: Any = None
    ) -> Any:
        """Keras' own way through the layers; where tensors flow, each pair takes the place of its two layers."""
        symbolic = any(keras.backend.is_keras_tensor(value) for value in keras.tree.flatten(inputs))
        replaced = {} if symbolic or call_fn else self._replaced()
        return super()._run_through_graph(
            inputs, lambda operation: replaced.get(id(operation)) or operation_fn(operation), call_fn
        )

    def _replaced(self) -> dict[int, Callable[..., Any]]:
        """What is called in place of layers, by their id: the folded convolution, and nothing for its BatchNorm."""
        replaced: dict[int, Callable[..., Any]] = {}
        for number, pair in enumerate(self._pairs):
            if self._folds is not None or not pair.norm.trainable:
                fold = self._folds[number] if self._folds is not None else pair.fold()
                replaced[id(pair.convolution)] = pair.computing_with(fold)
                replaced[id(pair.norm)] = _identity
        return replaced


def answering(model: keras.Model) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """A functional model as a function of a batch of numbers, BatchNorm folded once, with the first batch.

    It answers in float32, whatever it computes in.

    Args:
        model: with one input and one output. Its weights must not change afterwards.
    """
    compute = cache(lambda: _inference(model))
    return lambda batch: np.asarray(compute()(batch.astype(np.float32)), np.float32)


def _inference(model: keras.Model) -> Callable[[NDArray[np.float32]], Any]:
    if keras.backend.backend() != "tensorflow":
        return model.predict_on_batch
    import tensorflow as tf

    folded = FoldedModel(model.inputs[0], model.outputs[0], name=model.name)
    folded.fold_once()
    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)]  # one graph for batches of any size
    # The folds are tensors that the graph takes in. As constants inside it they would let oneDNN keep its reordered
    # kernels (a ResNet50's pass is 13 % faster), but making that graph takes as long as 1,500 photos do.
    return tf.function(lambda batch: folded(batch, training=False), signature, autograph=False)


@dataclass(frozen=True)
class _Pair:
    """A convolution and the BatchNorm that alone reads it."""

    convolution: Any
    norm: keras.layers.BatchNormalization

    def fold(self) -> Fold:
        """Kernel and bias that do what both layers do; from float32 weights, rounded last."""
        import tensorflow as tf

        convolution, norm = self.convolution, self.norm
        scale = tf.math.rsqrt(norm.moving_variance.value + norm.epsilon)  # (channels,)
        if norm.scale:
            scale *= norm.gamma.value
        bias = convolution.bias.value - norm.moving_mean.value if convolution.use_bias else -norm.moving_mean.value
        bias *= scale
        if norm.center:
            bias += norm.beta.value
        kernel = _last_kernel(convolution).value
        if isinstance(convolution, keras.layers.DepthwiseConv2D):
            scale = tf.reshape(scale, kernel.shape[-2:])  # (h, w, channels, multiplier)
        return tf.cast(kernel * scale, convolution.compute_dtype), tf.cast(bias, convolution.compute_dtype)

    def computing_with(self, fold: Fold) -> Callable[..., Any]:
        """What is called in place of the convolution."""
        import tensorflow as tf

        kernel, bias = fold

        def compute(inputs: Any, **_: Any) -> Any:
            inputs = tf.cast(inputs, self.convolution.compute_dtype)
            return tf.nn.bias_add(_convolve(self.convolution, inputs, kernel), bias)

        return compute


def _identity(inputs: Any, **_: Any) -> Any:
    return inputs


def _last_kernel(convolution: Any) -> keras.Variable:
    """The kernel whose last axis, or last two of a depthwise one, are the channels that come out."""
    return convolution.pointwise_kernel if _is_separable(convolution) else convolution.kernel


def _convolve(convolution: Any, inputs: Any, kernel: Any) -> Any:
    """What the layer computes with another kernel, without its bias."""
    places = {key: getattr(convolution, key) for key in ("strides", "padding", "data_format", "dilation_rate")}
    if isinstance(convolution, keras.layers.DepthwiseConv2D):
        return keras.ops.depthwise_conv(inputs, kernel, **places)
    if _is_separable(convolution):
        depthwise = keras.ops.cast(convolution.depthwise_kernel, convolution.compute_dtype)
        return keras.ops.separable_conv(inputs, depthwise, kernel, **places)
    return keras.ops.conv(inputs, kernel, **places)


def _is_separable(convolution: Any) -> bool:
    return isinstance(convolution, keras.layers.SeparableConv2D)


def _foldable_pairs(model: Any) -> Iterator[_Pair]:
    """Every convolution, called once, whose output goes nowhere but into one BatchNorm, called once."""
    nodes = [node for of_depth in model._nodes_by_depth.values() for node in of_depth if not node.is_input]
    calls = Counter(id(node.operation) for node in nodes)
    read = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    read.update(id(output) for output in model.outputs)
    by_input = {id(tensor): node for node in nodes for tensor in node.input_tensors}
    for node in nodes:
        output, reader = node.output_tensors[0], by_input.get(id(node.output_tensors[0]))
        if reader is None or read[id(output)] > 1:
            continue
        once = calls[id(node.operation)] == calls[id(reader.operation)] == 1
        if once and _is_foldable(node.operation, reader.operation):
            yield _Pair(node.operation, reader.operation)


def _is_foldable(convolution: Any, norm: Any) -> bool:
    """Whether the layers are such a pair, nothing but a sum standing between the products and the normalisation."""
    convolutions = keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D
    if type(convolution) not in convolutions or type(norm) is not keras.layers.BatchNormalization:
        return False
    linear = convolution.activation is keras.activations.linear
    return linear and convolution.data_format == "channels_last" and norm.axis in (-1, 3)
