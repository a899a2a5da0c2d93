"""The pictures of what candidates look at, as the page shows them: the same test photos for each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.comparison.report.mistakes import Photo, photos_of
from pipeline.files import read_json
from pipeline.trials import evaluation_folder


@dataclass(frozen=True)
class Explained:
    """One candidate's pictures; `method` is gradcam or permutation."""

    candidate: str
    method: str
    photos: tuple[Photo, ...]


def read_explained(candidates: Sequence[str], class_names: Sequence[str]) -> list[Explained]:
    """Of those that have pictures."""
    found = []
    for candidate in candidates:
        folder = evaluation_folder(candidate) / "figures"
        if (folder / "explanations.json").is_file():
            written = read_json(folder / "explanations.json")
            photos = photos_of(folder, written["photos"], class_names)
            found.append(Explained(candidate, written["method"], tuple(photos)))
    return found
