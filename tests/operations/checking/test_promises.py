"""Each promise of a candidate is kept by a sound one, and its breach is found and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.evaluation.answers.models import predictor
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.network import Network
from pipeline.operations.checking import networks, promises
from pipeline.operations.checking.classical import ClassicalSubject, pooled_features
from pipeline.operations.checking.examples import CLASSES, made_up_examples
from pipeline.operations.checking.networks import NetworkSubject, eagerly, trained_blocks
from pipeline.operations.checking.promises import check_promises
from pipeline.operations.checking.subjects import Subject, Trained
from pipeline.params.schema.backbones import Backbone, BackboneWeights
from pipeline.params.schema.classical import load_classical
from pipeline.params.training.candidates import Candidate
from pipeline.params.training.settings import Training
from pipeline.params.training.strategies import Phase, Strategy
from pipeline.stages.assembly.training.network_plan import NetworkPlan

SIZE = 16
TINY = Backbone(
    constructor="Tiny",
    preprocessing="tf",
    smallest_input=8,
    blocks=["conv2d", "tiny_pool"],
    weights=BackboneWeights(parameters=1, sha256=None),
)
TRAINING = Training(batch_size=4, patience=8, head_dropout=0.2, weight_decay=1e-4)
PHASES = [Phase(train=train, epochs=9, learning_rate=1e-3) for train in ("head", "top 1", "all")]


@keras.saving.register_keras_serializable(package="own")
class OwnLayer(keras.layers.Layer):
    """A layer that a saved network can only be loaded with by who has this code."""

    def call(self, inputs: Any) -> Any:
        return inputs


class BatchCentred(keras.layers.BatchNormalization):
    """Statistics of its batch, whatever it is asked for."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return inputs - keras.ops.mean(inputs, axis=0, keepdims=True)


@pytest.fixture
def plan(tiny_constructor: Callable[..., keras.Model]) -> NetworkPlan:
    head = head_for("multiclass", len(CLASSES))
    build = partial(build_finetuned, TINY, SIZE, head, 0.2, None)
    candidate = Candidate("finetune", model="tiny-gradual", backbone="tiny", technique="gradual")
    return NetworkPlan(candidate, head, build, Strategy(phases=PHASES), TRAINING, fingerprint="", parameters={})


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    with eagerly():
        yield


def subject_of(plan: NetworkPlan, folder: Path) -> NetworkSubject:
    return NetworkSubject(plan, made_up_examples("images", "classification", SIZE), folder / "activations")


def breaches(subject: Subject, folder: Path) -> dict[str, str]:
    return {found.promise: found.breach for found in check_promises(subject, folder) if found.breach}


def on_top(plan: NetworkPlan, *layers: Callable[[], keras.layers.Layer], in_head: bool = True) -> NetworkPlan:
    """The plan's network with more layers behind its last one, counted among its head or not."""

    def build(precision: str) -> Network:
        network = plan.build(precision)
        outputs = network.model.output
        more = [layer() for layer in layers]
        for layer in more:
            outputs = layer(outputs)
        model = keras.Model(network.model.input, outputs)
        return replace(network, model=model, head=[*network.head, *more] if in_head else network.head)

    return replace(plan, build=build)


def test_a_sound_network_keeps_every_promise(plan: NetworkPlan, tmp_path: Path) -> None:
    found = list(check_promises(subject_of(plan, tmp_path), tmp_path))
    assert [finding.breach for finding in found] == [None] * 5


