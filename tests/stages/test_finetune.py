"""finetune@{backbone}-{strategy} with what a strategy has of its own: random weights, other training."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.ground.files import read_json
from pipeline.stages import cnn, evaluate, finetune
from pipeline.training.kept import activations
from pipeline.trials import evaluation_folder, model_path, read_history, read_trial
from tests.stages.conftest import ROW


def set_params(**sections: dict[str, Any]) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    for section, values in sections.items():
        content[section] |= values
    yaml.dump(content, Path("params.yaml"))


@pytest.fixture
def from_nothing(
    prepare: Callable[..., None], tiny_constructor: Callable[..., keras.Model], monkeypatch: pytest.MonkeyPatch
) -> str:
    """A tiny network in place of ResNet50, trained without any pretrained weights on disk."""
    prepare(["fig", "kiwi", "lime"])
    phase = {"train": "all", "epochs": 1, "learning_rate": 1e-6}
    strategy = {"weights": "random", "batch_norm": "trained", "phases": [phase], "training": {"batch_size": 7}}
    set_params(strategies={"from_nothing": strategy})
    monkeypatch.setattr(finetune, "load_backbone", lambda name: ROW)
    finetune.run("resnet50", "from_nothing")
    return "finetune-resnet50-from_nothing"


def test_random_weights_need_no_file_and_are_other_ones_for_each_seed(from_nothing: str) -> None:
    kernels = [
        keras.saving.load_model(model_path(from_nothing, seed, ".keras")).get_layer("conv2d").get_weights()[0]
        for seed in (0, 4)
    ]
    assert not np.allclose(kernels[0], kernels[1], atol=0.01)
    assert set(read_history(from_nothing)["trainable_parameters"]) == {(27 * 4 + 4) + 2 * 4 + (4 * 2 + 2) + (2 + 1) * 3}


def test_a_strategy_trains_by_its_own_values_and_by_the_common_ones(from_nothing: str) -> None:
    told = read_trial(from_nothing).parameters["training"]
    common = load_params().training.model_dump()
    assert told == common | {"batch_size": 7} != common


def test_so_does_an_architecture_and_evaluation_traces_its_gradients(prepare: Callable[..., None]) -> None:
    prepare(["fig", "kiwi"])
    yaml = YAML(typ="safe")
    lecture = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))["architectures"]["lecture"]
    own = {"augmentation": {"views": 1, "flip": "horizontal"}, "early_stopping": False}
    changed = lecture | {"epochs": 2, "blocks": [{"filters": 2, "kernel": 3}], "training": own}
    set_params(architectures={"changed": changed})
    cnn.run("changed")
    told = read_trial("cnn-changed").parameters["training"]
    assert told["augmentation"]["flip"] == "horizontal" and told["early_stopping"] is False
    assert told["weight_decay"] == load_params().training.weight_decay
    assert read_trial("cnn-changed").seeds[0]["best_epoch"] == 2
    evaluate.run("cnn-changed")
    metrics = read_json(evaluation_folder("cnn-changed") / "metrics.json")
    assert list(metrics["gradients"]["layers"]) == ["block1_conv", "dense", "head"]
    assert metrics["mean"]["gradient_lowest"] == metrics["gradients"]["layers"]["block1_conv"]["fresh"] > 0


def test_what_is_kept_changes_no_result(
    prepare: Callable[..., None], tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `keep` settings are no parameters of any stage, so results must be the same with any of them."""
    prepare(["fig", "kiwi", "lime"])
    phases = [{"train": train, "epochs": 2, "learning_rate": 1e-2} for train in ("head", "top 1")]
    set_params(strategies={"in_steps": {"phases": phases}}, training={"batch_size": 7})
    monkeypatch.setattr(finetune, "load_backbone", lambda name: ROW)
    candidate, results = "finetune-resnet50-in_steps", {}
    for room in (0.0, 1.0):
        set_params(keep={"activations_gb": room, "trials_gb": room, "altered_gb": room})
        shutil.rmtree(".kiyas", ignore_errors=True)  # the newest trial is kept in any case
        finetune.run("resnet50", "in_steps")
        assert any(activations.FOLDER.rglob("*.npy")) == bool(room)
        evaluate.run(candidate)
        history = read_history(candidate).filter(regex="loss|accuracy")
        results[room] = history, pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    for without, with_room in zip(results[0.0], results[1.0], strict=True):
        pd.testing.assert_frame_equal(without, with_room, check_exact=True)
