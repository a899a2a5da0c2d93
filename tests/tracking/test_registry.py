"""MLflow's registry and the decision runs show champions/, whatever happened to the store."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from pipeline.champions import enrolment
from pipeline.champions.by_hand import promote_by_hand, roll_back
from pipeline.champions.enrolment import register_advised
from pipeline.champions.log import Entry, append
from pipeline.champions.prepared_data import data_hash
from pipeline.champions.versions import registered_versions
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json, write_json
from pipeline.ground.paths import VERDICT
from pipeline.tracking import registry as tracking_registry
from pipeline.tracking import sync as tracking_sync
from pipeline.tracking.address import tracking_uri
from pipeline.tracking.store import Store, one_at_a_time
from pipeline.tracking.sync import sync
from pipeline.trials import results_folder
from tests.tracking.simulated import WINNER_SIDE, simulate, write_winner

WINNER = "classical-majority"


@pytest.fixture
def compared(params: Params, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Two candidates, compared; the winner is a small model that is really there."""
    monkeypatch.setattr(enrolment, "FLOORS", ("classical-none_of_these",))
    simulate(params)
    assert write_winner(params) == WINNER
    return params


def enrol_and_sync(params: Params) -> None:
    """As `python -m pipeline track` does it."""
    register_advised()
    sync(params)


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
    enrol_and_sync(compared)
    assert registry() == ({"champion": "1"}, {"1": WINNER})
    next_winner("second")
    enrol_and_sync(compared)
    assert registry() == ({"champion": "1", "challenger": "2"}, {"1": WINNER, "2": WINNER})
    promote_by_hand(2)
    enrol_and_sync(compared)
    assert registry()[0] == {"champion": "2"}
    roll_back()
    enrol_and_sync(compared)
    assert registry()[0]["champion"] == "1"


def test_a_second_sync_changes_neither_registry_nor_champions(compared: Params) -> None:
    enrol_and_sync(compared)
    summary = sync(compared)
    assert (summary.added, summary.updated, summary.superseded) == (0, 0, 0)
    assert len(registered_versions()) == 1


def test_a_version_carries_what_it_was_made_of(compared: Params) -> None:
    enrol_and_sync(compared)
    client = MlflowClient(tracking_uri(), registry_uri=tracking_uri())
    version = client.get_model_version_by_alias("kiyas", "champion")
    assert version.tags["kiyas.data"] == data_hash()
    assert version.tags["kiyas.commit"] == "abc"
    assert float(version.tags["test_accuracy"]) == pytest.approx(0.8)
    low, high = read_json(VERDICT)["winner_interval"]
    assert (float(version.tags["test_accuracy_low"]), float(version.tags["test_accuracy_high"])) == (low, high)
    assert version.tags["kiyas.fingerprint"] == "first"


def test_a_version_belongs_to_the_run_of_its_candidate_whose_page_then_names_it(compared: Params) -> None:
    enrol_and_sync(compared)
    client = MlflowClient(tracking_uri(), registry_uri=tracking_uri())
    run = client.get_run(client.get_model_version("kiyas", "1").run_id or "")
    assert (run.info.run_name, run.data.tags["kiyas.kind"]) == (WINNER, "candidate")


def test_beside_its_interval_a_version_has_the_score_by_its_own_rule(
    compared: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol_and_sync(compared)
    (champion,) = registered_versions()
    ruled = replace(champion, decision={"threshold": 0.25}, model_score=0.625)

    def shown() -> str | None:
        client = MlflowClient(tracking_uri(), registry_uri=tracking_uri())
        value: str | None = client.get_model_version("kiyas", "1").tags.get("test_accuracy")
        return value

    monkeypatch.setattr(tracking_registry, "registered_versions", lambda entries: [ruled])
    sync(compared)
    assert shown() == "0.625"
    ruled = replace(ruled, model_score=None)
    sync(compared)
    assert shown() is None


def test_an_emptied_store_is_rebuilt_from_champions_alone(compared: Params, empty_store: Path) -> None:
    enrol_and_sync(compared)
    next_winner("second")
    enrol_and_sync(compared)
    before = registry()
    shutil.copy(empty_store, "mlflow.db")
    for folder in ("results", "evaluation", "comparison"):
        shutil.rmtree(folder)
    enrol_and_sync(compared)
    assert registry() == before


def test_the_registered_model_answers(compared: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    enrol_and_sync(compared)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    answer = mlflow.pyfunc.load_model("models:/kiyas@champion").predict(
        np.zeros((2, WINNER_SIDE, WINNER_SIDE, 3), np.uint8)
    )
    assert list(answer.columns) == ["predicted", "probability", "p_a", "p_b"]


def test_decisions_are_runs_with_their_numbers_and_reasons(compared: Params) -> None:
    enrol_and_sync(compared)
    recall = {"Äpfel (rot)": {"champion": 0.5}, "кот": {"champion": 0.25}, "пёс": {"champion": 0.75}}
    numbers = {"difference": 0.02, "recall": recall, "drift": {"sentence": "None."}}
    append(Entry("2026-03-02T03:00:00+00:00", "kept", None, 1, "data", ["No better.", "Same."], "f", numbers))
    enrol_and_sync(compared)
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name("kiyas")
    assert experiment
    runs = client.search_runs([experiment.experiment_id], "tags.kiyas.kind = 'decision'")
    assert [run.data.tags["kiyas.event"] for run in runs] == ["promoted", "kept"]
    kept = runs[1]
    assert kept.data.metrics == {
        "difference": 0.02,
        "recall._pfel _rot_.champion": 0.5,
        "recall.___.champion": 0.25,
        "recall.___.champion.2": 0.75,
    }
    assert kept.data.tags["mlflow.note.content"] == "No better.\n\nSame."
    assert kept.info.start_time == 1_772_420_400_000


def test_the_champion_keeps_its_alias_where_another_process_promotes_while_the_registry_is_matched(
    compared: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sync moves it; until then whoever asks has the model that was champion."""
    enrol_and_sync(compared)

    def meanwhile(store: Store) -> None:
        monkeypatch.setattr(tracking_registry, "_ensure_model", lambda _: None)
        next_winner("second")
        register_advised()
        promote_by_hand(2)

    monkeypatch.setattr(tracking_registry, "_ensure_model", meanwhile)
    sync(compared)
    assert registry() == ({"champion": "1"}, {"1": WINNER})
    sync(compared)
    assert registry() == ({"champion": "2"}, {"1": WINNER, "2": WINNER})


def test_a_sync_shows_what_another_process_decided_and_showed_while_it_waited_for_its_turn(
    compared: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after_another() -> AbstractContextManager[None]:
        monkeypatch.setattr(tracking_sync, "one_at_a_time", one_at_a_time)
        enrol_and_sync(compared)
        return one_at_a_time()

    monkeypatch.setattr(tracking_sync, "one_at_a_time", after_another)
    sync(compared)
    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name(compared.tracking.experiment)
    runs = client.search_runs([experiment.experiment_id], "tags.kiyas.kind = 'decision'")
    assert [run.data.tags["kiyas.superseded"] for run in runs] == ["false"]
    assert registry() == ({"champion": "1"}, {"1": WINNER})


def test_what_was_never_enrolled_is_not_registered_by_showing_it(compared: Params) -> None:
    sync(compared)
    assert registered_versions() == []
