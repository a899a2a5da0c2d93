"""Tables and series go through the stages that photos go through, and come out in words of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.datasets.store.prepared import DEVELOPMENT, TEST, load_prepared
from pipeline.evaluation.measures.regression import regression_metrics
from pipeline.ground.files import read_json
from pipeline.models.archive import read_model
from pipeline.stages import baseline, compare, evaluate, mlp, prepare, recurrent
from pipeline.trials import evaluation_folder, model_path, read_history, read_trial
from tests.stages.conftest import in_a_checkout

SMALL = {"dropout": 0.0, "epochs": 30, "learning_rate": 3e-2, "activation": "tanh"}
NETWORKS = {
    "mlp_architectures": {"small": {"hidden": [8], **SMALL}},
    "recurrent_architectures": {"small": {"cell": "simple", "units": [6], **SMALL}},
}
PHOTO_WORDS = ("photo", "image", "pixel")


def run_graph(data: dict[str, Any], models: list[str], **families: list[str]) -> dict[str, Any]:
    """Runs the whole graph on own.csv, in the order of dvc.yaml; returns verdict.json."""
    yaml = YAML(typ="safe")
    params = yaml.load(Path("params.yaml"))
    params["data"] |= {"fetch": [], "path": "own.csv", **data}
    params["seeds"] = [0, 4]
    params["baseline"] |= {"models": models, "folds": 2}
    params["cnn"], params["finetune"]["backbones"] = [], []
    params |= families | NETWORKS
    params["evaluation"]["latency_images"] = 2
    params["compare"]["resamples"] = 300
    params["tracking"]["enabled"] = False
    yaml.dump(params, Path("params.yaml"))
    prepare.run()
    for model in models:
        baseline.run(model)
    for name in families.get("mlp", []):
        mlp.run(name)
    for name in families.get("recurrent", []):
        recurrent.run(name)
    for folder in sorted(Path("results").iterdir()):
        evaluate.run(folder.name)
    compare.run()
    return dict(read_json(Path("comparison/verdict.json")))


def patients(count: int = 160) -> pd.DataFrame:
    """Numbers and words with holes in both, some of what tells who is ill, and a decimal comma."""
    random = np.random.default_rng(5)
    size, ward = random.normal(40, 9, count), random.choice(["north", "south", "east"], count)
    ill = size + 8 * (ward == "south") + random.normal(0, 4, count) > 43
    table = pd.DataFrame(
        {"patient": [f"P{n}" for n in range(count)], "size": size, "ward": ward, "noise": size * 0 + 1}
    )
    table["blood"] = np.where(random.random(count) < 0.2, np.nan, random.normal(0, 1e-3, count))
    table.loc[::17, "ward"] = None
    return table.assign(state=np.where(ill, "ill", "well"))


@pytest.fixture(scope="module")
def wards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The whole graph on patients, in the current directory meanwhile; verdict.json."""
    with in_a_checkout(tmp_path_factory.mktemp("wards")):
        patients().to_csv("own.csv", sep=";", decimal=",", index=False)
        yield run_graph({"target": "state"}, ["majority", "logistic_table", "knn_table"], mlp=["small"])


def test_a_table_of_classes_is_told_apart_by_classical_models_and_an_mlp(wards: dict[str, Any]) -> None:
    ranking = pd.read_csv("comparison/ranking.csv", index_col="candidate")
    assert (ranking["test_accuracy"].drop("classical-majority") > 0.75).all()
    assert ranking.loc["classical-majority", "test_accuracy"] < 0.7
    dataset = read_json(Path("data/prepared/dataset.json"))
    assert set(dataset["columns_left_out"]) == {"patient", "noise"} and dataset["task"] == "binary"
    assert [column["name"] for column in dataset["columns"]] == ["size", "ward", "blood"]
    assert wards["winner"] in ranking.index
    assert not said_of_photos()


@pytest.mark.usefixtures("wards")
def test_a_saved_mlp_takes_raw_rows_with_holes() -> None:
    test = load_prepared(TEST)
    assert np.isnan(test.inputs[:, 1]).any() and np.isnan(test.inputs[:, 2]).any()
    network = keras.saving.load_model(model_path("mlp-small", 4, ".keras"), compile=False, safe_mode=True)
    said = network.predict_on_batch(test.inputs.astype(np.float32))[:, 0]
    stored = pd.read_parquet(evaluation_folder("mlp-small") / "predictions.parquet")
    stored = stored[(stored["seed"] == 4) & (stored["split"] == "test")]
    np.testing.assert_allclose(stored["p_1"], said, atol=1e-6)
    assert read_trial("mlp-small").parameters["categories"] == {"ward": ["east", "north", "south"]}


