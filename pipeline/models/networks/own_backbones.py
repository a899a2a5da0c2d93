"""A backbone of one's own, built of what its file says: at the photos' size, its layers flat behind preprocessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.ground.files import reason_of
from pipeline.ground.processor import KERNELS
from pipeline.models.backbone_files.archive import size_fault
from pipeline.models.backbone_files.layer_names import layer_name
from pipeline.models.backbone_files.safe_layers import unsafe_parts
from pipeline.models.networks.kernels import ENOUGH_CHANNELS, wrongly_computed
from pipeline.params.schema.backbones import ReadBackbone
from pipeline.params.schema.reading import ParamsError

if TYPE_CHECKING:
    import keras
    import numpy as np

ROWS = "pipeline/models/backbones.yaml"


def build_own(row: ReadBackbone, input_tensor: keras.KerasTensor) -> keras.Model:
    """As `build_backbone` of backbones.py: the file's layers, built anew, with random weights.

    Each layer computes in the precision that is set where this is called, whatever the file says.

    Raises:
        ParamsError: the architecture names what may not be built, or does not take photos of this size.
    """
    import keras

    description = json.loads(row.architecture)
    if unsafe := next(unsafe_parts(description), None):  # it may come with a saved model from elsewhere
        raise ParamsError(f"{ROWS}: file = {row.file!r}: {unsafe}")
    if fault := size_fault(description, input_tensor.shape[1]):
        raise ParamsError(f"{ROWS}: file = {row.file!r}: {fault}")
    (source,) = keras.utils.get_source_inputs(input_tensor)
    try:
        model = keras.saving.deserialize_keras_object(description, safe_mode=True)
        output = model._run_through_graph(_marked(row, input_tensor), operation_fn=_built_anew())
        built = keras.Model(source, output, name=row.called)
    except Exception as error:  # Keras raises nearly anything where a layer does not fit
        reason = reason_of(error)
        raise ParamsError(
            f"{ROWS}: file = {row.file!r}: cannot be built for photos of {input_tensor.shape[1]} pixels "
            f"({type(error).__name__}: {reason}); set data.image_size to what it was made for, or end the last of "
            "`blocks` below the layer that needs another size"
        ) from error
    return built


def refuse_wrongly_trained(row: ReadBackbone, model: keras.Model) -> None:
    """Not where the backbone only answers, as under a probe: what may be wrong is a gradient.

    Raises:
        ParamsError: it has a layer that this processor trains wrongly.
    """
    if convolution := wrongly_computed(model):
        raise ParamsError(
            f"{ROWS}: file = {row.file!r}: layer {convolution!r} is a 1 × 1 convolution with steps over fewer than "
            f"{ENOUGH_CHANNELS} channels, which oneDNN's kernels train wrongly on this processor; set the environment "
            f"variable {KERNELS}=0, which leaves them out, or make the layer without steps"
        )


def assign_weights(row: ReadBackbone, model: keras.Model, weights: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Give each layer its weights from the file.

    Args:
        weights: of each layer that has some, by its name in the file.

    Raises:
        ParamsError: a layer has other shapes at this size of photos.
    """
    from pipeline.network import set_weights

    for name, arrays in weights.items():
        try:
            set_weights(model.get_layer(layer_name(name)), arrays)
        except ValueError as error:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ParamsError(
                f"{ROWS}: file = {row.file!r}: layer {name!r} has weights of shape {shapes}, which do not fit photos "
                f"of {model.input.shape[1]} pixels; set data.image_size to what it was made for, or end the last of "
                "`blocks` below it"
            ) from error


def refuse_bypassed_ends(row: ReadBackbone, blocks: Sequence[Sequence[keras.Layer]]) -> None:
    """
    Raises:
        ParamsError: a layer above the end of a block reads something below it, as inside a residual block.
    """
    for number, block in enumerate(blocks[:-1]):
        end = block[-1]
        below = {id(layer) for lower in blocks[: number + 1] for layer in lower} - {id(end)}
        for layer in (layer for upper in blocks[number + 1 :] for layer in upper):
            if any(id(parent) in below for parent in _parents(layer)):
                raise ParamsError(
                    f"{ROWS}: blocks = {row.blocks}: {row.blocks[number]!r} of {row.file} is no end of a block, since "
                    f"layer {layer.name!r} above it reads from below it; name a layer that all the rest goes through, "
                    "such as the sum after a shortcut"
                )


def _marked(row: ReadBackbone, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """The same tensor, by a layer whose name tells this architecture from others.

    What is kept of a network's outputs is known by its layers and their weights alone, and those of two files may be
    alike where the way through them, or an operation between them, is not.
    """
    import keras

    digest = hashlib.sha256(row.architecture.encode()).hexdigest()[:16]
    return keras.layers.Identity(dtype="float32", name=f"architecture_{digest}")(tensor)


def _parents(layer: keras.Layer) -> list[Any]:
    """What a layer reads; operations that are no layers are followed down to the layers below them."""
    import keras

    parents, waiting = [], [node for node in layer._inbound_nodes]
    while waiting:
        for parent in waiting.pop().parent_nodes:
            if isinstance(parent.operation, keras.layers.Layer):
                parents.append(parent.operation)
            else:
                waiting.append(parent)
    return parents


def _leave_to_the_run(config: dict[str, Any]) -> None:
    """Drop the precision and the penalties of a layer, and of the layers inside it, as a wrapper has them.

    A penalty would be part of the validation loss in those phases alone that train its layer, so that phases could not
    be compared; `training.weight_decay` is there for all networks alike.
    """
    config.pop("dtype", None)
    config.update({key: None for key in config if key.endswith("_regularizer")})
    for part in config.values():
        for inner in part if isinstance(part, list) else [part]:
            if _is_layer(inner):
                _leave_to_the_run(inner["config"])


def _is_layer(part: Any) -> bool:
    """Whether it describes one; an initializer, say, has a precision of its own."""
    if not isinstance(part, dict) or not isinstance(part.get("config"), dict):
        return False
    return "build_config" in part or str(part.get("module")).startswith("keras.layers")


def _built_anew() -> Callable[[Any], Any]:
    """Each layer or operation once, so that one that is called twice stays one."""
    made: dict[int, Any] = {}

    def build(operation: Any) -> Any:
        if id(operation) not in made:
            config = operation.get_config()
            config["name"] = layer_name(operation.name)
            _leave_to_the_run(config)
            made[id(operation)] = type(operation).from_config(config)
        return made[id(operation)]

    return build
