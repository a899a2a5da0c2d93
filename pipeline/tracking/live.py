"""Curves in MLflow while a trial runs, without ever holding it up.

A background thread owns every call to MLflow; training only puts rows into a queue. Whatever goes wrong here costs
one warning: the files are the record, and `python -m pipeline track` completes the run from them.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pipeline.params import Tracking
from pipeline.tracking.fields import (
    CHECKOUT,
    NAME,
    Recipe,
    curve_points,
    source_tags,
    stage_of,
    trial_name,
    trial_params,
    trial_tags,
)
from pipeline.tracking.store import Store, checkout_id, import_mlflow, open_store, without_credentials

log = logging.getLogger("kiyas")

Status = Literal["FINISHED", "FAILED", "KILLED"]

LONGEST_QUEUE = 10_000  # epochs
ROWS_A_BATCH = 100  # of up to seven metrics each; MLflow takes a thousand metrics at once
PAUSE = 0.5  # seconds between batches: epochs on kept activations take less than a write
LONGEST_WAIT = 5.0  # seconds that one trial waits at its end for what is still to be sent


@dataclass(frozen=True)
class TrialDescription:
    """What a stage knows before it trains; `parameters` are the resolved ones that go into trial.json."""

    candidate: str
    family: str
    backbone: str | None
    technique: str | None
    fingerprint: str
    parameters: dict[str, Any] = field(default_factory=dict)


class EpochLog(Protocol):
    """What training's callback talks to."""

    def epoch(self, row: Mapping[str, Any]) -> None: ...
    def close(self, status: Status = "FINISHED") -> None: ...


@contextmanager
def follow_trial(tracking: Tracking, identity: Mapping[str, Any]) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A live run around one trial: gives what each row of history.csv is told to, and ends the run as the trial ends.

    Args:
        identity: the fields of TrialDescription, and "seed".
    """
    trial = TrialDescription(**{key: value for key, value in identity.items() if key != "seed"})
    logger = trial_logger(trial, identity["seed"], tracking)
    try:
        yield logger.epoch
    except Exception:
        logger.close("FAILED")
        raise
    except BaseException:  # Ctrl-C, SystemExit
        logger.close("KILLED")
        raise
    logger.close()


def trial_logger(trial: Recipe, seed: int, tracking: Tracking) -> EpochLog:
    """A live MLflow run of one trial, or an object that does nothing where tracking is off.

    Imports MLflow the first time, for seconds: in the background that would slow down a trial that is being timed.
    Everything that may have to wait for a disk or a server does happen in the background.
    """
    if not tracking.enabled:
        return Silence()
    import_mlflow()
    return LiveTrial(trial, seed, tracking.experiment)


class Silence:
    """Tracking is off."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        pass

    def close(self, status: Status = "FINISHED") -> None:
        pass


@dataclass
class _Process:
    """What all trials of this process share: one warning, and ten seconds of waiting altogether."""

    warned: bool = False
    waiting_left: float = 2 * LONGEST_WAIT

    def warn(self, reason: str) -> None:
        if not self.warned:
            self.warned = True
            log.warning(
                "MLflow cannot be written live (%s). Training goes on and nothing is lost: `python -m pipeline track` "
                "completes the runs from the files.",
                reason,
            )


_process = _Process()


@dataclass(frozen=True)
class _Epoch:
    step: int
    timestamp: int  # milliseconds
    points: dict[str, float]


class LiveTrial:
    """One run, written by one thread."""

    def __init__(self, trial: Recipe, seed: int, experiment: str) -> None:
        self._trial, self._seed, self._experiment = trial, seed, experiment
        self._started = _now()
        self._status: Status = "FINISHED"
        self._given_up = False
        self._closed = threading.Event()
        self._epochs: queue.Queue[_Epoch | None] = queue.Queue(LONGEST_QUEUE)
        # A daemon, so that a server which never answers cannot keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Queue one epoch; `row` has the columns of history.csv, and its epoch is the step."""
        self._put(_Epoch(int(row["epoch"]), _now(), curve_points(row)))

    def close(self, status: Status = "FINISHED") -> None:
        """Say that the trial ended, and wait a little for what is still to be sent."""
        self._status = status
        self._put(None)
        self._closed.set()
        begun = time.monotonic()
        self._thread.join(min(LONGEST_WAIT, _process.waiting_left))
        _process.waiting_left = max(0.0, _process.waiting_left - (time.monotonic() - begun))
        if self._thread.is_alive():
            _process.warn("it is slower than the training")

    def _put(self, item: _Epoch | None) -> None:
        if self._given_up:
            return
        try:
            self._epochs.put_nowait(item)
        except queue.Full:
            self._give_up("its queue is full")

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        _process.warn(reason)

    def _work(self) -> None:
        try:
            store = open_store(self._experiment)
            run_id = self._create_run(store)
            while epochs := self._next_epochs():
                _log_epochs(store, run_id, epochs)
                self._closed.wait(PAUSE)
            store.client.set_terminated(run_id, self._status)
        except Exception as error:
            self._give_up(without_credentials(str(error).strip().partition("\n")[0]))

    def _create_run(self, store: Store) -> str:
        """`mlflow run` exports MLFLOW_RUN_ID, which `start_run` would join; the client's `create_run` does not."""
        from mlflow.entities import Param

        name = trial_name(self._trial.candidate, self._seed)
        tags = {**trial_tags(self._trial, self._seed), **source_tags(stage_of(self._trial)), NAME: name}
        tags[CHECKOUT] = checkout_id()
        run = store.client.create_run(store.experiment_id, start_time=self._started, tags=tags, run_name=name)
        params = [Param(key, value) for key, value in sorted(trial_params(self._trial, self._seed).items())]
        for first in range(0, len(params), 100):
            store.client.log_batch(run.info.run_id, params=params[first : first + 100])
        return str(run.info.run_id)

    def _next_epochs(self) -> list[_Epoch]:
        """All that waits, up to a batch; empty once the trial is closed."""
        epochs: list[_Epoch] = []
        while len(epochs) < ROWS_A_BATCH:
            try:
                item = self._epochs.get(block=not epochs)
            except queue.Empty:
                break
            if item is None:
                if epochs:
                    self._epochs.put(None)
                break
            epochs.append(item)
        return epochs


def _log_epochs(store: Store, run_id: str, epochs: list[_Epoch]) -> None:
    from mlflow.entities import Metric

    metrics = [Metric(key, value, one.timestamp, one.step) for one in epochs for key, value in one.points.items()]
    store.client.log_batch(run_id, metrics=metrics)


def _now() -> int:
    return int(time.time() * 1000)