def test_a_network_in_memory_and_the_loaded_one_are_asked_in_one_way(
    plan: NetworkPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a graph is fused, as on a GPU, its answers are not those of the same operations one by one."""
    ways: list[bool] = []

    def ask(network: Any) -> Any:
        ways.append(tf.config.functions_run_eagerly())
        return predictor(network)

    for module in (networks, promises):
        monkeypatch.setattr(module, "predictor", ask)
    tf.config.run_functions_eagerly(False)  # as the command finds it
    found = list(check_promises(subject_of(plan, tmp_path), tmp_path))
    assert [finding.breach for finding in found] == [None] * 5
    assert len(ways) == 3 and all(ways) and not tf.config.functions_run_eagerly()


def test_a_network_with_code_of_its_own_does_not_load_in_safe_mode(plan: NetworkPlan, tmp_path: Path) -> None:
    own = breaches(subject_of(on_top(plan, OwnLayer), tmp_path), tmp_path)
    assert "classes of tests" in own["loads in safe mode"] or "OwnLayer" in own["loads in safe mode"]
    anything = on_top(plan, lambda: keras.layers.Lambda(lambda outputs: outputs), in_head=False)
    assert "cannot be loaded" in breaches(subject_of(anything, tmp_path), tmp_path)["loads in safe mode"]


def test_what_is_not_saved_is_missed_when_loaded(plan: NetworkPlan, tmp_path: Path) -> None:
    subject = subject_of(plan, tmp_path)

    def forgetful(model: keras.Model, path: Path) -> None:
        twin = keras.models.clone_model(model)
        twin.save(path)

    subject.save = forgetful  # type: ignore[method-assign]
    assert set(breaches(subject, tmp_path)) == {"answers the same when loaded"}


def test_answers_that_are_no_probabilities_are_told(plan: NetworkPlan, tmp_path: Path) -> None:
    found = breaches(subject_of(on_top(plan, lambda: keras.layers.Rescaling(2.0)), tmp_path), tmp_path)
    assert "no probabilities" in found["takes raw inputs"]


def test_answers_that_depend_on_the_batch_are_told(plan: NetworkPlan, tmp_path: Path) -> None:
    centred = on_top(plan, BatchCentred, lambda: keras.layers.Softmax())
    subject = subject_of(centred, tmp_path)
    subject.load = lambda path: keras.saving.load_model(path, custom_objects={"BatchCentred": BatchCentred})  # type: ignore[method-assign]
    assert "alone" in breaches(subject, tmp_path)["takes raw inputs"]


def test_answers_of_another_shape_are_told(plan: NetworkPlan, tmp_path: Path) -> None:
    examples = replace(made_up_examples("images", "classification", SIZE), class_names=["one", "two"])
    subject = subject_of(plan, tmp_path)
    subject.examples = examples
    assert "(12, 3)" in breaches(subject, tmp_path)["takes raw inputs"]


def test_layers_that_move_though_they_are_frozen_are_named(
    plan: NetworkPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def freeze_nothing(network: Network, train: str) -> list[keras.layers.Layer]:
        network.model.trainable = True
        return []

    monkeypatch.setattr(Network, "freeze_all_but", freeze_nothing)
    monkeypatch.setattr(Network, "prefix_length", lambda network, train: 0)
    breach = breaches(subject_of(plan, tmp_path), tmp_path)["freezes what it says"]
    assert breach.startswith("phase 1 (head) says that it freezes batch_normalization, conv2d")


def test_batch_norm_statistics_that_move_alone_are_noticed(
    plan: NetworkPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze = Network.freeze_all_but

    def forget_batch_norm(network: Network, train: str) -> list[keras.layers.Layer]:
        frozen = freeze(network, train)
        for layer in network.model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = True
        return [layer for layer in frozen if not isinstance(layer, keras.layers.BatchNormalization)]

    monkeypatch.setattr(Network, "freeze_all_but", forget_batch_norm)
    breach = breaches(subject_of(plan, tmp_path), tmp_path)["freezes what it says"]
    assert "freezes batch_normalization, which moved" in breach


def test_a_phase_in_which_nothing_moves_is_told(plan: NetworkPlan, tmp_path: Path) -> None:
    still = [Phase(train="all", epochs=1, learning_rate=1e-60)]
    breach = breaches(subject_of(replace(plan, strategy=Strategy(phases=still)), tmp_path), tmp_path)
    assert "says that it trains" in breach["freezes what it says"]


def test_a_training_that_draws_from_elsewhere_does_not_repeat(
    plan: NetworkPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    initialise, draws = Network.initialise, np.random.default_rng()

    def by_chance(network: Network, seed: int, pretrained: Any) -> None:
        initialise(network, seed, pretrained)
        kernel = network.head[-1].kernel
        kernel.assign(kernel + draws.normal(size=kernel.shape))

    monkeypatch.setattr(Network, "initialise", by_chance)
    assert "ends elsewhere, in conv2d" in breaches(subject_of(plan, tmp_path), tmp_path)["repeats bit for bit"]


def test_a_candidate_that_cannot_be_trained_is_told_without_a_traceback(plan: NetworkPlan, tmp_path: Path) -> None:
    subject = subject_of(plan, tmp_path)

    def fail() -> Trained:
        raise ValueError("no memory")

    subject.train = fail  # type: ignore[method-assign]
    assert breaches(subject, tmp_path) == {"can be trained and saved": "ValueError: no memory"}


def test_a_probe_that_changes_its_backbone_is_told(
    tiny_constructor: Callable[..., keras.Model], tmp_path: Path
) -> None:
    examples = made_up_examples("images", "classification", SIZE)
    extractor = pooled_features(TINY, SIZE, None)
    subject = ClassicalSubject("logistic", load_classical("logistic"), examples, extractor)
    assert breaches(subject, tmp_path) == {}
    train = subject.train

    def nudged() -> Trained:
        trained = train()
        (weights,) = trained.snapshots[1].values()
        weights[0] += 1
        return trained

    subject.train = nudged  # type: ignore[method-assign]
    assert "the fit says that it freezes backbone" in breaches(subject, tmp_path)["freezes what it says"]


@pytest.mark.parametrize(
    ("train", "blocks"), [("head", []), ("top 1", [3]), ("top 2", [2, 3]), ("block 1", [0]), ("all", [0, 1, 2, 3])]
)
def test_what_a_phase_trains_is_read_as_params_yaml_says_it(train: str, blocks: list[int]) -> None:
    assert trained_blocks(train, 4) == blocks
