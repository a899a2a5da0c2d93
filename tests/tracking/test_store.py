from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from pipeline.credentials import without_credentials
from pipeline.tracking.address import tracking_uri
from pipeline.tracking.store import TrackingError, import_mlflow, open_store
from tests.starts import ended, forked


def test_without_a_variable_the_store_is_mlflow_db_in_the_checkout(checkout: Path, database: Path) -> None:
    assert tracking_uri() == f"sqlite:///{checkout}/mlflow.db"


def test_the_variable_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking_uri() == "http://127.0.0.1:5000"


def test_a_relative_path_is_taken_from_the_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert tracking_uri() == f"sqlite:///{checkout}/mlflow.db"


def test_artifacts_stand_beside_the_database_also_when_a_workspace_uses_its_parents_store(
    checkout: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = checkout / "workspaces" / "quick"
    workspace.mkdir(parents=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.chdir(workspace)
    store = open_store("kiyas-quick")
    location = store.client.get_experiment(store.experiment_id).artifact_location
    assert location == (checkout / "mlartifacts" / "kiyas-quick").as_uri()


def test_an_experiments_name_cannot_lead_its_artifacts_out_of_the_folder(checkout: Path, database: Path) -> None:
    store = open_store("../../elsewhere")
    location = store.client.get_experiment(store.experiment_id).artifact_location
    assert location.removeprefix((checkout / "mlartifacts").as_uri() + "/") == "-elsewhere"


def test_a_checkout_that_was_moved_finds_its_artifacts_again(
    checkout: Path, database: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("kiyas")
    run_id = store.client.create_run(store.experiment_id).info.run_id
    store.client.log_text(run_id, "found", "note.txt")
    elsewhere = tmp_path_factory.mktemp("moved") / "it has blanks"
    elsewhere.mkdir()
    for name in ("mlflow.db", "mlartifacts"):
        shutil.move(checkout / name, elsewhere / name)
    monkeypatch.chdir(elsewhere)
    moved = open_store("kiyas")
    assert (
        moved.client.get_experiment(moved.experiment_id).artifact_location == (elsewhere / "mlartifacts/kiyas").as_uri()
    )
    assert Path(moved.client.download_artifacts(run_id, "note.txt")).read_text() == "found"
    assert (moved.client.get_run(run_id).info.artifact_uri or "").startswith((elsewhere / "mlartifacts").as_uri())


def test_a_copy_of_a_checkout_leaves_the_artifacts_of_the_first_alone(
    checkout: Path, database: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store("kiyas")
    store.client.log_text(store.client.create_run(store.experiment_id).info.run_id, "found", "note.txt")
    copy = tmp_path_factory.mktemp("copied")
    shutil.copy(checkout / "mlflow.db", copy)
    shutil.copytree(checkout / "mlartifacts", copy / "mlartifacts")
    before = store.client.get_experiment(store.experiment_id).artifact_location
    monkeypatch.chdir(copy)
    again = open_store("kiyas")
    assert again.client.get_experiment(again.experiment_id).artifact_location == before


def test_opening_twice_gives_the_same_experiment(database: Path) -> None:
    assert open_store("kiyas").experiment_id == open_store("kiyas").experiment_id


def test_a_deleted_experiment_is_restored_with_its_runs(database: Path) -> None:
    store = open_store("kiyas")
    run = store.client.create_run(store.experiment_id)
    store.client.delete_experiment(store.experiment_id)
    again = open_store("kiyas")
    assert [found.info.run_id for found in again.client.search_runs([again.experiment_id])] == [run.info.run_id]


@pytest.mark.usefixtures("real_tables")
def test_processes_that_start_a_new_store_at_once_all_succeed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///new.db")

    import_mlflow()

    def note() -> None:
        Path(f"opened-{os.getpid()}").write_text(open_store("kiyas").experiment_id, encoding="utf-8")

    at_once = [forked(note) for _ in range(3)]
    assert [ended(process) for process in at_once] == [0, 0, 0]
    experiments = sqlite3.connect(checkout / "new.db").execute("select name from experiments order by name").fetchall()
    assert len({Path(f"opened-{process}").read_text(encoding="utf-8") for process in at_once}) == 1
    assert experiments == [("Default",), ("kiyas",)]


@pytest.mark.usefixtures("real_tables")
def test_a_process_killed_while_it_makes_the_tables_leaves_nothing_in_the_way(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///new.db")

    import_mlflow()

    def end_half_way() -> None:
        made: list[bool] = []

        def kill(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            made.append("CREATE TABLE" in statement)
            if sum(made) == 30:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", kill)
        open_store("kiyas")

    assert ended(forked(end_half_way)) == -signal.SIGKILL
    assert open_store("kiyas").experiment_id == "1"


def test_a_server_that_is_down_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@127.0.0.1:{closed_port}")
    with pytest.raises(TrackingError) as caught:
        open_store("kiyas")
    assert f"127.0.0.1:{closed_port}" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "http://somebody:secret@host:5000",
        "postgresql+psycopg://somebody:se/cr@et@host/db",
        "postgresql://host/db?user=somebody&password=secret",
        "postgresql://host/db?sslmode=require&sslpassword=secret",
        "https://host/?access_token=secret",
    ],
)
def test_no_credential_of_a_uri_is_repeated(uri: str) -> None:
    told = without_credentials(f"cannot open {uri} (somehow)")
    assert "host" in told
    assert not [word for word in ("secret", "se/cr@et", "cr@et", "somebody") if word in told]


def test_a_store_that_mlflow_no_longer_knows_is_refused_with_the_way_out(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    with pytest.raises(TrackingError, match=r"MLFLOW_TRACKING_URI = './mlruns'.*unset it to use mlflow.db"):
        open_store("kiyas")
