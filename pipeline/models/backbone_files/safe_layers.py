"""Which layers a Keras file may name: Keras' own that compute on photos and read nothing else.

Keras' safe mode refuses code inside a file. It still builds any layer of Keras, some of which read files or run other
programs' models (TextVectorization, TFSMLayer, TorchModuleWrapper), and imports modules of Keras by name. So a file's
description is read as plain JSON first, and every class that it names has to be on this list.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

LAYERS = {
    *("InputLayer", "Identity", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax"),
    *("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Dense", "EinsumDense", "Embedding"),
    *("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization"),
    *("Normalization",),
    *("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling1D"),
    *("GlobalMaxPooling1D",),
    *("ZeroPadding2D", "Cropping2D", "UpSampling2D", "Rescaling", "Resizing", "CenterCrop", "Reshape", "Flatten"),
    *("Permute",),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot"),
    *("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout"),
    *("MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention"),
}
MODELS = {"Functional", "Sequential"}
CONVNEXT = {"LayerScale", "StochasticDepth"}  # ConvNeXt's own layers, which Keras keeps beside its constructor
HUB = "keras_hub"
HUB_LAYERS = {  # of keras-hub's encoders that learned without labels, or from captions; where it is installed
    f"{HUB}.src.models.clip.clip_layers": {"CLIPVisionEmbedding", "CLIPEncoderLayer"},
    f"{HUB}.src.models.dinov2.dinov2_layers": {"DINOV2Embedding", "DINOV2Encoder"},
    f"{HUB}.src.models.siglip.siglip_layers": {
        *("SigLIPVisionEmbedding", "SigLIPEncoderLayer", "SigLIPMultiHeadAttentionPooling"),
    },
}
PARTS = ("keras.initializers", "keras.regularizers", "keras.constraints")  # numbers in, numbers out
OPERATIONS = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math")
VALUES = {"__keras_tensor__", "__ellipsis__", "__slice__"}
POLICY = "DTypePolicy"
AUGMENTS = "Random"
INSTALL = "`make setup` installs that (elsewhere: docs/how-to/own-backbone.md), or take another encoder"
SHOWN = 60  # characters of a name that a stranger chose


def unsafe_parts(description: Any, layer: str = "") -> Iterator[str]:
    """A sentence for each class in a file's description that is not on the list: what it is, and what to do.

    Args:
        description: of a model or a part of one, as it stands in config.json.
        layer: the name of the layer that it is part of.
    """
    if isinstance(description, list):
        for part in description:
            yield from unsafe_parts(part, layer)
    if not isinstance(description, dict):
        return
    layer = _name_of(description) or layer
    if "class_name" in description and (reason := _reason(description)):
        yield f"layer {_shown(layer)} {reason}" if layer else f"the model {reason}"
        return
    if description.get("data_format") == "channels_first" and not _takes_channels(description):
        yield f"layer {_shown(layer)} has its channels first; build the network with channels last"
    for part in description.values():
        yield from unsafe_parts(part, layer)


def _takes_channels(config: dict[str, Any]) -> bool:
    """Whether a layer is one that `preprocess` of networks/backbones.py takes a channel by, in a file of this project.

    It reads pixels as channels first, and what comes out has its channels last as before.
    """
    return "cropping" in config


def is_hub_installed() -> bool:
    """Whether keras-hub is there; it is not imported."""
    return find_spec(HUB) is not None


def _reason(description: dict[str, Any]) -> str | None:
    """Why a class may not be built; None where it may."""
    name, module = description["class_name"], description.get("module")
    if isinstance(name, str) and name in VALUES:
        return None
    if description.get("compile_config"):
        return "brings its own training along, which is not read; save it uncompiled"
    if not isinstance(name, str) or not isinstance(module, str) or not _is_plain(description):
        return f"is a {_shown(name)} of somebody's own, whose code is not run; build it of Keras' own layers"
    if name in ("Lambda", "__lambda__"):
        return "is a Lambda layer, which carries code that is not run; say it with Keras' own layers or operations"
    if name.startswith(AUGMENTS) and module == "keras.layers":
        return f"is a {_shown(name)}; leave it out, and name it in training.augmentation"
    if name in HUB_LAYERS.get(module, ()):
        return None if is_hub_installed() else f"is a {_shown(name)} of keras-hub; {INSTALL}"
    if _is_listed(name, module):
        return None
    return f"is a {_shown(name)}, which is not among the layers that may be built; use others of Keras' own"


def _is_listed(name: str, module: str) -> bool:
    if module == "keras.layers":
        return name in LAYERS
    if name in MODELS:
        return module in ("keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential")
    if module == "keras.src.applications.convnext":
        return name in CONVNEXT
    if module == "keras":
        return name == POLICY
    return (module in PARTS or module in OPERATIONS) and name[:1].isupper()


def _is_plain(description: dict[str, Any]) -> bool:
    """Whether a description names its class by name and module alone, and not by what a program has registered."""
    return description.get("registered_name") in (None, description["class_name"])


def _name_of(description: dict[str, Any]) -> str | None:
    """Of a layer."""
    kind, config = description.get("class_name"), description.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict) or kind in {*MODELS, POLICY}:
        return None
    name = config.get("name")
    return name if isinstance(name, str) else None


def _shown(name: Any) -> str:
    """As text for a message, whatever was put in its place."""
    text = repr(name)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
