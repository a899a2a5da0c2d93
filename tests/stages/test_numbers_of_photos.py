"""A number is predicted from photos by every family, from a table of labels to the report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.configuration.loading import load_params
from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.datasets.store.splits import split_development
from pipeline.ground.files import read_json
from pipeline.stages import baseline, cnn, compare, evaluate, finetune, growth, prepare, probe
from pipeline.trials import evaluation_folder, model_path, read_history
from tests.conftest import tiny_network
from tests.drawn import SIDE, write_discs
from tests.stages.conftest import ROW, SEEDS, WEIGHTS, in_a_checkout, shrink_params

NETWORK, PROBE, CNN = "finetune-resnet50-in_steps", "classical-ridge_pooled-resnet50", "cnn-small"
SHARES = [0.2, 0.5]
CANDIDATES = {"classical-mean", "classical-ridge_hog", PROBE, CNN, NETWORK}


def set_up() -> None:
    """104 discs, of which four have no usable number, and parameters for five candidates."""
    table = write_discs(Path("discs"), range(104))
    table["size"] = table["size"].where(table.index != 100, "").where(table.index != 101, "NA")
    table["size"] = table["size"].where(table.index != 102, "big").where(table.index != 103, "-")
    table.to_csv("discs/labels.csv", sep=";", index=False)
    shrink_params()
    yaml = YAML(typ="safe")
    params = yaml.load(Path("params.yaml"))
    labels = {"file": "labels.csv", "path": "file", "label": "size", "group": "scene"}
    params["data"] |= {"fetch": [], "path": "discs", "labels": labels, "task": "regression", "image_size": SIDE}
    params["baseline"] |= {"models": ["mean", "ridge_hog"], "probes": ["ridge_pooled"]}
    params["cnn"] = ["small"]
    params["architectures"]["small"] = {
        **params["architectures"]["lecture"],
        "blocks": [{"filters": 4, "kernel": 3}],
        "dense": 16,
        "epochs": 8,
        "learning_rate": 1e-2,
    }
    steps = (("head", 3, 1e-1), ("all", 2, 1e-2))
    phases = [{"train": train, "epochs": epochs, "learning_rate": rate} for train, epochs, rate in steps]
    params["strategies"]["in_steps"] = {"phases": phases}
    params["finetune"] |= {"backbones": ["resnet50"], "strategies": ["in_steps"]}
    params["compare"]["resamples"] = 300
    params["study"] = {"candidates": ["classical-ridge_hog"], "fractions": SHARES}
    yaml.dump(params, Path("params.yaml"))


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The whole graph on discs, in the current directory meanwhile; verdict.json."""
    with in_a_checkout(tmp_path_factory.mktemp("discs")), pytest.MonkeyPatch.context() as patch:
        set_up()
        patch.setattr(keras.applications, "Tiny", tiny_network, raising=False)
        for stage in (finetune, probe):
            patch.setattr(stage, "load_backbone", lambda name: ROW)
        keras.utils.set_random_seed(5)
        WEIGHTS.parent.mkdir(parents=True)
        tiny_network(include_top=False).save_weights(WEIGHTS)
        prepare.run()
        for model in ("mean", "ridge_hog"):
            baseline.run(model)
        probe.run("ridge_pooled", "resnet50")
        cnn.run("small")
        finetune.run("resnet50", "in_steps")
        for share in SHARES:
            growth.run("classical-ridge_hog", str(share))
        for candidate in (*sorted(CANDIDATES), *(f"classical-ridge_hog-{share}" for share in SHARES)):
            evaluate.run(candidate)
        compare.run()
        yield read_json(Path("comparison/verdict.json"))


