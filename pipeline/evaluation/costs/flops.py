"""How many floating-point operations a network spends on one photo, counted from its layers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

PER_MULTIPLY_ADD = 2


def flops_per_image(model: Any) -> int | None:
    """Two for each multiply-add of the convolutions and dense layers, in one forward pass of one photo.

    What else there is (biases, normalisation, activations, pooling) is left out, as in published figures, which mostly
    count a multiply-add as one: VGG16's convolutions at 224 pixels take 15.3 billion of these, ResNet50 3.9.

    None for a classical model: comparisons in trees, sorting and histograms are no floating-point operations that could
    be set against these. None, too, where a layer has a matrix of weights that this does not know how to count.
    """
    if not hasattr(model, "layers"):
        return None
    counted = [_multiply_adds(layer) for layer in model.layers]
    if any(count is None for count in counted):
        return None
    return PER_MULTIPLY_ADD * sum(count for count in counted if count is not None)


def _multiply_adds(layer: keras.Layer) -> int | None:
    """Every weight of a kernel is used once at each place of the output; a depthwise one, too."""
    import keras

    if isinstance(layer, keras.layers.SeparableConv2D):
        depthwise, pointwise = layer.get_weights()[:2]
        return int((depthwise.size + pointwise.size) * _places(layer))
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        return int(layer.kernel.shape.num_elements() * _places(layer))
    if isinstance(layer, keras.layers.Dense):
        return int(layer.kernel.shape.num_elements() * prod(layer.output.shape[1:-1]))
    has_matrix = any(len(weight.shape) > 1 for weight in layer.weights)
    return None if has_matrix else 0


def _places(layer: keras.Layer) -> int:
    """Height × width of a convolution's output, channels last."""
    return int(prod(layer.output.shape[1:3]))
