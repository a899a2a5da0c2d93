"""How large a candidate's saved models are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from pipeline.evaluation.costs.flops import flops_per_image


def model_size(
    model: Any, files: Sequence[Path], parameters: Mapping[str, int], image_size: int | None = None
) -> dict[str, int | None]:
    """metrics.json's `size`; bytes are the mean over the seeds.

    Args:
        model: of the first seed.
        files: the saved models of all seeds.
        parameters: how many they have, "total" and "trainable".
        image_size: pixels a side of photos.
    """
    return {
        "model_bytes": round(float(np.mean([weights_bytes(file) for file in files]))),
        "parameters": parameters["total"],
        "trainable_parameters": parameters["trainable"],
        "flops_per_image": flops_per_image(model, image_size),
    }


def weights_bytes(path: Path) -> int:
    """Bytes of the weights in a `.keras` or `.skops` archive, uncompressed, without its descriptions in JSON.

    The size of the archive itself would differ from run to run: it holds dates and memory addresses.
    """
    with ZipFile(path) as archive:
        return sum(member.file_size for member in archive.infolist() if not member.filename.endswith(".json"))
