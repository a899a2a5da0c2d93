"""evaluate-{family}@{candidate}: a trained candidate measured with its final weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import draw_validation
from pipeline.evaluation.answers.seed_models import SeedModels
from pipeline.evaluation.measures.classification import classification_metrics
from pipeline.ground.files import read_json
from pipeline.stages import baseline, evaluate
from pipeline.stages.assembly.evaluating.measures import photos_asked
from pipeline.trials import HISTORY_COLUMNS, Trial, evaluation_folder, model_path, read_trial, write_trial
from tests.stages.conftest import SEEDS, in_a_checkout, prepare_colours, shrink_params

CLASSICAL, NETWORK = "classical-logistic_hog", "finetune-tiny-full"


@pytest.fixture(scope="module")
def classical_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classical")
    with in_a_checkout(folder):
        shrink_params()
        prepare_colours(["fig", "kiwi", "lime"])
        baseline.run("logistic_hog")
        evaluate.run(CLASSICAL)
    return folder


@pytest.fixture(scope="module")
def network_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for two classes: a sigmoid over mean colours, with a head of its own for each seed."""
    folder = tmp_path_factory.mktemp("network")
    with in_a_checkout(folder):
        shrink_params()
        prepare_colours(["fig", "kiwi"])
        write_network()
        evaluate.run(NETWORK)
    return folder


def write_network() -> None:
    for seed in SEEDS:
        image = keras.Input((24, 24, 3), name="image")
        x = keras.layers.Rescaling(1 / 255, name="rescaling")(image)
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid", name="head")(x))
        model.get_layer("head").set_weights([np.array([[-4.0], [4.0 + seed], [0.0]]), np.array([0.1])])
        model_path(NETWORK, seed, ".keras").parent.mkdir(parents=True, exist_ok=True)
        model.save(model_path(NETWORK, seed, ".keras"))
    trial = Trial(
        candidate=NETWORK,
        family="finetune",
        backbone="tiny",
        technique="full",
        task="binary",
        parameters={"blocks": ["pool"], "splits": {"validation_fraction": 0.2}},
        parameter_counts={"total": 4, "trainable": 3},
        phases=[],
        seeds=[{"seed": seed} for seed in SEEDS],
        fingerprint="0",
    )
    write_trial(trial, pd.DataFrame(columns=HISTORY_COLUMNS), {})


