"""What a candidate's seeds have in common: where it ends, and that it is found where training kept it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, Prepared, load_prepared
from pipeline.evaluation.answers import kept_prefix
from pipeline.evaluation.answers.kept_prefix import Prefix, Storage, facts_of_network
from pipeline.evaluation.answers.models import load_network, predictor
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.answers.shared_prefix import split_off_prefix
from pipeline.ground.files import read_json, write_json
from pipeline.ground.kept import CHECKSUM
from pipeline.models.networks.backbones import build_pooled
from pipeline.models.networks.pooled import PooledFeatures
from pipeline.network import Network
from pipeline.params.schema.backbones import Backbone, load_backbone
from pipeline.params.upkeep.keep import Keep
from pipeline.stages.assembly.evaluating.prefixes import TrainingActivations, as_network, cuts_of, make_prefix
from pipeline.stages.assembly.evaluating.trained_candidate import FOLDER as ALTERED
from pipeline.stages.assembly.evaluating.trained_candidate import TrainedCandidate, kept_arrays
from pipeline.training.kept.activations import FOLDER, ActivationStore
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


KEEP = Keep(activations_gb=1.0, trials_gb=1.0, altered_gb=1.0)
WITHOUT_ROOM = KEEP.model_copy(update={"activations_gb": 0.0})


def kept_rows() -> Path:
    (file,) = FOLDER.glob("*.npy")
    return file


def keep_zeros(values: np.ndarray) -> None:
    """In place of what is kept, as a version that noted no checksum would have."""
    np.save(kept_rows(), np.zeros_like(values))
    notes = kept_rows().with_suffix(".json")
    write_json(notes, {key: value for key, value in read_json(notes).items() if key != CHECKSUM})


def train_uppermost_block(network: keras.Model) -> None:
    layer = network.get_layer("conv2d_1")
    layer.set_weights([weight + 1 for weight in layer.get_weights()])


def a_trial(**described: Any) -> Trial:
    facts: dict[str, Any] = {
        "candidate": "finetune-tiny-some",
        "family": "finetune",
        "backbone": "resnet50",
        "technique": "some",
        "task": "multiclass",
        "parameters": {"blocks": ENDS},
        "parameter_counts": {},
        "phases": [],
        "seeds": [],
        "fingerprint": "0",
    }
    return Trial(**facts | described)


def prefix_of(keep: Keep, development: Prepared, extractor: Any) -> tuple[Prefix | None, TrainingActivations | None]:
    storage = Storage(kept_arrays(keep), batch_size=16, photos=50)
    return make_prefix(a_trial(), extractor, ENDS, development, keep, storage)


def predicted_of_development(keep: Keep, development: Prepared, models: list[Any]) -> np.ndarray:
    split = split_off_prefix(models, ENDS)
    prefix, activations = prefix_of(keep, development, split.prefix)
    seeds = SeedModels([predictor(rest) for rest in split.rests], 16, prefix)
    return np.stack(TrainedCandidate(a_trial(), models, seeds, activations)._predict_development(development))


def all_photos_alike(predicted: np.ndarray) -> bool:
    return np.array_equal(predicted, np.repeat(predicted[:, :1], predicted.shape[1], axis=1))


def test_what_training_kept_is_what_evaluation_reads(
    trained: tuple[Prepared, list[keras.Model], PooledFeatures],
) -> None:
    development, networks, extractor = trained
    rows = np.load(kept_rows())
    keep_zeros(rows)
    predicted = predicted_of_development(KEEP, development, networks)
    assert np.array_equal(predicted, np.repeat(predicted[:, :1], predicted.shape[1], axis=1)), (
        "rows of zeros say the same of all"
    )
    prefix, activations = prefix_of(KEEP, development, extractor)
    assert prefix is not None and activations is not None
    of_development, of_test = activations.values(), prefix.of_all(load_prepared(TEST).images)
    assert of_development is not None and not of_development.any()
    assert of_test is not None and of_test.any(), "training kept nothing of these"


@pytest.mark.parametrize(("strategy", "maps"), [("frozen_layers", 1), ("feature_extractor", 0)])
def test_maps_on_the_way_to_rows_are_kept_where_another_candidate_asks_for_them(
    strategy: str, maps: int, trained: tuple[Prepared, list[keras.Model], PooledFeatures]
) -> None:
    development, _, extractor = trained
    yaml = YAML(typ="safe")
    params = yaml.load(Path("params.yaml"))
    params["finetune"]["strategies"] = [strategy]
    yaml.dump(params, Path("params.yaml"))
    prefix, _ = prefix_of(KEEP, development, extractor)
    assert prefix is not None and prefix.of_all(load_prepared(TEST).images) is not None
    assert len(list(ALTERED.glob("maps-*.npy"))) == maps
    assert len(list(ALTERED.glob("*.npy"))) == maps + 1, "the rows"


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
    keep_zeros(maps)
    train_uppermost_block(networks[1])
    predicted = predicted_of_development(KEEP, development, networks)
    assert np.array_equal(predicted, np.repeat(predicted[:, :1], predicted.shape[1], axis=1)), (
        "maps of zeros say the same of all"
    )


def test_without_it_the_same_is_computed_anew(trained: tuple[Prepared, list[keras.Model], PooledFeatures]) -> None:
    development, networks, _ = trained
    name, found = kept_rows().name, predicted_of_development(KEEP, development, networks)
    kept_rows().unlink()
    np.testing.assert_allclose(predicted_of_development(KEEP, development, networks), found, rtol=1e-5)
    assert kept_rows().name == name, "and kept where training would look for it"


@pytest.mark.parametrize("train", [lambda network: None, train_uppermost_block], ids=["rows", "maps"])
def test_where_there_is_no_room_for_it_nothing_is_kept_or_held(
    train: Callable[[keras.Model], None],
    trained: tuple[Prepared, list[keras.Model], PooledFeatures],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    development, networks, _ = trained
    train(networks[1])
    found = predicted_of_development(KEEP, development, networks)
    for file in FOLDER.glob("*.npy"):
        file.unlink()
    monkeypatch.setattr(kept_prefix, "in_batches", lambda *_: pytest.fail("a batch is held at a time"))
    np.testing.assert_allclose(predicted_of_development(WITHOUT_ROOM, development, networks), found, rtol=1e-5)
    assert not list(FOLDER.glob("*.npy")) and not list(ALTERED.rglob("*.npy"))


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
def test_of_one_seed_that_is_common_to_others_which_no_phase_trained(phases: list[str], cuts: list[str]) -> None:
    trial = a_trial(phases=[{"train": train} for train in phases], seeds=[{"seed": 0}])
    assert cuts_of(trial) == cuts
    assert cuts_of(replace(trial, parameters={})) == (), "a network without a backbone"


@pytest.mark.parametrize(
    ("phases", "cuts"), [(["head", "all"], ENDS), (["top 1", "all"], ENDS[:1]), (["all"], []), (["block 1", "all"], [])]
)
def test_several_seeds_may_have_in_common_what_a_phase_left_as_it_was(phases: list[str], cuts: list[str]) -> None:
    trial = a_trial(phases=[{"train": train} for train in phases], seeds=[{"seed": 0}, {"seed": 1}])
    assert cuts_of(trial) == cuts


def test_a_frozen_backbone_is_the_same_inside_a_network_and_under_a_classical_model(
    tiny_constructor: Callable[..., keras.Model], tmp_path: Path
) -> None:
    row = ROW.model_dump()
    body, _ = build_pooled(ROW, 24)
    network = keras.Model(body.input, keras.layers.Dense(3, name="head")(body.output))
    network.save(tmp_path / "network.keras")
    split = split_off_prefix([load_network(tmp_path / "network.keras") for _ in range(2)], ["tiny_pool", "pool"])
    extractor = PooledFeatures(row, body.get_weights())
    assert facts_of_network(as_network(extractor, 24)) == facts_of_network(split.prefix)
    changed = PooledFeatures(row, [weight + 0.1 for weight in body.get_weights()])
    assert facts_of_network(as_network(changed, 24)) != facts_of_network(split.prefix)
