"""A champion that answers: a small classical model on photos of one colour a class."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipeline.champions import versions
from pipeline.champions.answering import load
from pipeline.champions.bundle import write_model_folder
from pipeline.champions.served.servable import Servable
from pipeline.champions.versions import Champion
from pipeline.models.archive import write_model
from pipeline.models.classical import compute_features, fit_classical
from pipeline.params.schema.classical import ClassicalModel

SIDE = 16
COLOURS = {"blue": (40, 40, 200), "green": (40, 200, 40), "red": (200, 40, 40)}


def paint(colour: str, number: int, spread: float = 12) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8: one colour under noise; another number is another photo."""
    random = np.random.default_rng((number, sum(COLOURS[colour])))
    return (random.normal(0, spread, (SIDE, SIDE, 3)) + COLOURS[colour]).clip(0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow model folder that knows the three colours."""
    folder = tmp_path_factory.mktemp("colours")
    images = np.stack([paint(colour, number) for number in range(6) for colour in COLOURS])
    row = ClassicalModel(features="pixels", estimator="LogisticRegression", settings={"max_iter": 200})
    labels = np.arange(len(images)) % len(COLOURS)
    fitted = fit_classical("colours", row, compute_features(row, images), labels, folds=2, seed=0)
    write_model(folder / "seed-0.skops", fitted.model)
    write_model_folder(folder / "model", Servable(folder / "seed-0.skops", "multiclass", list(COLOURS), SIDE))
    return folder / "model"


@pytest.fixture
def champion(checkout: Path, colour_model: Path) -> Champion:
    """Version 1 of champions/, in a checkout in miniature."""

    def fill(folder: Path, version: int) -> Champion:
        shutil.copytree(colour_model, folder / "model")
        names = list(COLOURS)
        photos = np.stack([paint(colour, 1000 + number) for number in range(20) for colour in COLOURS])
        own = load(folder / "model" / "data" / "model").probabilities(photos).reshape(20, 3, 3)
        rows = [
            {"seed": 0, "split": split, "example": f"{split}/{number}", "label": label, "predicted": label}
            | {f"p_{k}": own[number, label, k] for k in range(3)}
            for split in ("train", "val", "test")
            for number in range(20)
            for label in range(3)
        ]
        pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
        accuracy = {"test_accuracy": 1.0}
        return Champion(
            version,
            "classical-colours",
            "classical",
            0,
            "print",
            "multiclass",
            names,
            SIDE,
            "data",
            accuracy,
            [0.9, 1],
            "",
        )

    return versions.add_version(fill, "data")
