"""Photos that evaluation kept, as a page can hold them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.ground.files import read_json
from pipeline.trials import evaluation_folder


@dataclass(frozen=True)
class Photo:
    """A test example as the page shows it; `uri` holds the picture itself."""

    uri: str
    example: str
    right_class: str
    predicted_class: str
    probability: float


@dataclass(frozen=True)
class NumberPhoto:
    """A test example of which a number is predicted, as the page shows it; `uri` holds the picture itself."""

    uri: str
    example: str
    label: float
    predicted: float


@dataclass(frozen=True)
class Explained:
    """What one candidate looks at in the same test photos as all others.

    Attributes:
        method: gradcam or permutation.
    """

    candidate: str
    method: str
    photos: tuple[Photo, ...] | tuple[NumberPhoto, ...]


def read_photos(candidate: str, class_names: Sequence[str]) -> list[Photo]:
    """The thumbnails that evaluation kept; none where it kept none."""
    folder = figures_folder(candidate)
    if not (folder / "thumbnails.json").is_file():
        return []
    return photos_of(folder, read_json(folder / "thumbnails.json"), class_names)


def read_number_photos(candidate: str) -> list[NumberPhoto]:
    """The small photos that evaluation kept where numbers are predicted: half of them the largest errors, then the
    smallest; none where it kept none."""
    folder = figures_folder(candidate)
    entries = read_json(folder / "numbers.json") if (folder / "numbers.json").is_file() else []
    return number_photos_of(folder, entries)


def read_explained(candidates: Sequence[str], class_names: Sequence[str]) -> list[Explained]:
    """The pictures of those candidates that have some.

    Args:
        class_names: none where numbers are predicted.
    """
    explained = []
    for candidate in candidates:
        folder = figures_folder(candidate)
        if (folder / "explanations.json").is_file():
            content = read_json(folder / "explanations.json")
            explained.append(
                Explained(candidate, content["method"], _explained(folder, content["photos"], class_names))
            )
    return explained


def _explained(
    folder: Path, entries: Sequence[Mapping[str, Any]], class_names: Sequence[str]
) -> tuple[Photo, ...] | tuple[NumberPhoto, ...]:
    if class_names:
        return tuple(photos_of(folder, entries, class_names))
    return tuple(number_photos_of(folder, entries))


def read_doubted(candidates: Sequence[str]) -> dict[tuple[str, str], Path]:
    """Split and example → the small photo that one of the candidates kept since it doubts the label."""
    photos: dict[tuple[str, str], Path] = {}
    for folder in map(figures_folder, candidates):
        entries = read_json(folder / "doubted.json") if (folder / "doubted.json").is_file() else []
        photos = {(entry["split"], entry["example"]): folder / entry["file"] for entry in entries} | photos
    return photos


def has_sheet(candidate: str) -> bool:
    """Whether evaluation left a contact sheet of its most confident mistakes: it made some, and was asked for it."""
    return (figures_folder(candidate) / "mistakes.jpg").is_file()


def photos_of(folder: Path, entries: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> list[Photo]:
    """Of the entries that evaluation wrote: file, example, label, predicted, probability."""
    return [
        Photo(
            uri=data_uri(folder / entry["file"]),
            example=entry["example"],
            right_class=class_names[entry["label"]],
            predicted_class=class_names[entry["predicted"]],
            probability=entry["probability"],
        )
        for entry in entries
    ]


def number_photos_of(folder: Path, entries: Sequence[Mapping[str, Any]]) -> list[NumberPhoto]:
    """The same where numbers are predicted: file, example, label, predicted."""
    return [
        NumberPhoto(data_uri(folder / entry["file"]), entry["example"], entry["label"], entry["predicted"])
        for entry in entries
    ]


def data_uri(path: Path) -> str:
    """A JPEG as text that a page can hold."""
    return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def figures_folder(candidate: str) -> Path:
    """Where evaluation puts what only the report shows."""
    return evaluation_folder(candidate) / "figures"
