"""A real tracking server, on PostgreSQL and with proxied artifacts, that fails in the middle of training."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from pipeline.champions import enrolment
from pipeline.champions.by_hand import promote_by_hand
from pipeline.champions.log import LOG
from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.ground.files import read_json, write_json
from pipeline.tracking.live import writer
from pipeline.tracking.live.trial import follow_trial
from pipeline.tracking.store import Store, TrackingError, import_mlflow, open_store
from pipeline.tracking.sync import Summary, sync
from pipeline.trials import Recipe, results_folder
from tests.starts import ended, forked
from tests.tracking import postgres
from tests.tracking.proxy import proxied
from tests.tracking.servers import TrackingServer
from tests.tracking.simulated import history_rows, write_models, write_winner

RUNS = 7
WRITERS = {"SQLite": 8, "PostgreSQL": 4, "server": 4}  # at once: of a file the crowd is the hardest
pytestmark = pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL (initdb, postgres) is not installed")


@pytest.fixture(scope="module")
def database_uri() -> Iterator[str]:
    with postgres.cluster() as uri:
        yield uri


@pytest.fixture(scope="module")
def started(database_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    server = TrackingServer(database_uri, tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(started: TrackingServer, params: Params, monkeypatch: pytest.MonkeyPatch) -> TrackingServer:
    """The running server as the store; MLflow gives up soon, and a writer tries again soon."""
    if started.process is None:
        started.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", started.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(writer, "PATIENCE", 0.2)
    monkeypatch.setattr(writer, "PAUSE", 0.05)
    return started


@pytest.fixture
def on_server(simulated: Params, server: TrackingServer, request: pytest.FixtureRequest) -> Params:
    """Results on disk, and an experiment of the test's own."""
    tracking = simulated.tracking.model_copy(update={"experiment": request.node.name})
    return simulated.model_copy(update={"tracking": tracking})


def test_all_that_is_on_disk_is_shown_with_its_artifacts_and_a_second_sync_writes_nothing(
    on_server: Params, tmp_path: Path
) -> None:
    write_models(on_server.candidates()[0], on_server.seeds)
    assert sync(on_server) == Summary(added=RUNS, models=1)
    assert sync(on_server) == Summary(unchanged=RUNS)
    store = open_store(on_server.tracking.experiment)
    (model,) = store.client.search_logged_models([store.experiment_id])
    assert "MLmodel" in [file.path for file in store.client.list_logged_model_artifacts(model.model_id)]
    (run,) = [run for run in _runs(store) if run.data.tags["kiyas.kind"] == "comparison"]
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")
    page = Path(store.client.download_artifacts(run.info.run_id, "report.html", str(tmp_path)))
    assert page.read_bytes() == Path("comparison/report.html").read_bytes()


def test_a_server_that_is_killed_and_restarted_during_a_trial_misses_no_epoch(
    on_server: Params, server: TrackingServer, caplog: pytest.LogCaptureFixture
) -> None:
    longest = 0.0
    rows = [{**history_rows(on_server.candidates()[-1], 1)[0], "epoch": epoch} for epoch in range(1, 31)]
    with follow_trial(on_server.tracking, _recipe(on_server), 1) as tell:
        for row in rows:
            begun = time.monotonic()
            tell(row)
            longest = max(longest, time.monotonic() - begun)
            if row["epoch"] == 10:
                _wait_for_epoch(on_server, 10)
                server.kill()
            if row["epoch"] == 20:
                server.start()
            time.sleep(0.02)
    assert longest < 1
    (run,) = _runs(open_store(on_server.tracking.experiment))
    assert (_steps(on_server, run), run.info.status) == (list(range(1, 31)), "FINISHED")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert postgres.PASSWORD not in caplog.text


