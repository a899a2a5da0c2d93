"""bfloat16 where it is asked for or can be computed fast: weights and head stay float32, and all else holds."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.configuration.loading import load_params
from pipeline.models.networks.cnn import build_cnn
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.params.schema.backbones import load_backbone
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.training import precision
from pipeline.training.batches import Examples
from pipeline.training.kept.activations import ActivationStore
from pipeline.training.precision import choose_precision
from pipeline.training.progress import Fit
from pipeline.training.trainer import Trainer

HEAD = head_for("multiclass", 3)
SETTINGS = Training(batch_size=16, patience=8, head_dropout=0.2, weight_decay=1e-4)
STRATEGY = Strategy(
    phases=[
        Phase(train="head", epochs=6, learning_rate=1e-2),
        Phase(train="top 1", epochs=2, learning_rate=1e-3),
        Phase(train="all", epochs=6, learning_rate=1e-2),
    ]
)


@pytest.fixture
def tiny(tiny_constructor: Callable[..., keras.Model], tmp_path: Path) -> Callable[[str], Network]:
    """precision → a tiny pretrained network of two blocks, always with the same weights."""
    row = load_backbone("vgg16").model_copy(
        update={"constructor": "Tiny", "blocks": ["batch_normalization", "tiny_pool"]}
    )
    weights = tmp_path / "tiny.weights.h5"
    keras.utils.set_random_seed(7)
    tiny_constructor(include_top=False).save_weights(weights)

    def build(wanted: str) -> Network:
        return build_finetuned(row, 16, HEAD, 0.2, weights, wanted)

    return build


def train(network: Network, examples: Examples, folder: Path, limit_gb: float = 1.0) -> Fit:
    store = ActivationStore(examples.images, examples.sha256, limit_gb, folder)
    trainer = Trainer(network, examples, STRATEGY, HEAD.task, SETTINGS, store, train_size=48)
    return trainer.run(0, np.arange(48), np.arange(48, 70))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="TensorFlow has oneDNN's kernels on x86-64")
def test_tensorflow_computes_with_onednn_whatever_the_processor() -> None:
    from tensorflow.python.util import _pywrap_util_port

    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert _pywrap_util_port.IsMklEnabled()


def test_the_body_computes_in_bfloat16_and_weights_pooling_and_head_are_float32(
    tiny: Callable[[str], Network],
) -> None:
    model = tiny("mixed_bfloat16").model
    assert model.get_layer("conv2d").compute_dtype == "bfloat16"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    for name in ("centred", "pool", "head_dropout", "head"):
        assert model.get_layer(name).compute_dtype == "float32", name
    assert keras.config.dtype_policy().name == "float32"


def test_a_cnn_computes_in_bfloat16_up_to_its_head() -> None:
    model = build_cnn(load_params().architectures["lecture"], 32, HEAD, "mixed_bfloat16").model
    computed = {layer.name: layer.compute_dtype for layer in model.layers[1:]}
    assert [name for name, kind in computed.items() if kind == "float32"] == ["rescaling", "head"]
    assert model.predict_on_batch(np.zeros((2, 32, 32, 3))).dtype == np.float32


def test_kept_activations_change_no_loss_in_bfloat16_and_both_precisions_learn_the_same(
    tiny: Callable[[str], Network], examples: Examples, tmp_path: Path
) -> None:
    single, half = (train(tiny(wanted), examples, tmp_path / "kept").history for wanted in precision.PRECISIONS)
    plain = train(tiny("mixed_bfloat16"), examples, tmp_path / "none", limit_gb=0).history
    for key in ("train_loss", "val_loss"):
        np.testing.assert_allclose([row[key] for row in half], [row[key] for row in plain], rtol=2e-2)
    losses = [[row["val_loss"] for row in history] for history in (single, half)]
    assert losses[0] != losses[1]  # else nothing was computed in bfloat16, or activations were mistaken for the other's
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.1)


def test_a_saved_network_computes_as_it_was_trained(tiny: Callable[[str], Network], tmp_path: Path) -> None:
    model = tiny("mixed_bfloat16").model
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    images = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype(np.float32)
    assert loaded.get_layer("conv2d").compute_dtype == "bfloat16"
    np.testing.assert_array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


@pytest.fixture
def processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the machine one without GPUs whose processor can do what is said."""
    import tensorflow as tf

    def can(flags: str, vendor: str = "GenuineIntel") -> None:
        cpuinfo = tmp_path / "cpuinfo"
        cpuinfo.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\nprocessor\t: 1\n")
        monkeypatch.setattr("pipeline.ground.processor.CPUINFO", cpuinfo)

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    return can


@pytest.mark.parametrize(
    ("vendor", "flags", "chosen"),
    [
        ("GenuineIntel", "sse2 avx2", "float32"),
        ("GenuineIntel", "avx512f avx512bw avx512_vnni", "float32"),
        ("GenuineIntel", "avx512f avx512_bf16", "float32"),
        ("GenuineIntel", "avx512f avx512_bf16 amx_bf16 amx_tile", "mixed_bfloat16"),
        ("AuthenticAMD", "avx2", "float32"),
        ("AuthenticAMD", "avx512f avx512_vnni", "float32"),
        ("AuthenticAMD", "avx512f avx512_vnni avx512_bf16", "mixed_bfloat16"),
    ],
)
def test_auto_asks_what_the_processor_can_do(
    vendor: str, flags: str, chosen: str, processor: Callable[..., None]
) -> None:
    processor(flags, vendor)
    assert choose_precision("auto", "images") == chosen


def test_auto_leaves_networks_of_tables_in_float32(processor: Callable[..., None]) -> None:
    processor("amx_bf16")
    assert [choose_precision("auto", kind) for kind in ("table", "series")] == ["float32", "float32"]


def test_where_nothing_is_said_of_the_processor_auto_is_float32(
    processor: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.ground.processor.CPUINFO", tmp_path / "none")
    assert choose_precision("auto", "images") == "float32"


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [([(9, 0)], "mixed_bfloat16"), ([(7, 5)], "float32"), ([(9, 0), (7, 5)], "float32"), ([None], "float32")],
)
def test_where_there_are_gpus_auto_asks_them(
    capabilities: list[Any], chosen: str, processor: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    processor("amx_bf16")
    described = [{"compute_capability": capability} if capability else {} for capability in capabilities]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(range(len(described))))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", described.__getitem__)
    assert choose_precision("auto", "images") == chosen


def test_what_is_asked_for_is_taken(processor: Callable[..., None]) -> None:
    processor("sse2")
    assert [choose_precision(wanted, "images") for wanted in precision.PRECISIONS] == precision.PRECISIONS
