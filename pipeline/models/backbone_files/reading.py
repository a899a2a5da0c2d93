"""Layers and weights out of a Keras file that has passed its checks, up to the last block of its row."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from pipeline.ground.files import one_line
from pipeline.models.backbone_files.archive import FOLDER, ROWS, file_faults
from pipeline.models.backbone_files.stored import Weights
from pipeline.params.schema.backbones import BackboneFile, ReadBackbone
from pipeline.params.schema.reading import ParamsError

if TYPE_CHECKING:
    import keras

CAUSE = "Exception encountered: "  # behind it Keras says what was wrong, and before it repeats the whole file
LEFT_OUT = "Skipping nested container"


def read_backbone_file(name: str, row: BackboneFile) -> tuple[ReadBackbone, Weights]:
    """The row with its file's layers, and the weights of each layer that has some.

    Args:
        name: of the row, for messages.

    Raises:
        ParamsError: what is wrong with the file, with the key of the row and what to do.
    """
    model = _checked_and_loaded(name, row)
    import keras

    try:
        body = keras.Model(model.inputs[0], model.get_layer(row.blocks[-1]).output, name="backbone")
    except (ValueError, AttributeError) as error:
        raise ParamsError(
            f"{ROWS}: {name}.blocks = {row.blocks}: {row.blocks[-1]!r} is no end of a block, since it does not depend "
            "on the photo; name another layer"
        ) from error
    description = keras.saving.serialize_keras_object(body)
    architecture = json.dumps(description, sort_keys=True)
    weights = {layer.name: [_as_float(array) for array in layer.get_weights()] for layer in body.layers}
    read = ReadBackbone(**row.model_dump(), architecture=architecture)
    return read, {layer: arrays for layer, arrays in weights.items() if arrays}


def _checked_and_loaded(name: str, row: BackboneFile) -> keras.Model:
    """A copy that nobody else knows, so that what is loaded is what was looked at, if somebody changes the file."""
    with TemporaryDirectory() as folder:
        file, copy = FOLDER / row.file, Path(folder) / "copy.keras"
        if file.is_file():
            shutil.copyfile(file, copy)
        if faults := file_faults(name, row, copy if copy.exists() else file):
            raise ParamsError("\n".join(faults))
        return _load(name, row, copy)


def _load(name: str, row: BackboneFile, copy: Path) -> keras.Model:
    """In safe mode, and not compiled: nothing that the file says of its training is read."""
    import keras

    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            model = keras.saving.load_model(copy, compile=False, safe_mode=True)
        # Keras only warns of layers for whose parts a file has no weights, and leaves random ones in their place.
        if left_out := [str(warning.message) for warning in warned if str(warning.message).startswith(LEFT_OUT)]:
            raise ValueError(left_out[0])
        return model
    except Exception as error:  # whatever a file can make Keras, h5py or zipfile say
        reason = one_line(str(error).rpartition(CAUSE)[2])
        raise ParamsError(
            f"{ROWS}: {name}.file = {row.file!r}: Keras does not load it in safe mode ({type(error).__name__}: "
            f"{reason}); save the model again with `model.save('NAME.keras')`, with Keras 3"
        ) from error


def _as_float(array: np.ndarray) -> np.ndarray:
    return np.require(array, np.float32, "C")  # ascontiguousarray makes a scalar, such as a count, an array of one