def test_a_server_that_dies_in_the_middle_of_a_trial_has_everything_after_one_sync(
    on_server: Params, server: TrackingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LONGEST_WAIT", 1.0)
    with follow_trial(on_server.tracking, _recipe(on_server), 1) as tell:
        for row in history_rows(on_server.candidates()[-1], 1):
            tell(row)
            if row["epoch"] == 2:
                run_id = _wait_for_epoch(on_server, 2)
                server.kill()
    server.start()
    assert sync(on_server) == Summary(added=RUNS - 1, updated=1)
    run = open_store(on_server.tracking.experiment).client.get_run(run_id)
    assert (_steps(on_server, run), run.info.status) == ([1, 2, 3, 4], "FINISHED")
    assert sync(on_server) == Summary(unchanged=RUNS)


@pytest.mark.parametrize("fault", ["delays", "cuts"])
def test_a_network_that_delays_or_cuts_holds_no_training_up_and_loses_nothing(
    on_server: Params, server: TrackingServer, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LONGEST_WAIT", 0.5)
    with proxied(server.port) as proxy, monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{proxy.port}")
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
        with follow_trial(on_server.tracking, _recipe(on_server), 1) as tell:
            tell(history_rows(on_server.candidates()[-1], 1)[0])
            _wait_for_epoch(on_server, 1)
            proxy.delay, proxy.cut = (1.0, False) if fault == "delays" else (0.0, True)
            begun = time.monotonic()
            for row in history_rows(on_server.candidates()[-1], 1)[1:]:
                tell(row)
        assert time.monotonic() - begun < 2
        assert (proxy.cuts > 0) == (fault == "cuts")
        _join_writers()
    sync(on_server)
    runs = {run.info.run_name: run for run in _runs(open_store(on_server.tracking.experiment))}
    run = runs["finetune-resnet50-full seed 1"]
    assert (_steps(on_server, run), run.info.status) == ([1, 2, 3, 4], "FINISHED")
    assert sync(on_server) == Summary(unchanged=RUNS)


def test_clones_show_the_same_champions_once_and_the_longest_log_of_decisions_has_the_aliases(
    on_server: Params, server: TrackingServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(enrolment, "FLOORS", ("classical-none_of_these",))
    winner, client = write_winner(on_server), MlflowClient(server.uri, registry_uri=server.uri)

    def shown() -> tuple[int, str]:
        """How many versions there are, and our number of the champion."""
        found = {str(one.version): one.tags["kiyas.version"] for one in client.search_model_versions("name = 'kiyas'")}
        return len(found), found[str(client.get_registered_model("kiyas").aliases["champion"])]

    enrolment.register_advised()
    sync(on_server)
    trial = results_folder(winner) / "trial.json"
    write_json(trial, read_json(trial) | {"fingerprint": "second"})
    enrolment.register_advised()
    promote_by_hand(2)
    sync(on_server)
    assert shown() == (2, "2")
    Path(".kiyas/checkout").write_text("a colleague's", encoding="utf-8")
    sync(on_server)
    assert shown() == (2, "2"), "a clone that has pulled all of it adds nothing"
    whole = LOG.read_text(encoding="utf-8")
    LOG.write_text(whole.splitlines(keepends=True)[0], encoding="utf-8")
    sync(on_server)
    assert shown() == (2, "2") and "another clone knows 3 decisions, this one 1" in caplog.text
    LOG.write_text(whole.replace('"time": "20', '"time": "19', 1), encoding="utf-8")
    sync(on_server)
    assert shown()[1] == "2" and "those of another project, which came first" in caplog.text


@pytest.mark.parametrize("path", ["../outside.txt", "../../../../outside.txt", "/outside.txt", "a/../../outside.txt"])
def test_an_artifact_cannot_leave_the_folder_of_its_run(on_server: Params, server: TrackingServer, path: str) -> None:
    store = open_store(on_server.tracking.experiment)
    run_id = store.client.create_run(store.experiment_id).info.run_id
    path = path.replace("outside", f"outside-{run_id}")
    with pytest.raises(MlflowException, match=r"(?i)invalid artifact path"):
        store.client.log_text(run_id, "out", path)  # where MLflow's client is asked
    place = f"/api/2.0/mlflow-artifacts/artifacts/{store.experiment_id}/{run_id}/artifacts/{path}"
    server_address = urlsplit(server.uri)
    for sent in (place, place.replace("..", "%2e%2e"), place.replace("../", "..%2f")):  # and where it is not
        connection = HTTPConnection(str(server_address.hostname), server_address.port, timeout=30)
        connection.request("PUT", sent, body=b"out")
        status = connection.getresponse().status
        connection.close()
        assert 400 <= status < 500 or ".." not in path, sent
    written = server.folder.parent.rglob(f"outside-{run_id}.txt")
    assert [file for file in written if run_id not in file.parts] == []


@pytest.mark.usefixtures("real_tables")
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL", "server"])
def test_processes_that_start_a_store_and_log_at_once_lose_nothing(
    params: Params, request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", _store_of(kind, request))
    import_mlflow()
    writers = [forked(partial(_train, seed)) for seed in range(WRITERS[kind])]
    assert [ended(writer) for writer in writers] == [0] * len(writers)
    store = open_store("eight")
    runs = {run.data.tags["kiyas.seed"]: run for run in _runs(store)}
    assert sorted(runs) == [str(seed) for seed in range(len(writers))]
    for run in runs.values():
        assert run.info.status == "FINISHED"
        for key in ("train_loss", "val_loss", "val_accuracy", "phase"):
            history = store.client.get_metric_history(run.info.run_id, f"curve/{key}")
            steps = [point.step for point in history]
            assert sorted(steps) == list(range(1, 51))


def test_the_database_password_is_in_nothing_that_the_server_or_the_store_says(
    database_uri: str, started: TrackingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database_uri.replace(":" + postgres.PASSWORD, ":wrong-but-secret"))
    with pytest.raises(TrackingError) as refused:
        open_store("kiyas")
    assert "wrong-but-secret" not in str(refused.value)
    assert postgres.PASSWORD not in (started.folder / "server.log").read_text(errors="replace")


def _store_of(kind: str, request: pytest.FixtureRequest) -> str:
    if kind == "SQLite":
        return "sqlite:///new.db"
    if kind == "server":
        return str(request.getfixturevalue("server").uri)
    uri: str = request.getfixturevalue("database_uri")
    return _new_database(uri, "eight")


def _new_database(uri: str, name: str) -> str:
    with postgres.connect(uri) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return uri.rpartition("/")[0] + f"/{name}"


def _train(seed: int) -> None:
    writer.LONGEST_WAIT = 60.0
    writer.process = writer.Process(waiting_left=120.0)
    params = load_params()
    tracking = params.tracking.model_copy(update={"experiment": "eight"})
    with follow_trial(tracking, _recipe(params), seed) as tell:
        for epoch in range(1, 51):
            tell({**history_rows(params.candidates()[-1], seed)[0], "epoch": epoch})
            time.sleep(0.02)


def _recipe(params: Params) -> Recipe:
    candidate = params.candidates()[-1].name
    parameters = {"training": {"batch_size": 32}, "blocks": [{"filters": 32}, {"filters": 64}]}
    return Recipe(candidate, "finetune", "resnet50", "full", "multiclass", "first", parameters)


def _runs(store: Store) -> list[Run]:
    return list(store.client.search_runs([store.experiment_id]))


def _steps(params: Params, run: Run) -> list[int]:
    store = open_store(params.tracking.experiment)
    return sorted(point.step for point in store.client.get_metric_history(run.info.run_id, "curve/val_loss"))


def _wait_for_epoch(params: Params, epoch: int) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for run in _runs(open_store(params.tracking.experiment)):
            if run.info.status == "RUNNING" and epoch in _steps(params, run):
                return str(run.info.run_id)
        time.sleep(0.1)
    raise AssertionError(f"epoch {epoch} never came")


def _join_writers() -> None:
    for thread in threading.enumerate():
        if thread.name == "mlflow":
            thread.join(30)
