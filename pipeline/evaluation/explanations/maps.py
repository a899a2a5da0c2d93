"""What a candidate's answers hang on, as pictures, and as a number that can be set against other kinds of model.

Two rankings of the same patches are judged by deletion and insertion (see patches.py), each against a random order:

- occlusion, the same question to every candidate: this is the number to compare candidates by;
- the explanation that is usual for its kind, which the pictures show: Grad-CAM for a network, permutation importance of
  patches for a classical model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from skimage.transform import resize

from pipeline.evaluation.explanations.patches import Curves, Patches, by_chance, curves, permutation
from pipeline.evaluation.explanations.patches import occlusion as occlude
from pipeline.evaluation.measures.findings import Findings, measured
from pipeline.files import replacing, write_json

Heat = NDArray[np.floating]  # (N, h, w), at least 0

OCCLUSION, CHANCE = "occlusion", "chance"
GRADCAM, PERMUTATION = "gradcam", "permutation"
REPEATS = 2  # other photos that lend each patch
STRENGTH = 0.55  # of the colours that are laid over a photo
SMALLEST_PICTURE = 120  # pixels a side


def explain_classical(patches: Patches) -> Heat:
    """Permutation importance; what a patch says against the answer counts as nothing."""
    return np.maximum(permutation(patches, REPEATS), 0).reshape(-1, patches.grid, patches.grid)


def measure_explanations(
    patches: Patches, examples: NDArray[np.str_], seed: int, steps: int, method: str, heat: Heat
) -> tuple[Findings, dict[str, list[float]]]:
    """Findings, and the mean curves by name: `<order>_deletion` and `<order>_insertion`.

    Args:
        examples: (N,) ids of the photos; method: the name of what made `heat`.
    """
    orders = {OCCLUSION: occlude(patches), method: by_patch(heat, patches.grid)}
    found: dict[str, Curves] = {name: curves(patches, order, steps) for name, order in orders.items()}
    found[CHANCE] = by_chance(patches, steps)
    gains = {name: found[name].gain(found[CHANCE]) for name in orders}
    rows = [
        measured("explanation_gain", seed, examples, gains[OCCLUSION]),
        measured("own_explanation_gain", seed, examples, gains[method]),
    ]
    summary = {
        "deletion_area": float(found[OCCLUSION].deletion_area.mean()),
        "insertion_area": float(found[OCCLUSION].insertion_area.mean()),
        "explanation_gain": float(gains[OCCLUSION].mean()),
        "own_explanation_gain": float(gains[method].mean()),
    }
    areas = {
        name: {"deletion_area": float(one.deletion_area.mean()), "insertion_area": float(one.insertion_area.mean())}
        for name, one in found.items()
    }
    section = {"seed": seed, "examples": len(examples), "grid": patches.grid, "method": method, **areas}
    means = {f"{name}_deletion": one.deletion.mean(axis=0).tolist() for name, one in found.items()}
    means |= {f"{name}_insertion": one.insertion.mean(axis=0).tolist() for name, one in found.items()}
    return Findings(summary, {"explanations": section}, pd.concat(rows, ignore_index=True)), means


def by_patch(heat: Heat, grid: int) -> NDArray[np.float64]:
    """(N, h, w) of any size → (N, grid²), means over each patch as far as the map is fine enough."""
    side = grid * -(-heat.shape[1] // grid)
    fine = np.stack([resize(one, (side, side), order=1, mode="edge") for one in heat.astype(np.float64)])
    return fine.reshape(len(heat), grid, side // grid, grid, side // grid).mean(axis=(2, 4)).reshape(len(heat), -1)


def write_pictures(
    folder: Path, patches: Patches, examples: NDArray[np.str_], labels: NDArray[np.int64], heat: Heat, count: int
) -> list[dict[str, Any]]:
    """explained-<n>.jpg of the first `count` photos; an entry for each: file, example, label, predicted,
    probability."""
    entries = []
    for number in range(min(count, len(examples))):
        file = f"explained-{number}.jpg"
        with replacing(folder / file) as temporary:
            overlay(patches.images[number], heat[number]).save(temporary, format="JPEG", quality=85)
        told = {"example": str(examples[number]), "label": int(labels[number])}
        answer = {"predicted": int(patches.answers[number]), "probability": float(patches.confidence[number])}
        entries.append({"file": file, **told, **answer})
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
    """explanations.json for the report."""
    write_json(folder / "explanations.json", {"method": method, "curves": means, "photos": entries})