def test_numbers_are_read_as_their_column_writes_them_and_rows_without_one_are_left_out(
    verdict: dict[str, Any],
) -> None:
    left_out = pd.read_csv("data/prepared/quarantine.csv").set_index("example")["reason"]
    assert left_out.to_dict() == {
        "100.png": "has no label",
        "101.png": "has no label",
        "102.png": "has no number: 'big' is none",
        "103.png": "has no label",
    }
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    known = pd.read_csv("discs/labels.csv", sep=";", nrows=100, decimal=",").set_index("file")["size"]
    for split in (development, test):
        np.testing.assert_array_equal(split.labels, known.astype(float)[split.example_ids])
    dataset = read_json(Path("data/prepared/dataset.json"))
    assert (dataset["task"], dataset["class_names"], dataset["target"]) == ("regression", [], "size")
    assert dataset["floor"]["test_rmse"] == pytest.approx(
        np.sqrt(np.mean((test.labels - development.labels.mean()) ** 2))
    )


def test_sides_are_alike_in_their_numbers_and_scenes_are_on_one_side(verdict: dict[str, Any]) -> None:
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    assert not set(scenes(development.example_ids)) & set(scenes(test.example_ids))
    assert development.groups is not None
    for seed in SEEDS:
        train, val = split_development(development, 0.2, seed)
        assert not set(development.groups[train]) & set(development.groups[val])
        for quantile in (0.25, 0.5, 0.75):
            edges = [np.quantile(development.labels[rows], quantile) for rows in (train, val)]
            assert edges[0] == pytest.approx(edges[1], abs=1.5)


