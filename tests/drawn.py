"""Photos that tests draw themselves, of which a number is to be predicted: a disc on a background, and its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SIDE = 32  # as large as the smallest input of ResNet50


def disc(number: int) -> tuple[np.ndarray, float]:
    """(SIDE, SIDE, 3) uint8 and the disc's radius in pixels: bright on dark, anywhere, in any colour, under noise."""
    random = np.random.default_rng(number)
    radius = float(np.round(random.uniform(2, 12), 2))
    centre = random.uniform(radius, SIDE - radius, 2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
    picture = np.where(inside[..., None], random.uniform(150, 250, 3), random.uniform(0, 60, 3))
    return (picture + random.normal(0, 8, picture.shape)).clip(0, 255).astype(np.uint8), radius


def write_discs(folder: Path, numbers: range, prefix: str = "") -> pd.DataFrame:
    """Files <prefix><number>.png; a row each: file, size, and two photos of each scene.

    The size is text with a decimal comma.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in numbers:
        pixels, radius = disc(number)
        file = f"{prefix}{number:03d}.png"
        Image.fromarray(pixels).save(folder / file)
        rows.append({"file": file, "size": f"{radius}".replace(".", ","), "scene": f"scene {number // 2}"})
    return pd.DataFrame(rows)
