"""Weights that no row states a hash of are held to what their first download was."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.models import weights as fetching
from pipeline.models.recorded_hashes import RECORD, record_hash, recorded_hash
from pipeline.models.weight_files import WeightsError
from pipeline.params.schema.backbones import Backbone, load_backbone
from pipeline.params.schema.reading import ParamsError
from pipeline.stages import weights

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_constructor: Callable[..., keras.Model]
) -> dict[str, float]:
    """Keras' own host in a checkout of nothing: all weights are what it holds under "value"."""
    held = {"value": 1.0}

    def download(weights: str | None, **options: Any) -> keras.Model:
        model = tiny_constructor(**options)
        if weights == "imagenet":
            model.set_weights([np.full(weight.shape, held["value"], np.float32) for weight in model.weights])
        return model

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KIYAS_OFFLINE", raising=False)
    monkeypatch.setattr(keras.applications, "Tiny", download)
    count = tiny_constructor(include_top=False).count_params()
    stated = {"parameters": count, "sha256": None}
    row = load_backbone("vgg19").model_dump() | {"constructor": "Tiny", "weights": stated}
    monkeypatch.setattr(weights, "load_backbone", lambda name: Backbone.model_validate(row))
    return held


def test_the_first_download_is_recorded_and_later_ones_are_held_to_it(host: dict[str, float]) -> None:
    weights.run("vgg19")
    recorded = recorded_hash("vgg19")
    assert recorded is not None and RECORD.read_text(encoding="utf-8").startswith("# SHA-256 of the weights")
    made = Path("data/weights/vgg19.weights.h5")
    before = made.read_bytes()
    weights.run("vgg19")
    host["value"] = 2.0
    with pytest.raises(WeightsError, match=f"expected .* with {recorded} .*{RECORD}, as first downloaded.*nothing was"):
        weights.run("vgg19")
    assert made.read_bytes() == before and recorded_hash("vgg19") == recorded
    host["value"] = 1.0
    weights.run("resnet101")
    assert recorded_hash("vgg19") == recorded_hash("resnet101") == recorded


def test_a_hash_that_the_row_states_is_not_recorded(host: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    row = weights.load_backbone("vgg19")
    assert isinstance(row, Backbone)
    model = fetching.imagenet_model(row)
    stated = row.weights.model_copy(update={"sha256": fetching.hash_weights(model.get_weights())})
    monkeypatch.setattr(weights, "load_backbone", lambda name: row.model_copy(update={"weights": stated}))
    record_hash("vgg19", "0" * 64)
    weights.run("vgg19")
    assert recorded_hash("vgg19") == "0" * 64


@pytest.mark.parametrize("value", ["short", 7, ["a" * 64]])
def test_what_is_no_hash_is_refused_by_name(host: dict[str, float], value: Any) -> None:
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(f"vgg19: {value}\n", encoding="utf-8")
    with pytest.raises(ParamsError, match=rf"{RECORD}: vgg19 = .*: is no SHA-256; `git checkout"):
        weights.run("vgg19")


def test_the_record_is_for_git_to_keep() -> None:
    ignored = subprocess.run(["git", "check-ignore", "--no-index", RECORD], cwd=ROOT, capture_output=True)
    assert ignored.returncode == 1
