"""probe@{model}-{backbone}: a classical model on a frozen backbone's features."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.datasets.store.prepared import DEVELOPMENT, load_prepared
from pipeline.datasets.store.splits import draw_validation
from pipeline.ground.files import read_json
from pipeline.models.archive import read_model
from pipeline.models.networks.finetuned import build_finetuned
from pipeline.models.networks.heads import head_for
from pipeline.stages import evaluate, probe
from pipeline.tasks import accuracy
from pipeline.training.kept.activations import FOLDER, ActivationStore
from pipeline.trials import evaluation_folder, model_path, read_history, read_trial, results_folder
from tests.stages.conftest import ROW, WEIGHTS

CANDIDATE = "classical-logistic-resnet50"
SEEDS = [0, 4]


@pytest.fixture
def trained(prepare: Callable[..., None], tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A linear probe on a tiny network that stands in for ResNet50."""
    prepare(["fig", "kiwi", "lime"])
    monkeypatch.setattr(probe, "load_backbone", lambda name: {"resnet50": ROW}[name])
    probe.run("logistic", "resnet50")
    return results_folder(CANDIDATE)


def test_a_trial_tells_the_backbone_and_counts_its_parameters_as_frozen(trained: Path) -> None:
    trial = read_trial(CANDIDATE)
    assert (trial.family, trial.backbone, trial.technique) == ("classical", "resnet50", None)
    assert trial.parameters["backbone"] == "resnet50" and trial.parameters["model"]["features"] == "pooled"
    in_the_backbone = (3 * 3 * 3 * 4 + 4) + 4 * 4 + (4 * 2 + 2)
    in_the_probe = (2 + 1) * 3
    assert trial.parameter_counts == {"total": in_the_backbone + in_the_probe, "trainable": in_the_probe}


def test_a_saved_model_takes_raw_photos_and_is_as_accurate_as_training_saw(trained: Path) -> None:
    history, data = read_history(CANDIDATE).set_index("seed"), load_prepared(DEVELOPMENT)
    for seed in SEEDS:
        train, val = draw_validation(data.labels, 0.2, seed)
        model = read_model(model_path(CANDIDATE, seed, ".skops"))
        for rows, column in ((train, "train_accuracy"), (val, "val_accuracy")):
            measured = accuracy(data.labels[rows], model.predict_proba(data.images[rows]))
            assert measured == pytest.approx(history.loc[seed, column])
    assert history["train_accuracy"].min() > 0.5, "colours tell the classes apart, better than by chance"


def test_a_saved_models_weights_are_stored_as_they_are_since_compressing_them_takes_seconds(trained: Path) -> None:
    with zipfile.ZipFile(model_path(CANDIDATE, SEEDS[0], ".skops")) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}


def test_evaluation_computes_the_features_by_itself(trained: Path) -> None:
    WEIGHTS.unlink()
    evaluate.run(CANDIDATE)
    metrics, history = read_json(evaluation_folder(CANDIDATE) / "metrics.json"), read_history(CANDIDATE)
    for row in history.itertuples():
        assert metrics["seeds"][str(row.seed)]["val_accuracy"] == pytest.approx(row.val_accuracy)
        assert metrics["seeds"][str(row.seed)]["val_loss"] == pytest.approx(row.val_loss, rel=1e-4)
    assert metrics["size"]["model_bytes"] > 4 * read_trial(CANDIDATE).parameter_counts["total"]


def test_what_it_keeps_is_what_training_a_head_would_keep(trained: Path) -> None:
    """So a probe and the fine-tuning strategies compute a backbone's features once between them."""
    kept, data = set(FOLDER.glob("*.npy")), load_prepared(DEVELOPMENT)
    network = build_finetuned(ROW, data.image_size, head_for(data.task, 3), 0.3, WEIGHTS)
    network.freeze_all_but("head")
    store = ActivationStore(data.images, data.sha256, limit_gb=1)
    features = store.get(network, network.prefix_length("head")).values
    assert len(kept) == 1 and set(FOLDER.glob("*.npy")) == kept and store.seconds_spent == 0
    of_model = read_model(model_path(CANDIDATE, SEEDS[0], ".skops")).named_steps["features"].transform(data.images)
    np.testing.assert_allclose(of_model, features, rtol=1e-5)


def test_in_bfloat16_it_learns_from_what_fine_tuning_in_bfloat16_keeps(
    prepare: Callable[..., None], tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(["fig", "kiwi", "lime"])
    params = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(re.sub(r"precision: \w+", "precision: mixed_bfloat16", params), encoding="utf-8")
    monkeypatch.setattr(probe, "load_backbone", lambda name: {"resnet50": ROW}[name])
    probe.run("logistic", "resnet50")
    data = load_prepared(DEVELOPMENT)
    network = build_finetuned(ROW, data.image_size, head_for(data.task, 3), 0.3, WEIGHTS, "mixed_bfloat16")
    network.freeze_all_but("head")
    store = ActivationStore(data.images, data.sha256, limit_gb=1)
    features = store.get(network, network.prefix_length("head")).values
    assert len(set(FOLDER.glob("*.npy"))) == 1 and store.seconds_spent == 0
    of_model = read_model(model_path(CANDIDATE, SEEDS[0], ".skops")).named_steps["features"].transform(data.images)
    np.testing.assert_allclose(of_model, features, rtol=1e-5)
    assert read_trial(CANDIDATE).parameters["precision"] == "mixed_bfloat16"


def test_features_are_charged_to_every_seed_in_full(trained: Path) -> None:
    for of_seed in read_json(trained / "cost.json")["seeds"].values():
        assert of_seed["activation_seconds"] > 0
        assert of_seed["cost_seconds"] == of_seed["activation_seconds"] + of_seed["fit_seconds"]
