"""A backbone of one's own for tests: a small network, its file and its row, in a checkout that has them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from ruamel.yaml import YAML

from pipeline.models.backbone_files.archive import CONFIG, FOLDER
from pipeline.params.schema import backbones, rows

ROOT = Path(__file__).resolve().parents[1]
NAME, FILE = "mine", "mine.keras"
ROW: dict[str, Any] = {"file": FILE, "preprocessing": "tf", "blocks": ["block1_out", "block2_out"]}
BODY = 3 * 3 * 3 * 4 + 4 + 4 * 4 + (3 * 3 * 4 * 4 + 4) + (3 * 3 * 4 * 6 + 6)  # parameters up to block2_out


def own_network(side: int | None = None) -> Any:
    """With a shortcut, BatchNorm, layers called as those around a backbone are, and a head of three classes."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    image = keras.Input((side, side, 3), name="image")
    stem = layers.Conv2D(4, 3, padding="same", name="pool")(image)
    normed = layers.BatchNormalization(name="normed")(stem)
    inside = layers.Conv2D(4, 3, padding="same", activation="relu", name="inside")(normed)
    block = layers.Add(name="block1_out")([stem, inside])
    top = layers.Conv2D(6, 3, strides=2, activation="relu", name="block2_out")(block)
    pooled = layers.GlobalAveragePooling2D(name="pooled")(top)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="head")(pooled))


def give_row(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any] | None = None, name: str = NAME
) -> None:
    """Let a checkout have a row of its own beside those that there are."""
    package, models = checkout / "pipeline", checkout / "pipeline/models"
    if package.is_symlink():
        package.unlink()
        models.mkdir(parents=True)
        for folder in (package, models):
            for path in (ROOT / folder.relative_to(checkout)).iterdir():
                if path.name not in ("models", backbones.ROWS):
                    (folder / path.name).symlink_to(path)
    content = YAML(typ="safe").load((ROOT / "pipeline/models" / backbones.ROWS).read_text(encoding="utf-8"))
    with (models / backbones.ROWS).open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump({**content, name: row or ROW}, stream)
    for module in (rows, backbones):
        monkeypatch.setattr(module, "ROWS_FOLDER", models)


def name_backbone(checkout: Path, strategies: list[str], name: str = NAME) -> None:
    """Let it be the only backbone of the checkout's params.yaml."""
    yaml, path = YAML(typ="safe"), checkout / "params.yaml"
    content = yaml.load(path.read_text(encoding="utf-8"))
    content["finetune"] = {"backbones": [name], "strategies": strategies}
    yaml.dump(content, path)


def put_file(checkout: Path, source: Path) -> Path:
    """Lay a file into data/backbones."""
    path = checkout / FOLDER / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, path)
    return path


def rewritten(source: Path, target: Path, change: Callable[[dict[str, Any]], Any], without: str = "") -> Path:
    """A copy of a .keras file with another description of its layers, and perhaps without a member."""
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == CONFIG:
                description = json.loads(content)
                content = json.dumps(change(description) or description).encode()
            if member != without:
                new.writestr(member, content)
    return target
