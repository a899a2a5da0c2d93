"""Image encoders of keras-hub, from a local preset folder: they go through the same file as other own backbones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.champions.bundle import _requirements
from pipeline.champions.served.servable import Servable
from pipeline.models.archive import read_model, write_model
from pipeline.models.backbone_files import safe_layers
from pipeline.models.backbone_files.archive import file_faults, needs_hub
from pipeline.models.backbone_files.reading import read_backbone_file
from pipeline.models.backbone_files.safe_layers import unsafe_parts
from pipeline.models.networks.backbones import build_pooled, preprocess
from pipeline.models.networks.own_backbones import assign_weights
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.params.schema.backbones import BackboneFile
from pipeline.params.schema.reading import ParamsError
from tests.own_backbone import NAME

SIDE = 32
PHOTOS = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3)).astype(np.uint8)
EMBEDDING = {
    "module": "keras_hub.src.models.dinov2.dinov2_layers",
    "class_name": "DINOV2Embedding",
    "config": {"name": "embeddings"},
    "registered_name": "DINOV2Embedding",
}
SMALL = {"patch_size": 8, "hidden_dim": 16, "num_layers": 2, "num_heads": 2, "intermediate_dim": 32}
ENCODERS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "DINOV2Backbone": ("torch", {"position_embedding_shape": (SIDE, SIDE)}, ["embeddings", "layernorm"]),
    "CLIPVisionEncoder": ("clip", {}, ["encoder_block_0", "layer_norm"]),
    "SigLIPVisionEncoder": ("tf", {}, ["encoder_block_0", "post_layer_norm"]),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/backbones").mkdir(parents=True)
    yield tmp_path
    keras.utils.clear_session()


@pytest.mark.parametrize(
    ("changes", "installed", "says"),
    [
        ({}, True, None),
        (
            {},
            False,
            "layer 'embeddings' is a 'DINOV2Embedding' of keras-hub; `make setup` installs that",
        ),
        ({"class_name": "Anything", "registered_name": "Anything"}, True, "is a 'Anything', which is not among"),
        ({"module": "keras_hub.src.utils.preset_utils"}, True, "is a 'DINOV2Embedding', which is not among"),
        ({"registered_name": "own>DINOV2Embedding"}, True, "of somebody's own"),
    ],
)
def test_only_some_layers_of_keras_hub_are_built_and_only_where_it_is(
    changes: dict[str, str], installed: bool, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safe_layers, "is_hub_installed", lambda: installed)
    found = list(unsafe_parts([EMBEDDING | changes]))
    assert (found == []) if says is None else (says in found[0])


def test_photos_are_normalised_as_clip_does_it() -> None:
    image = keras.Input((SIDE, SIDE, 3))
    mean, deviation = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    answer = keras.Model(image, preprocess(image, "clip")).predict_on_batch(PHOTOS.astype(np.float32))
    np.testing.assert_allclose(answer, (PHOTOS / 255 - mean) / deviation, atol=1e-5)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_encoder_from_a_preset_folder_makes_features(encoder: str, folder: Path) -> None:
    hub = pytest.importorskip("keras_hub", reason="keras-hub is not installed")
    preprocessing, more, ends = ENCODERS[encoder]
    kind = getattr(hub.models, encoder)
    kind(image_shape=(SIDE, SIDE, 3), **SMALL, **more).save_to_preset("preset")
    original = kind.from_preset("preset")
    names = [layer.name for layer in original.layers]  # with the encoder's own name before them
    blocks = [next(name for name in reversed(names) if name.endswith(f"_{end}")) for end in ends]
    keras.Model(original.input, original.output).save("data/backbones/encoder.keras")
    row = BackboneFile.model_validate({"file": "encoder.keras", "preprocessing": preprocessing, "blocks": blocks})
    assert file_faults(NAME, row) == file_faults(NAME, row, side=SIDE) == []
    (fault,) = file_faults(NAME, row, side=40)
    assert "its layers of keras-hub take photos of [32, 32] pixels, not of 40; set data.image_size" in fault

    read, weights = read_backbone_file(NAME, row)
    model, _ = build_pooled(read, SIDE)
    assign_weights(read, model, weights)
    image = keras.Input((SIDE, SIDE, 3))
    prepared = keras.Model(image, preprocess(image, preprocessing)).predict_on_batch(PHOTOS.astype(np.float32))
    tokens = keras.Model(original.input, original.get_layer(blocks[-1]).output).predict_on_batch(prepared)
    expected = tokens.mean(axis=1)
    np.testing.assert_allclose(model.predict_on_batch(PHOTOS.astype(np.float32)), expected, atol=1e-4)

    with pytest.raises(ParamsError, match=r"take photos of \[32, 32\] pixels, not of 40; set data.image_size"):
        build_pooled(read, 40)

    model.save("model.keras")
    loaded = keras.saving.load_model("model.keras", safe_mode=True)
    np.testing.assert_allclose(loaded.predict_on_batch(PHOTOS.astype(np.float32)), expected, atol=1e-4)
    assert f"keras-hub=={hub.__version__}" in _requirements(Servable(Path("model.keras"), "multiclass", ["a"], SIDE))

    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    probe = Pipeline(
        [("features", PooledFeatures(read.model_dump(), model.get_weights())), ("m", LogisticRegression())]
    )
    probe.fit(PHOTOS, [0, 1, 0, 1, 1])
    write_model(Path("probe.skops"), probe)
    assert needs_hub(Path("probe.skops"))
    same = read_model(Path("probe.skops")).named_steps["features"].transform(PHOTOS)
    np.testing.assert_allclose(same, expected, atol=1e-4)


def test_a_model_without_its_layers_does_not_ask_for_it() -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save("plain.keras")
    asked = _requirements(Servable(Path("plain.keras"), "multiclass", ["a"], None))
    assert not needs_hub(Path("plain.keras")) and not any(name.startswith("keras-hub") for name in asked)