def scenes(examples: np.ndarray) -> list[int]:
    return [int(example[:3]) // 2 for example in examples]


def test_errors_are_followed_over_sizes_in_the_numbers_own_units(verdict: dict[str, Any]) -> None:
    table, ranking = pd.read_csv("comparison/growth.csv"), pd.read_csv("comparison/ranking.csv", index_col="candidate")
    measured = table[table["kind"] == "measured"].set_index("fraction")
    assert list(measured.index) == [*SHARES, 1.0]
    assert measured.loc[1.0, "test_rmse"] == pytest.approx(ranking.loc["classical-ridge_hog", "test_rmse"], rel=1e-4)
    whole = read_json(evaluation_folder("classical-ridge_hog-0.2") / "metrics.json")["mean"]["test_rmse"]
    assert measured.loc[0.2, "test_rmse"] == pytest.approx(whole, rel=0.02), "of all seeds together, or their mean"
    assert (measured["low"] <= measured["test_rmse"]).all() and measured["training_examples"].is_monotonic_increasing
    told = verdict["more_data"]["sentence"]
    assert "goes from" in told and "The last doubling brought" in told and "accura" not in told
    assert 'id="growth"' in Path("comparison/report.html").read_text(encoding="utf-8")


def test_every_family_predicts_it_and_is_ranked_by_rmse(verdict: dict[str, Any]) -> None:
    ranking = pd.read_csv("comparison/ranking.csv", index_col="candidate")
    assert set(ranking.index) == CANDIDATES and ranking["test_rmse"].is_monotonic_increasing
    assert ranking.loc["classical-mean", "test_rmse"] > 1.5
    better = ranking["test_rmse"] < 0.9 * ranking.loc["classical-mean", "test_rmse"]
    assert set(ranking.index[better]) >= {"classical-ridge_hog", CNN, PROBE}
    assert "root mean squared error" in verdict["answer"]
    metrics = read_json(evaluation_folder(CNN) / "metrics.json")["mean"]
    assert {"test_rmse", "test_mae", "test_r2"} <= set(metrics)


@pytest.mark.parametrize("candidate", [CNN, NETWORK])
def test_a_network_is_trained_on_standardised_targets_and_answers_in_their_units(
    verdict: dict[str, Any], candidate: str
) -> None:
    development, test = load_prepared(DEVELOPMENT), load_prepared(TEST)
    stored = pd.read_parquet(evaluation_folder(candidate) / "predictions.parquet")
    for seed in SEEDS:
        train, _ = split_development(development, 0.2, seed)
        network = keras.saving.load_model(model_path(candidate, seed, ".keras"), compile=False, safe_mode=True)
        kernel, bias = network.get_layer("target_units").get_weights()
        assert kernel[0, 0] == pytest.approx(development.labels[train].std(), rel=1e-5)
        assert bias[0] == pytest.approx(development.labels[train].mean(), rel=1e-5)
        rows = stored[(stored["seed"] == seed) & (stored["split"] == "test")]
        said = network.predict_on_batch(test.images.astype(np.float32))[:, 0]
        np.testing.assert_allclose(rows["predicted"], said, atol=1e-3)
    assert list(read_history(candidate).columns)[-4:] == ["train_loss", "train_rmse", "val_loss", "val_rmse"]


def test_altered_photos_tell_how_much_the_number_changes_and_the_error_grows(verdict: dict[str, Any]) -> None:
    metrics = read_json(evaluation_folder(CNN) / "metrics.json")
    measured, mean = metrics["robustness"], metrics["mean"]
    assert list(measured["change"]) == ["shift_4", "mirror"] and list(measured["mae"])[-1] == "contrast_5"
    assert measured["change"]["shift_4"] > 0
    assert mean["corrupted_growth"] == pytest.approx(measured["mae"]["contrast_5"] / measured["clean_mae"] - 1)
    properties = pd.read_csv("comparison/properties.csv").set_index(["property", "candidate"])
    altered = {"shift_change", "mirror_change", "corrupted_mae", "corrupted_growth"}
    assert set(properties.index.levels[0]) == altered | {"explanation_gain", "own_explanation_gain"}
    row = properties.loc[("corrupted_mae", CNN)]
    assert row["value"] == pytest.approx(mean["corrupted_mae"], rel=1e-4) and row["low"] < row["value"] < row["high"]
    assert properties.loc[("shift_change", "classical-mean"), "value"] == 0


def test_what_numbers_hang_on_is_measured_and_shown_of_every_candidate(verdict: dict[str, Any]) -> None:
    for candidate, method in ((CNN, "gradcam"), (PROBE, "permutation"), ("classical-mean", "permutation")):
        metrics = read_json(evaluation_folder(candidate) / "metrics.json")
        assert (metrics["explanations"]["method"], metrics["explanations"]["examples"]) == (method, 6)
        gain = metrics["mean"]["explanation_gain"]
        assert gain == 0 if candidate == "classical-mean" else gain > 0, "the mean hangs on no photo"
        figures = evaluation_folder(candidate) / "figures"
        shown = read_json(figures / "explanations.json")["photos"]
        assert [sorted(entry) for entry in shown] == [["example", "file", "label", "predicted"]] * 2
        assert all((figures / entry["file"]).is_file() for entry in shown)
    page = Path("comparison/report.html").read_text(encoding="utf-8")
    assert "What answers hang on" in page and f"What {verdict['winner']} looks at in a test photo of " in page
    assert "standard deviation of the true numbers away" in page and "% sure" not in page


def test_the_photos_that_are_missed_by_most_are_shown_with_both_numbers(verdict: dict[str, Any]) -> None:
    figures = evaluation_folder(verdict["winner"]) / "figures"
    furthest = pd.read_csv(figures / "furthest_off.csv")
    predictions = pd.read_parquet(evaluation_folder(verdict["winner"]) / "predictions.parquet").query("split == 'test'")
    mean = predictions.groupby("example")[["label", "predicted"]].mean()
    errors = (mean["predicted"] - mean["label"]).abs().sort_values(ascending=False)
    assert furthest["example"].tolist()[:3] == errors.index[:3].tolist()
    assert (figures / "furthest_off.jpg").is_file() and (figures / "predicted.svg").is_file()
    page = Path("comparison/report.html").read_text(encoding="utf-8")
    assert "Furthest off" in page and "Closest" in page and "Shifted" not in page
    assert "true numbers assumed" in page and "points assumed" not in page


def test_the_report_does_not_speak_of_classes_or_accuracy(verdict: dict[str, Any]) -> None:
    page = Path("comparison/report.html").read_text(encoding="utf-8")
    page = re.sub(r"<(style|script|pre|svg)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL).lower()
    text = page + Path("comparison/verdict.json").read_text(encoding="utf-8").lower()
    assert [word for word in ("accuracy", "confusion", "class ") if word in text] == []


def test_check_takes_these_parameters(verdict: dict[str, Any]) -> None:
    assert not load_params().data.has_classes
