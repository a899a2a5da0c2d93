"""How many floating-point operations a network spends on one photo, counted from its layers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

PER_MULTIPLY_ADD = 2


def flops_per_image(model: Any, image_size: int | None = None) -> int | None:
    """Two for each multiply-add of the convolutions and dense layers, in one forward pass of one photo.

    What else there is (biases, normalisation, activations, pooling) is left out, as in published figures, which mostly
    count a multiply-add as one: VGG16's convolutions at 224 pixels take 15.3 billion of these, ResNet50 3.9.

    Args:
        model: a network; or a classical model, of which that network is counted that makes its features.
        image_size: pixels a side, for a classical model.

    Returns:
        None for a classical model without a network: comparisons in trees, sorting and histograms are no floating-point
        operations that could be set against these.
    """
    features: Any = getattr(model, "named_steps", {}).get("features")
    if image_size is not None and hasattr(features, "network"):
        return flops_per_image(features.network(image_size))
    if not hasattr(model, "layers"):
        return None
    return PER_MULTIPLY_ADD * sum(map(_multiply_adds, model.layers))


def _multiply_adds(layer: keras.Layer) -> int:
    """Every weight of a kernel is used once at each place of the output; a depthwise one, too.

    So is every matrix of a layer of another kind at each step or token, such as those of recurrent layers, of attention
    and of the encoder in a backbone of one's own. What attention computes between tokens comes on top; with a few
    hundred tokens that is a few per cent.
    """
    import keras

    if isinstance(layer, keras.Model):
        return sum(map(_multiply_adds, layer.layers))
    if isinstance(layer, keras.layers.SeparableConv2D):
        depthwise, pointwise = layer.get_weights()[:2]
        return int((depthwise.size + pointwise.size) * _places(layer))
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        return int(layer.kernel.shape.num_elements() * _places(layer))
    if isinstance(layer, keras.layers.Embedding):
        return 0  # a row is looked up
    matrices = [weight for weight in layer.weights if len(weight.shape) > 1 and weight.name != "bias"]
    read = isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
    return sum(prod(matrix.shape) for matrix in matrices) * _tokens(layer, read) if matrices else 0


def _tokens(layer: keras.Layer, read: bool) -> int:
    """How many places there are between the batch and the channels; 1 for a vector.

    Args:
        read: of its largest input, and not of its largest output.
    """
    import keras

    tensors = keras.tree.flatten(layer.input if read else layer.output)
    shapes = [tensor.shape[1:-1] for tensor in tensors]
    return max((int(prod(shape)) for shape in shapes if None not in shape), default=1)


def _places(layer: keras.Layer) -> int:
    """Height × width of a convolution's output, channels last."""
    return int(prod(layer.output.shape[1:3]))
