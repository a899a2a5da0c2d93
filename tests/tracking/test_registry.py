"""MLflow's registry and the decision runs show champions/, whatever happened to the store."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from pipeline.champions import log as champions
from pipeline.champions.log import Entry, append
from pipeline.configuration.whole import Params
from pipeline.files import read_json, write_csv, write_json
from pipeline.models.classical import compute_features, fit_classical, write_model
from pipeline.params.rows.classical import ClassicalModel
from pipeline.tracking import enrolment
from pipeline.tracking.enrolment import data_hash, register_winner
from pipeline.tracking.store import tracking_uri
from pipeline.tracking.view import sync
from pipeline.trials import evaluation_folder, model_path, results_folder
from tests.tracking.simulated import simulate, write_results

WINNER = "classical-majority"
SIDE = 16


@pytest.fixture
def compared(params: Params, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Two candidates, compared; the winner is a small model that is really there."""
    monkeypatch.setattr(enrolment, "FLOORS", ("classical-none_of_these",))
    simulate(params)
    hashes = {"development": "d", "test": "t"}
    write_json(Path("data/prepared/dataset.json"), {"class_names": ["a", "b"], "image_size": SIDE, "hashes": hashes})
    images = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)
    row = ClassicalModel(features="pixels", estimator="KNeighborsClassifier", settings={"n_neighbors": 1})
    fitted = fit_classical("knn", row, compute_features(row, images), np.arange(8) % 2, folds=2, seed=0)
    for seed in (0, 1):
        write_model(model_path(WINNER, seed, ".skops"), fitted.model)
    seeds = {"seed": [0, 0, 1], "split": ["val", "test", "test"], "example": ["x", "y", "y"]}
    predictions = pd.DataFrame({**seeds, "label": 0, "predicted": 0, "p_0": 0.9, "p_1": 0.1})
    predictions.to_parquet(evaluation_folder(WINNER) / "predictions.parquet")
    say(winner=WINNER, recommended=WINNER)
    return params


def say(**verdict: object) -> None:
    write_json(Path("comparison/verdict.json"), {"answer": "Use it.", "provisional": False, **verdict})


def registry() -> tuple[dict[str, str], dict[str, str]]:
    """Alias → our version, and our version → candidate."""
    client = MlflowClient(tracking_uri(), registry_uri=tracking_uri())
    found = {one.version: one for one in client.search_model_versions("name = 'kiyas'")}
    aliases = {key: str(value) for key, value in client.get_registered_model("kiyas").aliases.items()}
    ours = {version: one.tags["kiyas.version"] for version, one in found.items()}
    return (
        {alias: ours[int(number)] for alias, number in aliases.items()},
        {ours[version]: one.tags["kiyas.candidate"] for version, one in found.items()},
    )


def next_winner(fingerprint: str) -> None:
    """As if the winner had been trained again, differently."""
    trial = read_json(results_folder(WINNER) / "trial.json")
    write_json(results_folder(WINNER) / "trial.json", trial | {"fingerprint": fingerprint})


def test_the_first_winner_is_champion_and_the_next_challenges_it(compared: Params) -> None:
    sync(compared)
    assert registry() == ({"champion": "1"}, {"1": WINNER})
    next_winner("second")
    sync(compared)
    assert registry() == ({"champion": "1", "challenger": "2"}, {"1": WINNER, "2": WINNER})
    champions.promote_by_hand(2)
    sync(compared)
    assert registry()[0] == {"champion": "2"}
    champions.roll_back()
    sync(compared)
    assert registry()[0]["champion"] == "1"


def test_a_second_sync_changes_neither_registry_nor_champions(compared: Params) -> None:
    sync(compared)
    summary = sync(compared)
    assert (summary.added, summary.updated, summary.superseded) == (0, 0, 0)
    assert len(champions.versions()) == 1


def test_a_version_carries_what_it_was_made_of(compared: Params) -> None:
    sync(compared)
    client = MlflowClient(tracking_uri(), registry_uri=tracking_uri())
    version = client.get_model_version_by_alias("kiyas", "champion")
    assert version.tags["kiyas.data"] == data_hash()
    assert version.tags["kiyas.commit"] == "abc"
    assert float(version.tags["test_accuracy"]) == pytest.approx(0.8)
    assert float(version.tags["test_accuracy_low"]) == pytest.approx(0.75)
    assert version.tags["kiyas.fingerprint"] == "first"


def test_an_emptied_store_is_rebuilt_from_champions_alone(compared: Params, empty_store: Path) -> None:
    sync(compared)
    next_winner("second")
    sync(compared)
    before = registry()
    shutil.copy(empty_store, "mlflow.db")
    for folder in ("results", "evaluation", "comparison"):
        shutil.rmtree(folder)
    sync(compared)
    assert registry() == before


def test_the_registered_model_answers(compared: Params) -> None:
    import mlflow

    sync(compared)
    mlflow.set_tracking_uri(tracking_uri())
    answer = mlflow.pyfunc.load_model("models:/kiyas@champion").predict(np.zeros((2, SIDE, SIDE, 3), np.uint8))
    assert list(answer.columns) == ["predicted", "probability", "p_a", "p_b"]


def test_decisions_are_runs_with_their_numbers_and_reasons(compared: Params) -> None:
    sync(compared)
    numbers = {"difference": 0.02, "recall": {"Äpfel (rot)": {"champion": 0.5}}, "drift": {"sentence": "None."}}
    append(Entry("2026-03-02T03:00:00+00:00", "kept", None, 1, "data", ["No better.", "Same."], "f", numbers))
    sync(compared)
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name("kiyas")
    assert experiment
    runs = client.search_runs([experiment.experiment_id], "tags.kiyas.kind = 'decision'")
    assert [run.data.tags["kiyas.event"] for run in runs] == ["promoted", "kept"]
    kept = runs[1]
    assert kept.data.metrics == {"difference": 0.02, "recall._pfel _rot_.champion": 0.5}
    assert kept.data.tags["mlflow.note.content"] == "No better.\n\nSame."
    assert kept.info.start_time == 1_772_420_400_000


@pytest.mark.parametrize("recommended", [None, "classical-none_of_these"])
def test_what_does_not_beat_the_floor_is_not_registered(compared: Params, recommended: str | None) -> None:
    say(winner=WINNER, recommended=recommended)
    assert register_winner() is None
    assert not champions.CHAMPIONS.exists()


def test_a_workspace_never_registers(compared: Params) -> None:
    enrolment.WORKSPACE_MARK.parent.mkdir(exist_ok=True)
    enrolment.WORKSPACE_MARK.write_text("quick\n", encoding="utf-8")
    assert register_winner() is None


def test_where_champions_are_not_pulled_no_second_history_begins(
    compared: Params, caplog: pytest.LogCaptureFixture
) -> None:
    Path("champions.dvc").touch()
    assert register_winner() is None
    assert "dvc pull champions" in caplog.text


def test_a_comparison_of_older_results_registers_nothing(compared: Params) -> None:
    ranking = pd.read_csv("comparison/ranking.csv")
    write_csv(Path("comparison/ranking.csv"), ranking.assign(test_accuracy=ranking["test_accuracy"] - 0.1))
    assert register_winner() is None


def test_what_was_decided_on_is_not_registered_again(compared: Params) -> None:
    trial = write_results(compared.candidates()[0], compared.seeds, "refused")
    append(Entry("2026-03-02T03:00:00+00:00", "kept", None, None, "data", ["No better."], trial.fingerprint))
    assert register_winner() is None