@pytest.fixture
def classical(classical_checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(classical_checkout)
    return evaluation_folder(CLASSICAL)


@pytest.fixture
def network(network_checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(network_checkout)
    return evaluation_folder(NETWORK)


@pytest.mark.parametrize("candidate", ["classical", "network"])
def test_metrics_can_be_computed_again_from_the_predictions(candidate: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(candidate)
    metrics, predictions = read_json(folder / "metrics.json"), pd.read_parquet(folder / "predictions.parquet")
    columns = [column for column in predictions if column.startswith("p_")]
    for seed in SEEDS:
        splits = {split: frame for split, frame in predictions[predictions["seed"] == seed].groupby("split")}
        again = classification_metrics(
            {split: frame["label"].to_numpy() for split, frame in splits.items()},
            {split: frame[columns].to_numpy() for split, frame in splits.items()},
        )
        assert metrics["seeds"][str(seed)] == pytest.approx(again)
    assert metrics["mean"]["gap"] == pytest.approx(np.mean([metrics["seeds"][str(seed)]["gap"] for seed in SEEDS]))


def test_each_seed_is_measured_on_the_splits_that_it_was_trained_with(classical: Path) -> None:
    predictions, data = pd.read_parquet(classical / "predictions.parquet"), load_prepared(DEVELOPMENT)
    for seed in SEEDS:
        train, val = draw_validation(data.labels, 0.2, seed)
        for split, rows in (("train", train), ("val", val)):
            found = predictions[(predictions["seed"] == seed) & (predictions["split"] == split)]
            assert found["example"].tolist() == data.example_ids[rows].tolist()
            assert found["label"].tolist() == data.labels[rows].tolist()


def test_all_seeds_are_measured_on_the_same_test_photos(classical: Path) -> None:
    predictions, test = pd.read_parquet(classical / "predictions.parquet"), load_prepared(TEST)
    for seed in SEEDS:
        found = predictions[(predictions["seed"] == seed) & (predictions["split"] == "test")]
        assert found["example"].tolist() == test.example_ids.tolist()


def test_training_accuracy_is_the_one_that_training_saw(classical: Path) -> None:
    history = pd.read_csv(Path("results") / CLASSICAL / "history.csv", index_col="seed")
    metrics = read_json(classical / "metrics.json")["seeds"]
    for seed in SEEDS:
        for key in ("train_accuracy", "val_accuracy", "train_loss", "val_loss"):
            assert metrics[str(seed)][key] == pytest.approx(history.loc[seed, key], rel=1e-4)


def test_a_network_is_measured_with_what_it_says(network: Path) -> None:
    predictions, test = pd.read_parquet(network / "predictions.parquet"), load_prepared(TEST)
    for seed in SEEDS:
        means = test.images.mean(axis=(1, 2)) / 255
        of_kiwi = 1 / (1 + np.exp(-(means @ [-4.0, 4.0 + seed, 0.0] + 0.1)))
        found = predictions[(predictions["seed"] == seed) & (predictions["split"] == "test")]
        np.testing.assert_allclose(found["p_1"], of_kiwi, atol=1e-5)
        np.testing.assert_allclose(found["p_0"], 1 - of_kiwi, atol=1e-5)


def test_metrics_say_who_and_how_large_the_candidate_is(network: Path) -> None:
    metrics = read_json(network / "metrics.json")
    assert (metrics["candidate"], metrics["family"], metrics["task"]) == (NETWORK, "finetune", "binary")
    assert metrics["size"].keys() == {"model_bytes", "parameters", "trainable_parameters", "flops_per_image"}
    assert (metrics["size"]["parameters"], metrics["size"]["trainable_parameters"]) == (4, 3)
    assert metrics["size"]["model_bytes"] > 4 * 4
    assert metrics["size"]["flops_per_image"] == 2 * 3


def test_cost_tells_latency_and_seconds(classical: Path) -> None:
    cost = read_json(classical / "cost.json")
    assert 0 < cost["latency_ms_per_image"]["median"] <= cost["latency_ms_per_image"]["p95"]
    assert 0 < cost["latency_ms_per_image_in_batches"]["median"] <= cost["latency_ms_per_image_in_batches"]["p95"]
    assert cost["evaluation_seconds"] > 0 and cost["measures_seconds"] > 0


def test_figures_show_test_photos_and_of_development_only_what_is_doubted(classical: Path) -> None:
    entries = json.loads((classical / "figures" / "thumbnails.json").read_text(encoding="utf-8"))
    assert len(entries) == 6 and {entry["example"] for entry in entries} <= set(load_prepared(TEST).example_ids)
    doubted = read_json(classical / "figures" / "doubted.json")
    assert {file.name for file in (classical / "figures").iterdir()} == {
        "beyond_accuracy.svg",
        "confusion.svg",
        "doubted.json",
        *(entry["file"] for entry in doubted),
        "explained-0.jpg",
        "explained-1.jpg",
        "explanations.json",
        "mistakes.csv",
        "mistakes.jpg",
        "reliability.json",
        "thumbnails.json",
        *(entry["file"] for entry in entries),
    }


def test_what_goes_beyond_accuracy_is_measured_on_the_first_seed_and_the_same_photos(network: Path) -> None:
    """The network for two classes looks at mean colours alone, so where they are changes nothing."""
    metrics, rows = read_json(network / "metrics.json"), pd.read_parquet(network / "measures.parquet")
    assert metrics["mean"]["shift_4_consistency"] == metrics["mean"]["mirror_consistency"] == 1
    assert metrics["robustness"]["seed"] == SEEDS[0] and metrics["robustness"]["examples"] == 9
    assert metrics["mean"]["corrupted_accuracy"] == metrics["robustness"]["accuracy"]["contrast_5"]
    assert set(metrics["calibration"]["seeds"]) == {str(seed) for seed in SEEDS}
    altered = rows[rows["measure"] == "contrast_5_correct"]
    assert len(altered) == 9 and set(altered["example"]) <= set(load_prepared(TEST).example_ids)


@pytest.mark.parametrize(("candidate", "method"), [("classical", "permutation"), ("network", "gradcam")])
def test_answers_are_explained_in_the_way_of_their_kind(
    candidate: str, method: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(candidate)
    metrics, told = read_json(folder / "metrics.json"), read_json(folder / "figures" / "explanations.json")
    assert metrics["explanations"]["method"] == told["method"] == method
    assert {"chance", "occlusion", method} <= set(metrics["explanations"])
    assert {"explanation_gain", "own_explanation_gain", "deletion_area", "insertion_area"} <= set(metrics["mean"])
    assert len(told["photos"]) == 2 and all((folder / "figures" / one["file"]).is_file() for one in told["photos"])


def test_what_is_switched_off_leaves_nothing(prepare: Callable[..., None]) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text(encoding="utf-8"))
    content["evaluation"] |= {
        "mistakes": 0,
        "calibration": False,
        "robustness": {"examples": 0},
        "explanations": {"examples": 0},
    }
    yaml.dump(content, Path("params.yaml"))
    prepare(["fig", "kiwi"])
    baseline.run("majority")
    evaluate.run("classical-majority")
    folder = evaluation_folder("classical-majority")
    assert set(read_json(folder / "metrics.json")) == {
        "candidate",
        "family",
        "task",
        "seeds",
        "mean",
        "size",
        "classes",
    }
    assert len(pd.read_parquet(folder / "measures.parquet")) == 0
    assert not (folder / "figures" / "reliability.json").exists()


@pytest.mark.parametrize("candidate", ["classical", "network"])
def test_it_is_known_beforehand_how_many_photos_every_candidate_is_asked_about(
    candidate: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = request.getfixturevalue(candidate).name
    asked, first = [], SeedModels.predict_first
    monkeypatch.setattr(
        SeedModels, "predict_first", lambda self, images: asked.append(len(images)) or first(self, images)
    )
    evaluate.run(name)
    test = load_prepared(TEST)
    assert sum(asked) + len(test.labels) == photos_asked(load_params().evaluation, read_trial(name), test)


def test_evaluation_tells_which_step_it_is_at(network: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kiyas")
    evaluate.run(NETWORK)
    steps = [record.message for record in caplog.records if record.message.startswith(NETWORK)]
    assert [step.removeprefix(NETWORK).strip() for step in steps] == [
        "2 models on 40 examples of development and 12 of test",
        "latency",
        "9 photos in 3 altered versions",
        "explanations of 6 photos",
    ]


@pytest.mark.parametrize("candidate", ["classical", "network"])
def test_a_second_run_leaves_the_same_bytes_save_the_measured_times(
    candidate: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(candidate)
    first = contents(folder)
    if candidate == "classical":
        baseline.run("logistic_hog")
    evaluate.run(folder.name)
    assert contents(folder) == first


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != "cost.json")
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}
