"""What a served model is asked, in the form in which it learned: photos of one size, rows as numbers, a last window."""

from __future__ import annotations

import base64
import binascii
import io
import time
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from pipeline.datasets.photos.decoding import MOST_PIXELS, WHITE, PhotoError, decode_photo
from pipeline.datasets.request_cells import CellError, read_rows
from pipeline.datasets.store.columns import Column


class InputError(ValueError):
    """What was sent is no photo, or no row; the message says which one and why."""


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
        raise InputError(f"the table has no column {', '.join(map(repr, lacking))}; it has {_columns_of(table)}")
    if not len(table):
        raise InputError("the table has no row; send at least one")
    for column in names:
        if isinstance(cells := table[column], pd.DataFrame):
            raise InputError(f"column {column!r} stands {cells.shape[1]} times; send each once")
    try:
        return read_rows(table, columns)
    except CellError as error:
        raise InputError(str(error)) from error


def as_window(table: Any, columns: Sequence[Column], series: Mapping[str, Any]) -> np.ndarray:
    """A series, oldest value first → its last window (1, columns); a table of windows as they are (N, columns).

    Args:
        columns: "lag w" … "lag 1", the latest value last.
        series: its time and target, and how its numbers are written.

    Raises:
        InputError: for what is neither, is shorter than the window, or has a cell that cannot be read.
    """
    names, target = [column.name for column in columns], str(series["target"])
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"a series is needed, with its column {target!r}, oldest value first; send it by that name")
    table = table.rename(columns=lambda name: str(name).strip())
    if target not in table or (set(names) <= set(table.columns) and table[names].notna().any(axis=None)):
        if not set(names) <= set(table.columns):
            lacking = f"the table has no column {target!r}, nor {names[0]!r} to {names[-1]!r}"
            raise InputError(f"{lacking}; it has {_columns_of(table)}")
        return as_rows(table, columns)
    if len(table) < len(columns):
        raise InputError(
            f"{len(table)} values of {target!r} are too few: the next one is predicted from the last {len(columns)}"
        )
    column = Column(
        target, None, series.get("decimal", "."), series.get("thousands", ""), missing=series.get("missing")
    )
    values = as_rows(table[[target]].tail(len(columns)), [column])
    return values.T


def _columns_of(table: pd.DataFrame) -> str:
    """A server splits a CSV at commas alone, and MLflow drops what is left of one with semicolons."""
    names = list(map(str, table.columns))
    if names and not any(mark in name for name in names for mark in ";\t"):
        return ", ".join(names)
    return f"{', '.join(names) or 'none'} (a server reads CSV with commas between columns and points in numbers)"


def as_images(photos: Any, size: int, white: int = WHITE, until: float = inf) -> np.ndarray:
    """Photos in any of the forms that `Served.predict` takes → (N, size, size, 3) uint8.

    Args:
        white: the value of white in encoded photos of 16 bits.
        until: no photo is read after that, on the clock `time.monotonic`.

    Raises:
        InputError: naming the first photo that is none, or the time is over.
    """
    if isinstance(photos, pd.DataFrame):
        photos = _only_column(photos)
    if isinstance(photos, np.ndarray) and photos.ndim == 4:
        photos = _pixels(photos, "the batch")
    if getattr(photos, "shape", None) == ():  # of JSON, one value in place of a list
        raise InputError("one value was sent in place of a list of photos; put it into a list")
    if not len(photos):
        raise InputError("no photo was sent; send at least one")
    images = []
    for index, photo in enumerate(photos):
        refuse_late(until)
        images.append(_image(photo, f"photo {index}", size, white))
    return np.stack(images)


def refuse_late(until: float) -> None:
    """
    Raises:
        InputError: it is later, on the clock `time.monotonic`.
    """
    if time.monotonic() > until:
        raise InputError("the request takes longer than its time; send fewer, or smaller, at once")


def _only_column(table: pd.DataFrame) -> list[Any]:
    if len(table.columns) != 1:
        raise InputError(f"the table has the columns {list(table.columns)}; send one column, a photo a row")
    return table.iloc[:, 0].tolist()


def _image(photo: Any, name: str, size: int, white: int) -> np.ndarray:
    """Text is never a path: who asks a server must not choose which of its files are read."""
    if isinstance(photo, str):
        photo = _from_base64(photo, name)
    if isinstance(photo, Image.Image):
        photo = _encoded(photo)
    if isinstance(photo, Path):
        name = f"{name}, {photo},"
    if isinstance(photo, bytes | bytearray | memoryview | Path):
        try:
            return decode_photo(photo if isinstance(photo, Path) else bytes(photo), size, white)
        except PhotoError as error:
            raise InputError(f"{name} {error}") from error
    return _resized(_pixels(photo, name), name, size)


def _encoded(picture: Image.Image) -> bytes:
    """Without loss, so that it is read by the rules of files: transparency on white, 16 bits scaled, turned by EXIF."""
    turned, file = ImageOps.exif_transpose(picture), io.BytesIO()
    (turned.convert("RGBA") if "transparency" in turned.info else turned).save(file, "TIFF")
    return file.getvalue()


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
    if numbers.ndim == 3 and numbers.shape[0] * numbers.shape[1] > MOST_PIXELS:
        raise InputError(f"{name} has more than {MOST_PIXELS // 10**6} million pixels; make it smaller")
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
