"""A trained candidate as one model that answers: photos in, raw or encoded, class names and probabilities out.

    served = load(Path("…/model"))
    served.predict([Path("apple.jpg").read_bytes()])

Used in the checkout, and packed with every model that MLflow keeps (tracking/model.py), where it runs without one:
so it imports only what answering needs.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.datasets.decoding import PhotoError, decode_photo
from pipeline.evaluation.inference import load_models, predictor
from pipeline.models.archive import read_model
from pipeline.trials import read_json

DESCRIPTION = "served.json"  # beside the model's file: {"task": …, "class_names": […], "image_size": …, "model": …}
LARGEST_BATCH = 64  # photos that a network sees at once


class InputError(ValueError):
    """What was sent holds no photos; the message says which one and why."""


@dataclass
class Served:
    """A model, the names of its classes, and the size of its photos.

    Several threads may ask at once; they are answered one after another, each with all the processor's cores.
    """

    answer: Callable[[np.ndarray], np.ndarray]
    class_names: list[str]
    image_size: int
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, photos: Any) -> pd.DataFrame:
        """One row a photo: `predicted` (a class name), `probability` (its), and `p_<class>` for every class.

        Args:
            photos: (N, H, W, 3) uint8 RGB of any size; or N photos, each encoded (bytes, or base64 as text) or raw
                (H, W, 3); or a table with one column of these.

        Raises:
            InputError: naming the first photo that is none.
        """
        probabilities = self.probabilities(as_images(photos, self.image_size))
        columns = {f"p_{name}": probabilities[:, index] for index, name in enumerate(self.class_names)}
        predicted = [self.class_names[index] for index in probabilities.argmax(axis=1)]
        return pd.DataFrame({"predicted": predicted, "probability": probabilities.max(axis=1), **columns})

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, S, S, 3) uint8 → (N, classes) float64."""
        starts = range(0, len(images), LARGEST_BATCH)
        with self._one_at_a_time:
            parts = [self._batch(images[start : start + LARGEST_BATCH]) for start in starts]
        return np.concatenate(parts).astype(np.float64)

    def _batch(self, images: np.ndarray) -> np.ndarray:
        """Filled up to a power of two: a network is traced anew for every size of batch."""
        size = 1 << (len(images) - 1).bit_length()
        filled = np.concatenate([images, np.repeat(images[-1:], size - len(images), axis=0)])
        return self.answer(filled)[: len(images)]


def load(folder: Path) -> Served:
    """A folder with a model's file and served.json."""
    described = read_json(folder / DESCRIPTION)
    (model,) = load_models([folder / described["model"]], read_model)
    return Served(predictor(model), described["class_names"], described["image_size"])


def as_images(photos: Any, size: int) -> np.ndarray:
    """Photos in any of the forms that `Served.predict` takes → (N, size, size, 3) uint8."""
    if isinstance(photos, pd.DataFrame):
        photos = _only_column(photos)
    if isinstance(photos, np.ndarray) and photos.ndim == 4:
        photos = _pixels(photos, "the batch")
    if not len(photos):
        raise InputError("no photo was sent; send at least one")
    return np.stack([_one_image(photo, f"photo {index}", size) for index, photo in enumerate(photos)])


def _only_column(table: pd.DataFrame) -> list[Any]:
    if len(table.columns) != 1:
        raise InputError(f"the table has the columns {list(table.columns)}; send one column, a photo a row")
    return table.iloc[:, 0].tolist()


def _one_image(photo: Any, name: str, size: int) -> np.ndarray:
    if isinstance(photo, str):
        photo = _from_base64(photo, name)
    if isinstance(photo, bytes | bytearray | memoryview):
        try:
            return decode_photo(bytes(photo), size)
        except PhotoError as error:
            raise InputError(f"{name} {error}") from error
    return _resized(_pixels(photo, name), name, size)


def _from_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(
            f"{name} is text, but not base64 ({error}); send the photo's file, encoded as base64"
        ) from error


def _pixels(photo: Any, name: str) -> np.ndarray:
    """One raw photo, or a batch of them, as uint8; numbers that came as JSON have lost their type and are checked."""
    try:
        given = np.asarray(photo)
        numbers = given if given.dtype == np.uint8 else given.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is neither an encoded photo nor rows of RGB pixels") from None
    if numbers.ndim < 3 or numbers.shape[-1] != 3 or numbers.size == 0:
        raise InputError(f"{name} has the shape {numbers.shape}; a raw photo has (height, width, 3)")
    if numbers.dtype != np.uint8 and not (numbers.min() >= 0 and numbers.max() <= 255 and np.all(numbers % 1 == 0)):
        raise InputError(f"{name} has values other than whole numbers from 0 to 255")
    return numbers.astype(np.uint8)


def _resized(pixels: np.ndarray, name: str, size: int) -> np.ndarray:
    """Squeezed to a square as `prepare` does it."""
    if pixels.ndim != 3:
        raise InputError(f"{name} has the shape {pixels.shape}; a raw photo has (height, width, 3)")
    if pixels.shape[:2] == (size, size):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))


class _Answering:
    """What MLflow calls; a fault of the request is told as such (HTTP 400) rather than as the server's."""

    def __init__(self, served: Served) -> None:
        self._served = served

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        from mlflow.exceptions import MlflowException

        try:
            return self._served.predict(model_input)
        except InputError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


def _load_pyfunc(folder: str) -> _Answering:
    """MLflow's entry point (`loader_module` in MLmodel)."""
    return _Answering(load(Path(folder)))
