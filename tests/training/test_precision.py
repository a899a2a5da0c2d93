"""bfloat16 where it is asked for or faster: weights and head stay float32, and what is proven elsewhere holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.configuration.loading import load_params
from pipeline.ground.files import read_json
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


def test_kept_activations_change_no_loss_in_bfloat16(
    tiny: Callable[[str], Network], examples: Examples, tmp_path: Path
) -> None:
    kept = train(tiny("mixed_bfloat16"), examples, tmp_path / "kept").history
    plain = train(tiny("mixed_bfloat16"), examples, tmp_path / "none", limit_gb=0).history
    for key in ("train_loss", "val_loss"):
        np.testing.assert_allclose([row[key] for row in kept], [row[key] for row in plain], rtol=2e-2)


def test_both_precisions_learn_the_same(tiny: Callable[[str], Network], examples: Examples, tmp_path: Path) -> None:
    fits = [train(tiny(wanted), examples, tmp_path / "kept") for wanted in precision.PRECISIONS]
    losses = [[row["val_loss"] for row in fit.history] for fit in fits]
    assert losses[0] != losses[1]  # else nothing was computed in bfloat16, or activations were mistaken for the other's
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.1)


def test_a_saved_network_computes_as_it_was_trained(tiny: Callable[[str], Network], tmp_path: Path) -> None:
    model = tiny("mixed_bfloat16").model
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    images = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype(np.float32)
    assert loaded.get_layer("conv2d").compute_dtype == "bfloat16"
    np.testing.assert_array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


def test_auto_measures_each_phase_in_both_and_keeps_what_it_found(
    tiny: Callable[[str], Network], tmp_path: Path
) -> None:
    chosen = choose_precision("auto", STRATEGY, tiny, 16, HEAD.task.loss, tmp_path / "precision")
    assert chosen in precision.PRECISIONS
    found = [read_json(path) for path in (tmp_path / "precision").iterdir()]
    assert sorted(measured["phase"] for measured in found) == ["all", "head", "top 1"]
    assert all(set(measured["seconds"]) == set(precision.PRECISIONS) for measured in found)
    assert all(spent > 0 for measured in found for spent in measured["seconds"].values())


def test_auto_takes_the_faster_over_all_epochs_and_stays_with_it(
    tiny: Callable[[str], Network], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """float32 is faster in the head's one pass and in `top 1`, bfloat16 by more in the six epochs of `all`."""
    step = {"head": (1.0, 2.0), "top 1": (1.0, 1.5), "all": (2.0, 1.0)}

    def measured(network: Network, phase: Phase, *settings: Any) -> float:
        return step[phase.train][network.model.get_layer("conv2d").compute_dtype == "bfloat16"]

    def choose(strategy: Strategy) -> str:
        return choose_precision("auto", strategy, tiny, 16, HEAD.task.loss, tmp_path / "precision")

    monkeypatch.setattr(precision, "_seconds_of_step", measured)
    assert choose(STRATEGY) == "mixed_bfloat16"
    assert choose(Strategy(phases=STRATEGY.phases[:2])) == "float32"
    step["all"] = (1.0, 9.0)
    assert choose(STRATEGY) == "mixed_bfloat16"


def test_what_is_asked_for_is_not_measured() -> None:
    def never(wanted: str) -> Network:
        raise AssertionError("was built")

    for wanted in precision.PRECISIONS:
        assert choose_precision(wanted, STRATEGY, never, 16, HEAD.task.loss) == wanted