@pytest.mark.usefixtures("wards")
def test_preprocessing_is_learned_from_each_seeds_training_rows_alone() -> None:
    from pipeline.datasets.store.splits import split_development

    data = load_prepared(DEVELOPMENT)
    for seed in (0, 4):
        train, _ = split_development(data, 0.2, seed)
        network = keras.saving.load_model(model_path("mlp-small", seed, ".keras"), compile=False)
        mean, variance = network.get_layer("standardised").get_weights()
        np.testing.assert_allclose(mean, np.nanmean(data.inputs[train][:, [0, 2]], axis=0), rtol=1e-5)
        np.testing.assert_allclose(variance, np.nanvar(data.inputs[train][:, [0, 2]], axis=0), rtol=1e-5)
        encoder = read_model(model_path("classical-logistic_table", seed, ".skops")).named_steps["columns"]
        medians = encoder.named_transformers_["numbers"].statistics_
        np.testing.assert_allclose(medians, np.nanmedian(data.inputs[train][:, [0, 2]], axis=0))


@pytest.mark.usefixtures("checkout")
def test_a_number_is_predicted_in_its_own_units_and_compared_by_rmse() -> None:
    random = np.random.default_rng(2)
    x, kind = random.normal(size=200), random.choice(["a", "b"], 200)
    price = 5e4 + 9e3 * x + 4e3 * (kind == "b") + random.normal(0, 1e3, 200)
    pd.DataFrame({"x": x, "kind": kind, "price": price}).to_csv("own.csv", index=False)
    verdict = run_graph({"target": "price", "task": "regression"}, ["mean", "ridge", "knn_regression"], mlp=["small"])
    ranking = pd.read_csv("comparison/ranking.csv", index_col="candidate")
    assert ranking["test_rmse"].is_monotonic_increasing and verdict["winner"] == ranking.index[0] != "classical-mean"
    assert (ranking["low"] <= ranking["test_rmse"]).all() and (ranking["test_rmse"] <= ranking["high"]).all()
    assert ranking.loc["classical-ridge", "test_rmse"] == pytest.approx(1e3, rel=0.25)
    assert ranking.loc["mlp-small", "test_rmse"] < 2500 < ranking.loc["classical-mean", "test_rmse"]
    assert ranking.loc["classical-mean", "relation_to_best"] == "worse"
    pairs = pd.read_csv("comparison/pairwise.csv")
    best = pairs[(pairs["a"] == ranking.index[0]) & (pairs["b"] == "classical-mean")].iloc[0]
    ahead = ranking.loc["classical-mean", "test_rmse"] - ranking["test_rmse"].iloc[0]
    assert best["difference"] == pytest.approx(ahead, rel=1e-4) and best["relation"] == "better"
    assert "root mean squared error" in verdict["answer"]
    assert_metrics_follow_from_predictions("mlp-small")
    assert list(read_history("mlp-small").columns)[-4:] == ["train_loss", "train_rmse", "val_loss", "val_rmse"]
    assert not said_of_photos()


@pytest.mark.usefixtures("checkout")
def test_a_series_is_predicted_from_its_past_and_tested_on_its_end() -> None:
    time = np.arange(220)
    values = 50 + 30 * np.sin(time / 3) + np.random.default_rng(1).normal(0, 2, 220)
    pd.DataFrame({"week": time, "sold": values}).sample(frac=1, random_state=0).to_csv("own.csv", index=False)
    data = {"target": "sold", "task": "regression", "time": "week", "window": 8}
    run_graph(data, ["naive", "ridge"], mlp=["small"], recurrent=["small"])
    ranking = pd.read_csv("comparison/ranking.csv", index_col="candidate")
    assert ranking.index[-1] == "classical-naive" and ranking["test_rmse"].iloc[-1] > 6
    assert (ranking["test_rmse"].drop("classical-naive") < 5).all()
    stored = pd.read_parquet(evaluation_folder("recurrent-small") / "predictions.parquet")
    assert stored.groupby("split")["example"].min().tolist() == ["160 at 167", "001 at 8", "128 at 135"]
    assert "the last stretch in time, never shuffled" in Path("comparison/report.html").read_text(encoding="utf-8")
    assert not said_of_photos()


def assert_metrics_follow_from_predictions(candidate: str) -> None:
    folder = evaluation_folder(candidate)
    metrics, predictions = read_json(folder / "metrics.json"), pd.read_parquet(folder / "predictions.parquet")
    assert list(predictions.columns) == ["seed", "split", "example", "label", "predicted"]
    for seed, rows in predictions.groupby("seed"):
        splits = {split: part for split, part in rows.groupby("split")}
        again = regression_metrics(
            {split: part["label"].to_numpy() for split, part in splits.items()},
            {split: part[["predicted"]].to_numpy() for split, part in splits.items()},
        )
        assert metrics["seeds"][str(seed)] == pytest.approx(again)


def said_of_photos() -> list[str]:
    """Sentences of the report that speak of photos; parameters of the candidates and styles are not sentences."""
    import re

    page = Path("comparison/report.html").read_text(encoding="utf-8")
    page = re.sub(r"<(style|script|pre|svg)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    verdict = Path("comparison/verdict.json").read_text(encoding="utf-8")
    said = f"{page} {verdict}".lower().replace("scikit-image", "")  # among the versions
    return [word for word in PHOTO_WORDS if word in said]
