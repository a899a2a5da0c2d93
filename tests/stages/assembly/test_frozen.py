"""What frozen layers make of photos, found where training kept it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.datasets.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.evaluation.answers import features, kept
from pipeline.evaluation.answers.inference import load_network, predictors
from pipeline.models.networks.backbones import build_pooled
from pipeline.models.pooled import PooledFeatures
from pipeline.network import Network
from pipeline.params.loading import load_params
from pipeline.params.rows.backbones import Backbone, load_backbone
from pipeline.params.whole import Params
from pipeline.stages.assembly.frozen import as_network, cuts_of, keep_frozen
from pipeline.training.activations import FOLDER, ActivationStore
from pipeline.trials import Trial

ROW = load_backbone("resnet50").model_copy(
    update={"constructor": "Tiny", "blocks": ["batch_normalization", "tiny_pool"]}
)
ENDS = ["batch_normalization", "pool"]


@pytest.fixture
def trained(
    prepare: Callable[..., None], tiny_constructor: Callable[..., keras.Model], tmp_path: Path
) -> tuple[Prepared, list[keras.Model], PooledFeatures]:
    """Development; networks of two seeds with one frozen body, as loaded from disk; the same body under a classical
    model. What training would keep of it is kept."""
    prepare(["fig", "kiwi", "lime"])
    keras.utils.set_random_seed(7)
    development = load_prepared(DEVELOPMENT)
    body, blocks = build_pooled(Backbone.model_validate(ROW), development.images.shape[1])
    ActivationStore(development.images, development.sha256, 1).get(Network(body, blocks, [], []), len(blocks))
    for seed in (0, 1):
        head = keras.layers.Dense(3, activation="softmax", name="head")
        keras.Model(body.input, head(body.output)).save(tmp_path / f"{seed}.keras")
    loaded = [load_network(tmp_path / f"{seed}.keras") for seed in (0, 1)]
    return development, loaded, PooledFeatures(ROW.model_dump(), body.get_weights())


def without_room(params: Params) -> Params:
    return params.model_copy(update={"keep": params.keep.model_copy(update={"activations_gb": 0.0})})


def kept_rows() -> Path:
    (file,) = FOLDER.glob("*.npy")
    return file


def train_uppermost_block(network: keras.Model) -> None:
    layer = network.get_layer("conv2d_1")
    layer.set_weights([weight + 1 for weight in layer.get_weights()])


def said_of_development(params: Params, development: Prepared, models: list[Any]) -> np.ndarray:
    keep = keep_frozen(params, development, 50, 16, ENDS)
    return np.stack(predictors(models, 16, ENDS, keep)(development.images))


def test_what_training_kept_is_what_evaluation_reads(
    trained: tuple[Prepared, list[keras.Model], PooledFeatures],
) -> None:
    development, networks, extractor = trained
    rows = np.load(kept_rows())
    np.save(kept_rows(), np.zeros_like(rows))
    said = said_of_development(load_params(), development, networks)
    assert np.array_equal(said, np.repeat(said[:, :1], said.shape[1], axis=1)), "rows of zeros say the same of all"
    of_probe = keep_frozen(load_params(), development, 50, 16, ())(extractor).of_all_images
    assert not of_probe(development.images).any()
    test = load_prepared(TEST)
    assert of_probe(test.images).any(), "training kept nothing of these"


def test_the_maps_below_a_trained_block_are_read_too(
    trained: tuple[Prepared, list[keras.Model], PooledFeatures],
) -> None:
    development, networks, _ = trained
    store = ActivationStore(development.images, development.sha256, 1)
    body, blocks = build_pooled(Backbone.model_validate(ROW), development.images.shape[1])
    body.set_weights(trained[2].weights)
    kept_rows().unlink()
    store.get(Network(body, blocks, [], []), len(blocks) - 1)
    maps = np.load(kept_rows())
    assert maps.ndim == 4
    np.save(kept_rows(), np.zeros_like(maps))
    train_uppermost_block(networks[1])
    said = said_of_development(load_params(), development, networks)
    assert np.array_equal(said, np.repeat(said[:, :1], said.shape[1], axis=1)), "maps of zeros say the same of all"


def test_without_it_the_same_is_computed_anew(trained: tuple[Prepared, list[keras.Model], PooledFeatures]) -> None:
    development, networks, _ = trained
    name, found = kept_rows().name, said_of_development(load_params(), development, networks)
    kept_rows().unlink()
    np.testing.assert_allclose(said_of_development(load_params(), development, networks), found, rtol=1e-5)
    assert kept_rows().name == name, "and kept where training would look for it"


@pytest.mark.parametrize("train", [lambda network: None, train_uppermost_block], ids=["rows", "maps"])
def test_where_there_is_no_room_for_it_nothing_is_kept_or_held(
    train: Callable[[keras.Model], None],
    trained: tuple[Prepared, list[keras.Model], PooledFeatures],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    development, networks, _ = trained
    train(networks[1])
    found = said_of_development(load_params(), development, networks)
    for file in FOLDER.glob("*.npy"):
        file.unlink()
    params = without_room(load_params())
    monkeypatch.setattr(features, "in_batches", lambda *_: pytest.fail("a batch is held at a time"))
    np.testing.assert_allclose(said_of_development(params, development, networks), found, rtol=1e-5)
    assert not list(FOLDER.glob("*.npy")) and not list(kept.FOLDER.rglob("*.npy"))


def test_a_backbone_under_a_classical_model_is_built_once(
    trained: tuple[Prepared, list[keras.Model], PooledFeatures],
) -> None:
    development, _, extractor = trained
    network = as_network(extractor, development.images.shape[1])
    assert as_network(extractor, development.images.shape[1]) is network


@pytest.mark.parametrize(
    ("phases", "cuts"),
    [(["head"], ENDS), (["head", "top 1"], ENDS[:1]), (["head", "block 2"], ENDS[:1]), (["head", "all"], []), ([], [])],
)
def test_of_one_seed_that_is_common_to_others_which_no_phase_trained(
    phases: list[str], cuts: list[str], trained: tuple[Prepared, list[keras.Model], PooledFeatures]
) -> None:
    trial = Trial(
        candidate="finetune-tiny-some",
        family="finetune",
        backbone="tiny",
        technique="some",
        task="multiclass",
        parameters={"blocks": ENDS},
        parameter_counts={},
        phases=[{"train": train} for train in phases],
        seeds=[],
        fingerprint="0",
    )
    assert cuts_of(trial, trained[1][:1]) == cuts
    assert cuts_of(trial, trained[1]) == ENDS, "several show it themselves"
    assert cuts_of(replace(trial, parameters={}), trained[1][:1]) == (), "a network without a backbone"
