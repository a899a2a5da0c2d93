"""Which backbones of one's own are proposed: by what their files say of the photos that they take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from pipeline.models.backbone_files.archive import CONFIG, FOLDER, WEIGHTS
from pipeline.operations.starting.lists import Competitors, own_size, propose_competitors
from pipeline.params.data import Data
from pipeline.params.schema.reading import read_yaml
from tests.own_backbone import FILE, NAME, ROW, give_row


def save_description(side: int | None) -> None:
    """A file of one's own, as far as its input is looked at."""
    image = {"class_name": "InputLayer", "name": "image", "config": {"batch_shape": [None, side, side, 3]}}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ZipFile(FOLDER / FILE, "w") as archive:
        archive.writestr(CONFIG, json.dumps({"class_name": "Functional", "config": {"layers": [image]}}))
        archive.writestr(WEIGHTS, b"")


def proposed(size: int) -> Competitors:
    content: dict[str, Any] = read_yaml(Path("params.yaml"))
    content["finetune"]["backbones"] = ["resnet50", NAME]
    data = Data.model_validate({**content["data"], "fetch": [], "path": "photos", "image_size": size})
    return propose_competitors(content, data, 100)


@pytest.mark.parametrize(
    ("saved", "row", "size", "kept"),
    [
        (224, ROW, 96, False),
        (224, ROW, 224, True),
        (None, ROW, 96, True),
        (224, ROW | {"smallest_input": 32}, 96, True),
        (224, ROW | {"smallest_input": 128}, 96, False),
    ],
)
def test_a_file_that_was_saved_for_one_size_is_proposed_for_that_size_unless_its_row_says_more(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, saved: int | None, row: dict[str, Any], size: int, kept: bool
) -> None:
    give_row(checkout, monkeypatch, row)
    save_description(saved)
    competitors = proposed(size)
    assert (NAME in competitors.lists["finetune.backbones"]) == kept
    (*_, line) = ["", *(line for line in competitors.lines if line.startswith(f"{NAME}: "))]
    if kept:
        assert line == ""
    elif row == ROW:
        assert line.startswith(
            "mine: not proposed, since its file was saved for photos of 224 pixels: --image-size 224"
        )
    else:
        assert line == "mine: not proposed, since it takes no photo smaller than 128 pixels"


def test_a_file_that_is_missing_or_damaged_is_left_to_check(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_row(checkout, monkeypatch)
    assert own_size(NAME) is None
    save_description(224)
    assert own_size(NAME) == 224
    (FOLDER / FILE).write_bytes(b"no archive")
    assert own_size(NAME) is None
