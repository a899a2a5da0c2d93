"""A checkout with small parameters and a small prepared store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, write_prepared
from pipeline.params.schema.backbones import load_backbone

ROOT = Path(__file__).resolve().parents[2]
COLOURS = np.array([(190, 70, 70), (70, 190, 70), (70, 70, 190)])
WEIGHTS = Path("data/weights/resnet50.weights.h5")
ROW = load_backbone("resnet50").model_copy(
    update={"constructor": "Tiny", "blocks": ["batch_normalization", "tiny_pool"]}
)
SIDE = 24
SEEDS = [0, 4]


@contextmanager
def in_a_checkout(folder: Path) -> Iterator[None]:
    """A folder as a checkout in miniature, and as the current directory for a while: one for a whole module."""
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, folder / file)
    (folder / "pipeline").symlink_to(ROOT / "pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield


def shrink_params() -> None:
    """Two seeds, two folds, tracking off."""
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["seeds"] = SEEDS
    content["baseline"]["folds"] = 2
    content["evaluation"] |= {"batch_size": 16, "latency_images": 4, "thumbnails": 6}
    content["evaluation"]["robustness"] |= {
        "examples": 9,
        "shifts": [4],
        "corruptions": ["contrast"],
        "severities": [5],
    }
    content["evaluation"]["explanations"] |= {"examples": 6, "grid": 2, "steps": 2, "pictures": 2}
    content["training"]["precision"] = "float32"  # whatever the machine is made for
    content["tracking"]["enabled"] = False
    yaml.dump(content, Path("params.yaml"))


def prepare_colours(classes: list[str], development: int = 20, test: int = 6) -> None:
    """Writes development and test: photos of one colour a class under much noise, so that some are mistaken."""
    random = np.random.default_rng(3)
    for folder, count in ((DEVELOPMENT, development), (TEST, test)):
        labels = np.arange(count * len(classes)) % len(classes)
        shades = COLOURS[labels] + random.normal(0, 60, (len(labels), 3))
        images = shades[:, None, None, :] + random.normal(0, 30, (len(labels), SIDE, SIDE, 3))
        ids = [f"{folder.name}/{classes[label]}/{row:03d}.jpg" for row, label in enumerate(labels)]
        rows = np.arange(len(labels))
        write_prepared(folder, images.clip(0, 255).astype(np.uint8), rows, labels, ids, classes)


@pytest.fixture
def small_checkout(checkout: Path) -> Path:
    """Small parameters, nothing prepared yet."""
    shrink_params()
    return checkout


@pytest.fixture
def prepare(small_checkout: Path) -> Callable[..., None]:
    return prepare_colours


@pytest.fixture
def tiny_weights(small_checkout: Path, tiny_constructor: Callable[..., keras.Model]) -> Path:
    """What stands in for ResNet50's ImageNet weights: those of ROW's tiny network."""
    keras.utils.set_random_seed(5)
    WEIGHTS.parent.mkdir(parents=True)
    tiny_constructor(include_top=False).save_weights(WEIGHTS)
    return WEIGHTS
