from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from mlflow.entities import Run

from pipeline.configuration.whole import Params
from pipeline.params.training.candidates import Candidate
from pipeline.tracking.live import writer
from pipeline.tracking.live.trial import EpochLog, follow_trial, trial_logger
from pipeline.tracking.store import Store, open_store
from pipeline.trials import Recipe
from tests.tracking.simulated import history_rows

CANDIDATE = Candidate("finetune", model="resnet50-full", backbone="resnet50", technique="full")
TRIAL = Recipe(
    candidate=CANDIDATE.name,
    family="finetune",
    backbone="resnet50",
    technique="full",
    task="multiclass",
    fingerprint="f" * 64,
    parameters={"training": {"batch_size": 32}},
)


@pytest.fixture
def store(params: Params) -> Store:
    return open_store(params.tracking.experiment)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that takes connections and never answers, until the test has ended."""
    ended = threading.Event()

    def hang(experiment: str) -> Store:
        ended.wait()
        raise ConnectionError("the test has ended")

    monkeypatch.setattr(writer, "open_store", hang)
    yield
    ended.set()


def test_every_epoch_arrives_with_the_epoch_as_step(params: Params, store: Store) -> None:
    _train(trial_logger(TRIAL, 0, params.tracking))
    (run,) = store.client.search_runs([store.experiment_id])
    rows = history_rows(CANDIDATE, 0)
    for key in ("train_loss", "val_accuracy", "learning_rate", "phase"):
        history = store.client.get_metric_history(run.info.run_id, f"curve/{key}")
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
    run = _wait_for_metric(store, "curve/train_loss")
    assert run.info.status == "RUNNING"
    logger.close()


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (MemoryError("too large"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_ends_as_its_trial_ended(params: Params, store: Store, error: BaseException | None, status: str) -> None:
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, follow_trial(params.tracking, TRIAL, 0) as tell:
        tell(history_rows(CANDIDATE, 0)[0])
        if error is not None:
            raise error
    (run,) = store.client.search_runs([store.experiment_id])
    assert (run.info.status, run.data.metrics["curve/phase"]) == (status, 1)


def test_a_loss_that_is_no_longer_a_number_gives_no_point(params: Params, store: Store) -> None:
    logger = trial_logger(TRIAL, 0, params.tracking)
    logger.epoch({**history_rows(CANDIDATE, 0)[0], "train_loss": float("nan"), "val_loss": float("inf")})
    logger.close()
    (run,) = store.client.search_runs([store.experiment_id])
    assert "curve/train_accuracy" in run.data.metrics
    assert not {"curve/train_loss", "curve/val_loss"} & set(run.data.metrics)


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
    assert time.monotonic() - begun < 60  # one that waited would take two minutes a trial
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "python -m pipeline track" in warnings[0]
    assert "secret" not in warnings[0]


def test_a_server_that_hangs_is_waited_for_only_once_in_a_while(
    params: Params, hanging: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "LONGEST_WAIT", 0.2)
    monkeypatch.setattr(writer, "process", writer.Process(waiting_left=0.3))
    monkeypatch.setattr(writer, "is_server", lambda _: True)
    begun = time.monotonic()
    for seed in range(50):
        _train(trial_logger(TRIAL, seed, params.tracking))
    assert time.monotonic() - begun < 8  # waiting for each would take ten
    assert len(caplog.records) == 1


def test_what_a_failing_server_did_not_take_is_sent_again_while_the_trial_lasts_after_one_warning(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent, failures = writer.LiveTrial._send, iter([True, False, True])

    def sent_at_times(*arguments: Any) -> None:
        if next(failures, False):
            raise ConnectionError("the server went away")
        sent(*arguments)

    monkeypatch.setattr(writer, "PATIENCE", 0.05)
    monkeypatch.setattr(writer, "PAUSE", 0.05)
    monkeypatch.setattr(writer.LiveTrial, "_send", sent_at_times)
    logger = trial_logger(TRIAL, 0, params.tracking)
    for row in history_rows(CANDIDATE, 0):
        logger.epoch(row)
        time.sleep(0.1)
    logger.close()
    (run,) = store.client.search_runs([store.experiment_id])
    history = store.client.get_metric_history(run.info.run_id, "curve/val_loss")
    assert [point.step for point in history] == [row["epoch"] for row in history_rows(CANDIDATE, 0)]
    assert run.info.status == "FINISHED"
    assert [record.getMessage().count("the server went away") for record in caplog.records] == [1]


def test_what_a_server_did_not_take_is_sent_once_more_when_the_trial_has_ended(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, failed = writer.LiveTrial._send, threading.Event()

    def refused_once(*arguments: Any) -> None:
        if not failed.is_set():
            failed.set()
            raise ConnectionError("the server went away")
        sent(*arguments)

    monkeypatch.setattr(writer, "PATIENCE", 600.0)
    monkeypatch.setattr(writer.LiveTrial, "_send", refused_once)
    logger = trial_logger(TRIAL, 0, params.tracking)
    logger.epoch(history_rows(CANDIDATE, 0)[0])
    assert failed.wait(60)
    logger.close()
    (run,) = store.client.search_runs([store.experiment_id])
    assert (run.info.status, run.data.metrics["curve/phase"]) == ("FINISHED", 1)


def test_a_batch_that_arrives_twice_is_shown_once(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = writer.LiveTrial._send

    def sent_without_an_answer(*arguments: Any) -> None:
        sent(*arguments)
        monkeypatch.setattr(writer.LiveTrial, "_send", sent)
        raise ConnectionError("cut before the answer came")

    monkeypatch.setattr(writer, "PATIENCE", 0.05)
    monkeypatch.setattr(writer.LiveTrial, "_send", sent_without_an_answer)
    _train(trial_logger(TRIAL, 0, params.tracking))
    (run,) = store.client.search_runs([store.experiment_id])
    history = store.client.get_metric_history(run.info.run_id, "curve/train_loss")
    assert [point.step for point in history] == [1, 2, 3, 4]


def test_a_server_that_stays_away_costs_one_warning_for_all_trials(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError("the server went away")

    monkeypatch.setattr(writer.LiveTrial, "_send", refuse)
    _train(trial_logger(TRIAL, 0, params.tracking))
    _train(trial_logger(TRIAL, 1, params.tracking))
    assert [record.getMessage().count("the server went away") for record in caplog.records] == [1]


def test_a_training_that_ends_before_the_store_on_this_machine_is_written_is_no_fault(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "kiyas")
    monkeypatch.setattr(writer.LiveTrial, "_send", lambda *_: time.sleep(0.5))
    monkeypatch.setattr(writer, "LONGEST_WAIT", 0.01)
    monkeypatch.setattr(writer.process, "warned", False)
    _train(trial_logger(TRIAL, 0, params.tracking))
    told = [record for record in caplog.records if "Nothing is lost" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.INFO]


def test_phases_are_marked_on_the_common_axis_as_they_come(params: Params, store: Store) -> None:
    strategy = {"phases": [{"train": "head"}, {"train": "top 1"}]}
    trial = replace(TRIAL, parameters={"strategy": strategy})
    _train(trial_logger(trial, 0, params.tracking))
    (run,) = store.client.search_runs([store.experiment_id])
    told = {key: value for key, value in run.data.tags.items() if key.startswith("kiyas.phase.")}
    assert told == {"kiyas.phase.1": "head, epochs 1 to 2", "kiyas.phase.2": "top 1, epochs 3 to 4"}


def test_system_metrics_come_from_mlflows_own_collector_where_they_are_wanted(
    params: Params, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    wanted = params.tracking.model_copy(update={"system_metrics": True})
    logger = trial_logger(TRIAL, 0, wanted)
    logger.epoch(history_rows(CANDIDATE, 0)[0])
    time.sleep(1.2)
    logger.close()
    _train(trial_logger(TRIAL, 1, params.tracking))
    runs = {run.data.tags["kiyas.seed"]: run.data.metrics for run in store.client.search_runs([store.experiment_id])}
    assert "system/cpu_utilization_percentage" in runs["0"]
    assert not [key for key in runs["1"] if key.startswith("system/")]


def test_more_epochs_than_are_kept_never_hold_up_training(
    params: Params, hanging: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "ROOM", 2)
    logger = trial_logger(TRIAL, 0, params.tracking)
    begun = time.monotonic()
    for row in history_rows(CANDIDATE, 0):
        logger.epoch(row)
    assert time.monotonic() - begun < 60  # one that waited would wait for ever
    assert len(caplog.records) == 1
    monkeypatch.setattr(writer, "LONGEST_WAIT", 0.0)
    logger.close()


def test_with_tracking_off_nothing_is_written(params: Params, store: Store) -> None:
    off = params.tracking.model_copy(update={"enabled": False})
    _train(trial_logger(TRIAL, 0, off))
    with follow_trial(off, TRIAL, 0) as tell:
        tell(history_rows(CANDIDATE, 0)[0])
    assert store.client.search_runs([store.experiment_id]) == []


def _train(logger: EpochLog) -> None:
    for row in history_rows(CANDIDATE, 0):
        logger.epoch(row)
    logger.close()


def _wait_for_metric(store: Store, key: str) -> Run:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for run in store.client.search_runs([store.experiment_id]):
            if key in run.data.metrics:
                return run
        time.sleep(0.05)
    raise AssertionError(f"{key} never came")
