"""What is left out of photos does not hang on how they lie: in class folders, or flat beside a table of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.datasets.photos.examples import clean, read_examples
from pipeline.datasets.photos.listing import list_source
from pipeline.params.data import Data, Labels

SHOTS = 3  # of each thing, one after another: the same picture, brighter and noisier each time


def shot(thing: int, number: int) -> Image.Image:
    coarse = np.random.default_rng(thing).integers(0, 200, (6, 6, 3)).astype(np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC), np.float64)
    noise = np.random.default_rng(100 * thing + number).normal(0, 1, scene.shape)
    return Image.fromarray(np.clip(scene + 4 * number + noise, 0, 255).astype(np.uint8))


def left_out(folder: Path, keep: Path, labels: Labels | None = None) -> dict[str, tuple[str, str]]:
    settings = Data(fetch=[], path=str(folder), image_size=48, test_fraction=0.25, limit=None, seed=0, labels=labels)
    gone = clean(read_examples([list_source(settings, keep)], 48, keep), settings).gone.values()
    return {Path(row.example).name: (row.reason, Path(row.duplicate_of).name) for row in gone}


def test_of_a_burst_one_photo_stays_in_class_folders_and_in_a_flat_folder_alike(tmp_path: Path) -> None:
    rows = ["path,label"]
    for thing in range(4):
        label = "Pear" if thing % 2 else "Apple"
        for number in range(SHOTS):
            name = f"IMG_{thing}{number}.png"
            for place in (tmp_path / "classes" / label, tmp_path / "flat"):
                place.mkdir(parents=True, exist_ok=True)
                shot(thing, number).save(place / name)
            rows.append(f"{name},{label}")
    (tmp_path / "flat" / "labels.csv").write_text("\n".join(rows))
    in_folders = left_out(tmp_path / "classes", tmp_path / "keep")
    flat = left_out(tmp_path / "flat", tmp_path / "keep", Labels(file="labels.csv"))
    assert flat == in_folders
    assert flat == {
        f"IMG_{thing}{number}.png": ("a second copy of nearly the same picture", f"IMG_{thing}0.png")
        for thing in range(4)
        for number in range(1, SHOTS)
    }
