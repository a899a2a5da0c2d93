"""A convolution that TensorFlow computes wrongly with the kernels that this project asks it for.

oneDNN 3.7 in TensorFlow 2.21 computes the gradient of a 1 × 1 convolution's filter wrongly, or ends the process, where
the convolution has steps of 2 or more and reads fewer than 8 channels, on a processor with AVX2 and no AVX-512. It is
right with 8 channels and more, and so is each other shape that was tried (864 shapes against Eigen's kernels, each
backbone of backbones.yaml); no network that this project builds itself has such a convolution.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.ground.processor import KERNELS, processor_flags

if TYPE_CHECKING:
    import keras

WIDE_INSTRUCTIONS = "avx512_vnni"  # with these oneDNN has other kernels, which TensorFlow takes by itself
ENOUGH_CHANNELS = 8


def wrongly_computed(model: keras.Model) -> str | None:
    """The name of a convolution whose filter may get a wrong gradient on this processor; None: there is none."""
    import keras

    if os.environ.get(KERNELS) == "0" or WIDE_INSTRUCTIONS in processor_flags():
        return None
    for layer in model._flatten_layers():
        if (
            isinstance(layer, keras.layers.Conv2D)
            and layer.kernel_size == (1, 1)
            and max(layer.strides) > 1
            and layer.kernel.shape[2] < ENOUGH_CHANNELS
        ):
            return str(layer.name)
    return None
