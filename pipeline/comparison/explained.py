"""The pictures of what candidates look at, as the page shows them: the same test photos for each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.comparison.mistakes import Photo, data_uri
from pipeline.trials import evaluation_folder, read_json


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
            photos = tuple(
                Photo(
                    uri=data_uri(folder / entry["file"]),
                    example=entry["example"],
                    right_class=class_names[entry["label"]],
                    predicted_class=class_names[entry["predicted"]],
                    probability=entry["probability"],
                )
                for entry in written["photos"]
            )
            found.append(Explained(candidate, written["method"], photos))
    return found
