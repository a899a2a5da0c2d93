from __future__ import annotations

import logging
import threading
import time
from contextlib import nullcontext
from dataclasses import asdict

import pytest
from mlflow.entities import Run

from pipeline.params import Candidate, Params
from pipeline.tracking import live
from pipeline.tracking.live import EpochLog, TrialDescription, follow_trial, trial_logger
from pipeline.tracking.store import Store, open_store
from tests.tracking.simulated import history_rows

CANDIDATE = Candidate("finetune", model="resnet50-full", backbone="resnet50", technique="full")
TRIAL = TrialDescription(
    candidate=CANDIDATE.name,
    family="finetune",
    backbone="resnet50",
    technique="full",
    fingerprint="f" * 64,
    parameters={"training": {"batch_size": 32}},
)
IDENTITY = {**asdict(TRIAL), "seed": 0}


@pytest.fixture
def store(params: Params) -> Store:
    return open_store(params.tracking.experiment)


def test_every_epoch_arrives_with_the_epoch_as_step(params: Params, store: Store) -> None:
    _train(trial_logger(TRIAL, 0, params.tracking))
    (run,) = store.client.search_runs([store.experiment_id])
    rows = history_rows(CANDIDATE, 0)
    for key in ("train_loss", "val_accuracy", "learning_rate", "phase"):
        history = store.client.get_metric_history(run.info.run_id, key)
        assert [(point.step, point.value) for point in history] == [(row["epoch"], row[key]) for row in rows]


def test_a_live_run_says_who_it_is_and_that_it_ended(params: Params, store: Store) -> None:
    _train(trial_logger(TRIAL, 3, params.tracking))
    (run,) = store.client.search_runs([store.experiment_id])
    expected = {
        "kiyas.kind": "trial",
        "kiyas.candidate": "finetune-resnet50-full",
        "kiyas.seed": "3",
        "kiyas.fingerprint": "f" * 64,
        "kiyas.family": "finetune",
        "kiyas.backbone": "resnet50",
        "kiyas.technique": "full",
        "mlflow.source.name": "python -m pipeline finetune",
    }
    assert run.data.tags.items() >= expected.items()
    assert run.data.params == {"training.batch_size": "32", "seed": "3"}
    assert (run.info.run_name, run.info.status) == ("finetune-resnet50-full seed 3", "FINISHED")


def test_curves_can_be_seen_while_the_trial_still_runs(params: Params, store: Store) -> None:
    logger = trial_logger(TRIAL, 0, params.tracking)
    logger.epoch(history_rows(CANDIDATE, 0)[0])
    run = _wait_for_metric(store, "train_loss")
    assert run.info.status == "RUNNING"
    logger.close()


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (MemoryError("too large"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_ends_as_its_trial_ended(params: Params, store: Store, error: BaseException | None, status: str) -> None:
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, follow_trial(params.tracking, IDENTITY) as tell:
        tell(history_rows(CANDIDATE, 0)[0])
        if error is not None:
            raise error
    (run,) = store.client.search_runs([store.experiment_id])
    assert (run.info.status, run.data.metrics["phase"]) == (status, 1)


def test_a_loss_that_is_no_longer_a_number_gives_no_point(params: Params, store: Store) -> None:
    logger = trial_logger(TRIAL, 0, params.tracking)
    logger.epoch({**history_rows(CANDIDATE, 0)[0], "train_loss": float("nan"), "val_loss": float("inf")})
    logger.close()
    (run,) = store.client.search_runs([store.experiment_id])
    assert "train_accuracy" in run.data.metrics
    assert not {"train_loss", "val_loss"} & set(run.data.metrics)


def test_trials_under_mlflow_run_do_not_join_its_run(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = store.client.create_run(store.experiment_id, run_name="mlflow run")
    monkeypatch.setenv("MLFLOW_RUN_ID", project.info.run_id)
    for seed in (0, 1):
        _train(trial_logger(TRIAL, seed, params.tracking))
    runs = {run.info.run_name: run for run in store.client.search_runs([store.experiment_id])}
    assert sorted(runs) == ["finetune-resnet50-full seed 0", "finetune-resnet50-full seed 1", "mlflow run"]
    assert runs["mlflow run"].data.metrics == {}


def test_a_server_that_is_down_costs_no_time_and_one_warning(
    params: Params, closed_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://somebody:secret@127.0.0.1:{closed_port}")
    begun = time.monotonic()
    for seed in (0, 1, 2):
        _train(trial_logger(TRIAL, seed, params.tracking))
    assert time.monotonic() - begun < 3
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "python -m pipeline track" in warnings[0]
    assert "secret" not in warnings[0]


def test_a_server_that_hangs_is_waited_for_only_once_in_a_while(
    params: Params, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(live, "_process", live._Process(waiting_left=0.3))
    monkeypatch.setattr(live, "open_store", lambda experiment: threading.Event().wait())
    begun = time.monotonic()
    for seed in range(5):
        _train(trial_logger(TRIAL, seed, params.tracking))
    assert time.monotonic() - begun < 1
    assert len(caplog.records) == 1


def test_errors_in_the_middle_of_training_cost_one_warning(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("the server went away")

    monkeypatch.setattr(live, "_log_epochs", refuse)
    _train(trial_logger(TRIAL, 0, params.tracking))
    _train(trial_logger(TRIAL, 1, params.tracking))
    assert [record.getMessage().count("the server went away") for record in caplog.records] == [1]


def test_more_epochs_than_the_queue_holds_never_hold_up_training(
    params: Params, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "LONGEST_QUEUE", 2)
    monkeypatch.setattr(live, "open_store", lambda experiment: threading.Event().wait())
    logger = trial_logger(TRIAL, 0, params.tracking)
    begun = time.monotonic()
    for row in history_rows(CANDIDATE, 0):
        logger.epoch(row)
    assert time.monotonic() - begun < 0.3
    assert len(caplog.records) == 1


def test_with_tracking_off_nothing_is_written(params: Params, store: Store) -> None:
    off = params.tracking.model_copy(update={"enabled": False})
    _train(trial_logger(TRIAL, 0, off))
    with follow_trial(off, IDENTITY) as tell:
        tell(history_rows(CANDIDATE, 0)[0])
    assert store.client.search_runs([store.experiment_id]) == []


def _train(logger: EpochLog) -> None:
    for row in history_rows(CANDIDATE, 0):
        logger.epoch(row)
    logger.close()


def _wait_for_metric(store: Store, key: str) -> Run:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for run in store.client.search_runs([store.experiment_id]):
            if key in run.data.metrics:
                return run
        time.sleep(0.05)
    raise AssertionError(f"{key} never came")
