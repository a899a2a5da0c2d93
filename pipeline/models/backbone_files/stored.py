"""Layers and weights of an own backbone as the weights stage leaves them: data/weights/<name>.weights.h5.

An HDF5 file with the architecture (UTF-8 JSON, as bytes) and `weights/<layer>/<number>`, float32. What trains a
candidate needs nothing else of the backbone, so that this file alone decides whether it is trained again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import h5py
import numpy as np

from pipeline.ground.files import reading, replacing
from pipeline.params.schema.backbones import AnyBackbone, Backbone, BackboneFile, ReadBackbone
from pipeline.params.schema.reading import ParamsError

Weights: TypeAlias = dict[str, list[np.ndarray]]  # of each layer that has some, by its name
ARCHITECTURE, LAYERS = "architecture", "weights"


def write_stored(path: Path, read: ReadBackbone, weights: Weights) -> None:
    """By way of memory: where a disk is full or fails while HDF5 writes, that ends the process by a signal."""
    with h5py.File(path, "w", driver="core", backing_store=False) as file:
        file[ARCHITECTURE] = np.frombuffer(read.architecture.encode(), np.uint8)
        for layer, arrays in weights.items():
            for number, array in enumerate(arrays):
                file[f"{LAYERS}/{layer}/{number}"] = array
        file.flush()
        content = file.id.get_file_image()
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def read_stored(path: Path) -> Weights:
    """The weights in a file that `write_stored` wrote."""
    with reading(_there(path)), h5py.File(path, "r") as file:
        layers = file.get(LAYERS, {})
        return {name: [group[str(number)][()] for number in range(len(group))] for name, group in layers.items()}


def with_architecture(row: AnyBackbone, path: Path) -> Backbone | ReadBackbone:
    """The row with the layers that are stored in `path`, where it is of a file; rows of Keras' own as they are.

    Raises:
        ParamsError: the file is not there yet.
        DamagedFileError: it is cut off, or is not what the weights stage writes.
    """
    if not isinstance(row, BackboneFile):
        return row
    with reading(_there(path)), h5py.File(path, "r") as file:
        architecture = file[ARCHITECTURE][()].tobytes().decode()
    return ReadBackbone(**row.model_dump(exclude={ARCHITECTURE}), architecture=architecture)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ParamsError(f"{path}: there is no such file; make it with `dvc repro weights@{path.name.split('.')[0]}`")
    return path
