"""A trained candidate as one model that answers: photos or rows of a table in, classes and probabilities out.

    served = load(Path("…/model"))
    served.predict([Path("apple.jpg").read_bytes()])                  # what learned from photos, raw or encoded
    served.predict(pd.DataFrame({"age": [52], "sex": ["female"]}))    # what learned from a table

Used in the checkout, and packed with every model that MLflow keeps (tracking/model.py), where it runs without one:
so it imports only what answering needs.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.datasets.asked import CellError, read_rows
from pipeline.datasets.columns import Column
from pipeline.datasets.photos.decoding import PhotoError, decode_photo
from pipeline.evaluation.answers.models import load_models, predictor
from pipeline.files import read_json
from pipeline.models.archive import read_model

# Beside the model's file: task, class_names, image_size (of photos), columns (of a table), model (the file's name).
DESCRIPTION = "served.json"
LARGEST_BATCH = 64  # photos that a network sees at once


class InputError(ValueError):
    """What was sent is no photo, or no row; the message says which one and why."""


@dataclass
class Served:
    """A model, the names of its classes (none: it predicts a number), and its photos' size or its rows' columns.

    Several threads may ask at once; they are answered one after another, each with all the processor's cores.
    """

    answer: Callable[[np.ndarray], np.ndarray]
    class_names: list[str]
    image_size: int | None
    columns: list[Column] | None = None
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def predict(self, asked: Any) -> pd.DataFrame:
        """One row an example: `predicted` (a class name), `probability` (its), and `p_<class>` for every class; where
        a number is predicted, `predicted` alone.

        Args:
            asked: (N, H, W, 3) uint8 RGB of any size; or N photos, each encoded (bytes, or base64 as text) or raw
                (H, W, 3); or a table with one column of these. Where rows of a table were learned: a table.

        Raises:
            InputError: naming the first photo that is none, or the row and column that cannot be read.
        """
        if self.columns is not None:
            inputs = as_rows(asked, self.columns)
        else:
            assert self.image_size is not None
            inputs = as_images(asked, self.image_size)
        return self.told(self.probabilities(inputs))

    def told(self, probabilities: np.ndarray) -> pd.DataFrame:
        """(N, classes) probabilities, or (N, 1) numbers, as `predict` answers."""
        if not self.class_names:
            return pd.DataFrame({"predicted": probabilities[:, 0]})
        columns = {f"p_{name}": probabilities[:, index] for index, name in enumerate(self.class_names)}
        predicted = [self.class_names[index] for index in probabilities.argmax(axis=1)]
        return pd.DataFrame({"predicted": predicted, "probability": probabilities.max(axis=1), **columns})

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """(N, S, S, 3) uint8, or (N, columns) float64 → (N, classes) float64; (N, 1) of predicted numbers."""
        starts = range(0, len(inputs), LARGEST_BATCH)
        with self._one_at_a_time:
            parts = [self._batch(inputs[start : start + LARGEST_BATCH]) for start in starts]
        return np.concatenate(parts).astype(np.float64)

    def _batch(self, inputs: np.ndarray) -> np.ndarray:
        """Filled up to a power of two: a network is traced anew for every size of batch."""
        size = 1 << (len(inputs) - 1).bit_length()
        filled = np.concatenate([inputs, np.repeat(inputs[-1:], size - len(inputs), axis=0)])
        return self.answer(filled)[: len(inputs)]


def load(folder: Path) -> Served:
    """A folder with a model's file and served.json."""
    described = read_json(folder / DESCRIPTION)
    (model,) = load_models([folder / described["model"]], read_model)
    columns = described.get("columns")
    return Served(
        predictor(model),
        described["class_names"],
        described["image_size"],
        None if columns is None else [Column(**column) for column in columns],
    )


def as_rows(table: Any, columns: Sequence[Column]) -> np.ndarray:
    """A table with at least these columns, in any order → (N, columns) float64, as the model learned them.

    Raises:
        InputError: for what is no table, lacks a column, or has a cell that cannot be read.
    """
    names = [column.name for column in columns]
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"rows of a table are needed, with the columns {', '.join(names)}; send them with their names")
    table = table.rename(columns=lambda name: str(name).strip())
    if lacking := [name for name in names if name not in table]:
        has = ", ".join(map(str, table.columns)) or "none"
        raise InputError(f"the table has no column {', '.join(map(repr, lacking))}; it has {has}")
    if not len(table):
        raise InputError("the table has no row; send at least one")
    for column in names:
        if isinstance(cells := table[column], pd.DataFrame):
            raise InputError(f"column {column!r} stands {cells.shape[1]} times; send each once")
    try:
        return read_rows(table, columns)
    except CellError as error:
        raise InputError(str(error)) from error


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
