"""How much an explanation tells: a number that can be set against other kinds of model.

Two rankings of the same patches are judged by deletion and insertion (see curves.py), each against a random order:

- occlusion, the same question to every candidate: this is the number to compare candidates by;
- the explanation that is usual for its kind, which the pictures show: Grad-CAM for a network, permutation importance of
  patches for a classical model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.transform import resize

from pipeline.evaluation.explanations.curves import Curves, curves_by_chance, deletion_and_insertion
from pipeline.evaluation.explanations.patches import Patches, occlusion
from pipeline.evaluation.measures.findings import Findings, measure_rows

Heat = NDArray[np.floating]  # (N, h, w), at least 0

OCCLUSION, CHANCE = "occlusion", "chance"


def measure_explanations(
    patches: Patches, examples: NDArray[np.str_], seed: int, steps: int, method: str, heat: Heat
) -> tuple[Findings, dict[str, list[float]]]:
    """Findings, and the mean curves by name: `<order>_deletion` and `<order>_insertion`.

    Args:
        examples: (N,) ids of the photos.
        seed: of the model that is explained.
        steps: in which all patches are taken away.
        method: the name of what made `heat`.
        heat: the explanation that is usual for this kind of model.
    """
    rankings = {OCCLUSION: occlusion(patches), method: by_patch(heat, patches.grid)}
    curves = {name: deletion_and_insertion(patches, ranking, steps) for name, ranking in rankings.items()}
    curves[CHANCE] = curves_by_chance(patches, steps)
    gains = {name: curves[name].gain(curves[CHANCE]) for name in rankings}
    summary = {
        **_areas(curves[OCCLUSION]),
        "explanation_gain": float(gains[OCCLUSION].mean()),
        "own_explanation_gain": float(gains[method].mean()),
    }
    section = {"seed": seed, "examples": len(examples), "grid": patches.grid, "method": method}
    section |= {name: _areas(of_order) for name, of_order in curves.items()}
    rows = [
        measure_rows("explanation_gain", seed, examples, gains[OCCLUSION]),
        measure_rows("own_explanation_gain", seed, examples, gains[method]),
    ]
    return Findings(summary, {"explanations": section}, pd.concat(rows, ignore_index=True)), _means(curves)


def by_patch(heat: Heat, grid: int) -> NDArray[np.float64]:
    """(N, h, w) of any size → (N, grid²), means over each patch as far as the map is fine enough."""
    side = grid * -(-heat.shape[1] // grid)
    fine = np.stack([resize(of_photo, (side, side), order=1, mode="edge") for of_photo in heat.astype(np.float64)])
    return fine.reshape(len(heat), grid, side // grid, grid, side // grid).mean(axis=(2, 4)).reshape(len(heat), -1)


def _areas(curves: Curves) -> dict[str, float]:
    return {
        "deletion_area": float(curves.deletion_area.mean()),
        "insertion_area": float(curves.insertion_area.mean()),
    }


def _means(curves: Mapping[str, Curves]) -> dict[str, list[float]]:
    """Over the photos."""
    deletion = {f"{name}_deletion": of_order.deletion.mean(axis=0).tolist() for name, of_order in curves.items()}
    insertion = {f"{name}_insertion": of_order.insertion.mean(axis=0).tolist() for name, of_order in curves.items()}
    return deletion | insertion
