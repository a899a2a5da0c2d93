"""Photos under the colours of what explains a model's answer to them, for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.transform import resize

from pipeline.evaluation.explanations.patches import Patches
from pipeline.ground.files import write_jpeg, write_json

Heat = NDArray[np.floating]  # (N, h, w), at least 0

EXPLANATIONS = "explanations.json"
STRENGTH = 0.55  # of the colours that are laid over a photo
SMALLEST_PICTURE = 120  # pixels a side


def write_overlays(
    folder: Path, patches: Patches, examples: NDArray[np.str_], labels: NDArray[Any], heat: Heat, count: int
) -> list[dict[str, Any]]:
    """explained-<n>.jpg of the first `count` photos; an entry for each: file, example, label, predicted, and of a class
    its probability."""
    entries = []
    for number in range(min(count, len(examples))):
        file = f"explained-{number}.jpg"
        write_jpeg(folder / file, overlay(patches.images[number], heat[number]), quality=85)
        entries.append(
            {
                "file": file,
                "example": str(examples[number]),
                "label": labels[number].item(),
                **patches.answers.described(number),
            }
        )
    return entries


def overlay(photo: NDArray[np.uint8], heat: Heat) -> Image.Image:
    """A photo in grey under the colours of its heat, (h, w): dark blue nothing, yellow the most."""
    from matplotlib import colormaps

    side = max(SMALLEST_PICTURE, photo.shape[0])
    grey = np.asarray(Image.fromarray(photo).convert("L").resize((side, side), Image.Resampling.BICUBIC)) / 255
    spread = resize(heat.astype(np.float64), (side, side), order=1, mode="edge")
    colours = colormaps["viridis"](spread / max(float(spread.max()), 1e-12))[..., :3]
    blended = (1 - STRENGTH) * grey[..., None] + STRENGTH * colours
    return Image.fromarray(np.rint(np.clip(blended, 0, 1) * 255).astype(np.uint8))


def write_explanations(folder: Path, method: str, means: dict[str, list[float]], entries: list[dict[str, Any]]) -> None:
    """explanations.json for the report.

    Args:
        means: the mean curves by name, from `measure_explanations`.
        entries: of the photos, from `write_overlays`.
    """
    write_json(folder / EXPLANATIONS, {"method": method, "curves": means, "photos": entries})
