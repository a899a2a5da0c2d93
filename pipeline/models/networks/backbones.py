"""Pretrained backbones as flat graphs with fixed layer names, their preprocessing, and their blocks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.ground.files import reason_of
from pipeline.models.backbone_files.layer_names import layer_name
from pipeline.models.backbone_files.stored import read_stored
from pipeline.models.networks.own_backbones import assign_weights, build_own, refuse_bypassed_ends
from pipeline.models.networks.precision import computing_in
from pipeline.params.schema.backbones import AnyBackbone, Backbone, BackboneFile, ReadBackbone
from pipeline.params.schema.reading import ParamsError

if TYPE_CHECKING:
    import keras

ROWS = "pipeline/models/backbones.yaml"
STATISTICS = {  # means and standard deviations of red, green and blue, of 0 to 1
    "torch": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),  # ImageNet
    "clip": (
        [0.48145466, 0.4578275, 0.40821073],
        [0.26862954, 0.26130258, 0.27577711],
    ),  # Radford et al. 2021, its code
}


def build_backbone(row: Backbone | ReadBackbone, input_tensor: keras.KerasTensor) -> keras.Model:
    """The backbone without its top and with random weights, from the input behind `input_tensor` to its last block.

    The layers lie flat in one graph, those that lead to `input_tensor` included, so that any of them can be frozen or
    cut at. Keras counts its automatic layer names over the whole process; here every layer gets the name of a fresh
    process, by building it anew under that name: its variables then carry the name too.

    Args:
        input_tensor: (batch, H, W, 3), already preprocessed.
    """
    import keras

    if isinstance(row, ReadBackbone):
        return build_own(row, input_tensor)
    (source,) = keras.utils.get_source_inputs(input_tensor)
    counted = _constructor(row)(include_top=False, weights=None, input_tensor=input_tensor)
    names = names_by_position((layer.name for layer in counted.layers), kinds_of(counted))
    if all(name == counted_name for counted_name, name in names.items()):  # as in a process that has built no other
        return keras.Model(source, counted.outputs[0], name=row.called)

    def renamed(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        return type(layer).from_config({**config, "name": names.get(layer.name, layer.name)})

    inputs = keras.tree.map_structure(lambda _: source, counted.input)  # some constructors keep it in a list
    body = keras.models.clone_model(counted, input_tensors=inputs, clone_function=renamed)
    return keras.Model(source, body.outputs[0], name=row.called)


def block_ends(row: AnyBackbone) -> list[str]:
    """The last layer of each block of `build_pooled`, from the input up."""
    return [*_ends(row)[:-1], "pool"]


def build_pooled(
    row: Backbone | ReadBackbone, image_size: int, precision: str = "float32"
) -> tuple[keras.Model, list[list[keras.Layer]]]:
    """Raw RGB of 0 to 255, (batch, S, S, 3), to pooled features, (batch, channels), and its blocks; weights are random.

    Preprocessing is part of the model, so that it takes raw images wherever it is used; it belongs to the lowest block,
    the global average pooling (over pixels, or over the tokens of a transformer) to the uppermost.

    Args:
        precision: what the backbone computes in (see `computing_in`); preprocessing and pooling are in float32.
    """
    import keras

    image = keras.Input((image_size, image_size, 3), name="image")
    preprocessed = preprocess(image, row.preprocessing)
    with computing_in(precision):
        backbone = build_backbone(row, preprocessed)
    pooling = (
        keras.layers.GlobalAveragePooling1D if _gives_tokens(row, backbone) else keras.layers.GlobalAveragePooling2D
    )
    features = pooling(dtype="float32", name="pool")(backbone.output)
    model = keras.Model(image, features, name=row.called)
    blocks = blocks_of(row, backbone)
    if isinstance(row, ReadBackbone):
        refuse_bypassed_ends(row, blocks)
    blocks[-1].append(model.get_layer("pool"))
    return model, blocks


def preprocess(input_tensor: keras.KerasTensor, mode: str) -> keras.KerasTensor:
    """Raw RGB of 0 to 255, (batch, H, W, 3), as `keras.applications.imagenet_utils.preprocess_input` gives it.

    Built of Keras' own layers without weights, so that a saved model brings its preprocessing along and loads in safe
    mode. Normalization is there for its division: Rescaling multiplies, which differs in the last bit.

    Args:
        mode: "caffe", "tf", "torch" or "none"; or "clip", as torch with the means and deviations of CLIP's photos.
    """
    from keras import layers

    if mode == "none":
        return input_tensor
    if mode == "caffe":
        # Read as channels first, the last axis is one that Cropping2D can cut: each takes one channel.
        blue, green, red = (
            layers.Cropping2D(((0, 0), (channel, 2 - channel)), data_format="channels_first", name=name)(input_tensor)
            for name, channel in (("blue", 2), ("green", 1), ("red", 0))
        )
        bgr = layers.Concatenate(name="bgr")([blue, green, red])
        return layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68], name="centred")(bgr)
    if mode == "tf":
        halved = layers.Normalization(axis=None, mean=0.0, variance=127.5**2, name="halved")(input_tensor)  # [0, 2]
        return layers.Rescaling(1.0, offset=-1.0, name="centred")(halved)
    if mode in STATISTICS:
        mean, deviations = STATISTICS[mode]
        unit = layers.Normalization(axis=None, mean=0.0, variance=255.0**2, name="unit")(input_tensor)  # [0, 1]
        variance = [float(np.float32(deviation)) ** 2 for deviation in deviations]
        return layers.Normalization(mean=mean, variance=variance, name="standardised")(unit)
    raise ParamsError(f"{ROWS}: preprocessing = {mode!r}: there is no such; use caffe, tf, torch, clip or none")


def load_pretrained_weights(row: Backbone | ReadBackbone, model: keras.Model, path: Path) -> None:
    """Load what the weights stage made into a backbone, with or without preprocessing layers in front.

    Raises:
        ParamsError: when the file is not there or belongs to another network.
    """
    if isinstance(row, ReadBackbone):
        assign_weights(row, model, read_stored(path))
    else:
        load_imagenet_weights(model, path)


def load_imagenet_weights(model: keras.Model, path: Path) -> None:
    """The same of a backbone of Keras' own.

    Raises:
        ParamsError: when the file is not there or belongs to another network.
    """
    if not path.is_file():
        raise ParamsError(f"{path}: there is no such file; make it with `dvc repro weights@{path.name.split('.')[0]}`")
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError, RuntimeError) as error:  # HDF5 raises RuntimeError of much that is damaged
        raise ParamsError(f"{path}: not the weights of {model.name}; make it anew: {reason_of(error)}") from error


def blocks_of(row: AnyBackbone, model: keras.Model) -> list[list[keras.Layer]]:
    """The layers of each block in topological order; the input and its preprocessing belong to the first.

    Raises:
        ParamsError: when `blocks` of the row names layers that are not there, not in order, or not up to the last.
    """
    names = [layer.name for layer in model.layers]
    ends = [_position(row, name, names) + 1 for name in _ends(row)]
    if ends != sorted(set(ends)) or ends[-1] != len(names):
        raise ParamsError(
            f"{ROWS}: blocks = {row.blocks}: name the last layer of each block of {row.called}, from the input "
            f"up; the last is {names[-1]}"
        )
    return [model.layers[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def names_by_position(names: Iterable[str], kinds: Collection[str]) -> dict[str, str]:
    """Automatic layer names, numbered anew from the first of `names`.

    >>> names_by_position(["conv2d_94", "mixed3", "conv2d_95"], {"conv2d"})
    {'conv2d_94': 'conv2d', 'conv2d_95': 'conv2d_1'}
    """
    automatic: dict[str, dict[int, str]] = {}
    for name in names:
        kind, _, number = name.rpartition("_") if re.search(r"_\d+$", name) else (name, "", "0")
        if kind in kinds:
            automatic.setdefault(kind, {})[int(number)] = name
    return {
        by_number[number]: f"{kind}_{position}" if position else kind
        for kind, by_number in automatic.items()
        for position, number in enumerate(sorted(by_number))
    }


def kinds_of(model: keras.Model) -> set[str]:
    """What Keras calls the layers of a model that nobody named: conv2d, batch_normalization, …"""
    return {re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", type(layer).__name__).lower() for layer in model.layers}


def _constructor(row: Backbone) -> type[keras.Model]:
    import keras

    constructor = getattr(keras.applications, row.constructor, None)
    if not callable(constructor):
        close = difflib.get_close_matches(row.constructor, dir(keras.applications), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ParamsError(f"{ROWS}: constructor = {row.constructor!r}: keras.applications has no such{hint}")
    return constructor


def _ends(row: AnyBackbone) -> list[str]:
    """The names in the network of the layers that the row names."""
    return [layer_name(end) for end in row.blocks] if isinstance(row, BackboneFile) else row.blocks


def _gives_tokens(row: Backbone | ReadBackbone, backbone: keras.Model) -> bool:
    """Whether a backbone gives rows of features, (batch, tokens, channels), rather than maps (batch, h, w, channels).

    Raises:
        ParamsError: it gives neither.
    """
    shape = tuple(backbone.output.shape)
    if len(shape) not in (3, 4) or None in shape[1:]:
        raise ParamsError(
            f"{ROWS}: blocks: {row.blocks[-1]!r} of {row.called} gives {shape} numbers; the last block has to end "
            "before pooling, with maps (batch, height, width, channels) or tokens (batch, tokens, channels)"
        )
    return len(shape) == 3


def _position(row: AnyBackbone, name: str, names: list[str]) -> int:
    if name not in names:
        close = difflib.get_close_matches(name, names, n=3)
        raise ParamsError(
            f"{ROWS}: blocks: {row.called} has no layer {name!r}; near it: {', '.join(close) or names[-1]}"
        )
    return names.index(name)
