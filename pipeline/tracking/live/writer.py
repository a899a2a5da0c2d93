"""One live run, written by a thread of its own so that training never waits for a disk or a server.

If the server fails, unsent epochs are kept and sent again while the trial lasts. What is still missing when it ends,
`python -m pipeline track` writes from the files.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.params.upkeep.tracking import Tracking
from pipeline.tracking.address import checkout_id, is_server, reason_of, tracking_uri
from pipeline.tracking.live.liveness import living
from pipeline.tracking.live.outbox import Outbox
from pipeline.tracking.run_fields import (
    CHECKOUT,
    LIVE,
    NAME,
    curve_points,
    phase_tags,
    source_tags,
    stage_of,
    trained_parts,
    trial_name,
    trial_params,
    trial_tags,
)
from pipeline.tracking.store import Store, open_store
from pipeline.trials import Recipe

log = logging.getLogger("kiyas")

Status = Literal["FINISHED", "FAILED", "KILLED"]

ROOM = 10_000  # epochs
ROWS_A_BATCH = 100  # of up to seven metrics each; MLflow takes a thousand metrics at once
PAUSE = 0.5  # seconds between batches: epochs on kept activations take less than a write
PATIENCE = 10.0  # seconds until a store that failed is tried again
LONGEST_WAIT = 5.0  # seconds that one trial waits at its end for what is still to be sent


@dataclass
class Process:
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

    def tell_late(self) -> None:
        """A short training ends before a store on this machine is written: no fault, as it may be with a server."""
        if is_server(tracking_uri()):
            self.warn("it is slower than the training")
        elif not self.warned:
            self.warned = True
            log.info(
                "MLflow will have these trainings later, since they are over before their runs are written. Nothing is "
                "lost: `python -m pipeline track`, with which `make repro` ends, completes the runs."
            )


process = Process()


@dataclass(frozen=True)
class Epoch:
    step: int
    phase: int
    timestamp: int  # milliseconds
    points: dict[str, float]


class LiveTrial:
    """A run that grows while its trial is trained."""

    def __init__(self, trial: Recipe, seed: int, tracking: Tracking) -> None:
        self._trial, self._seed, self._tracking = trial, seed, tracking
        self._started = _now()
        self._status: Status = "FINISHED"
        self._name = uuid.uuid4().hex
        self._epochs: Outbox[Epoch] = Outbox(ROOM)
        self._seen: list[tuple[int, int]] = []  # (phase, epoch) of what was sent
        self._store: Store | None = None
        self._run_id: str | None = None
        # A daemon, so that a server which never answers cannot keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Take one epoch; `row` has the columns of history.csv, and its epoch is the step."""
        if not self._epochs.put(Epoch(int(row["epoch"]), int(row["phase"]), _now(), curve_points(row))):
            process.warn("more epochs wait than are kept")

    def close(self, status: Status = "FINISHED") -> None:
        """Say that the trial ended, and wait a little for what is still to be sent."""
        self._status = status
        self._epochs.close()
        begun = time.monotonic()
        self._thread.join(min(LONGEST_WAIT, process.waiting_left))
        process.waiting_left = max(0.0, process.waiting_left - (time.monotonic() - begun))
        if self._thread.is_alive():
            process.tell_late()

    def _work(self) -> None:
        """Write until all is written; after a failure again, and once more when the trial has ended."""
        try:
            with living(self._name):
                last = False
                while not (self._written() or last):
                    last = self._epochs.closes_within(PATIENCE)
        except Exception as error:
            process.warn(reason_of(error))

    def _written(self) -> bool:
        try:
            self._write()
            return True
        except Exception as error:
            process.warn(reason_of(error))
            return False

    def _write(self) -> None:
        store = self._store = self._store or open_store(self._tracking.experiment)
        run_id = self._run_id = self._run_id or self._create_run(store)
        with _watched(store, run_id) if self._tracking.system_metrics else _unwatched():
            while epochs := self._epochs.first(ROWS_A_BATCH):
                self._send(store, run_id, epochs)
                self._epochs.sent(epochs)
                self._epochs.closes_within(PAUSE)
        store.client.set_terminated(run_id, self._status)

    def _create_run(self, store: Store) -> str:
        """`mlflow run` exports MLFLOW_RUN_ID, which `start_run` would join; the client's `create_run` does not."""
        from mlflow.entities import Param

        name = trial_name(self._trial.candidate, self._seed)
        tags = {**trial_tags(self._trial, self._seed), **source_tags(stage_of(self._trial)), NAME: name}
        tags |= {CHECKOUT: checkout_id(), LIVE: self._name}
        run = store.client.create_run(store.experiment_id, start_time=self._started, tags=tags, run_name=name)
        params = [Param(key, value) for key, value in sorted(trial_params(self._trial, self._seed).items())]
        for first in range(0, len(params), 100):
            store.client.log_batch(run.info.run_id, params=params[first : first + 100])
        return str(run.info.run_id)

    def _send(self, store: Store, run_id: str, epochs: list[Epoch]) -> None:
        """A batch that arrived although its answer did not may come again: MLflow keeps equal points once."""
        from mlflow.entities import Metric, RunTag

        seen = [*self._seen, *((epoch.phase, epoch.step) for epoch in epochs)]
        tags = phase_tags(seen, trained_parts(self._trial.parameters))
        points = [(epoch, key, value) for epoch in epochs for key, value in epoch.points.items()]
        metrics = [Metric(key, value, epoch.timestamp, epoch.step) for epoch, key, value in points]
        store.client.log_batch(run_id, metrics=metrics, tags=[RunTag(key, value) for key, value in tags.items()])
        self._seen = seen


@contextmanager
def _watched(store: Store, run_id: str) -> Iterator[None]:
    """MLflow's own collector: processor, memory, disk, network, GPU, as metrics called system/…"""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    for noisy in ("mlflow.system_metrics", "mlflow.utils.autologging_utils"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what fails here has been warned about, or will be
    monitor = SystemMetricsMonitor(run_id, resume_logging=True, tracking_uri=store.client.tracking_uri)
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()


@contextmanager
def _unwatched() -> Iterator[None]:
    yield


def _now() -> int:
    return int(time.time() * 1000)
