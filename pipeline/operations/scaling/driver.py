"""The run itself: starts what the schedule says, takes in what comes back, and goes on until nothing is left to do."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeGuard

from pipeline.dvc_command import UNWATCHED
from pipeline.ground.files import replacing
from pipeline.operations.scaling.launcher import Ended, Event, Launcher, LauncherError, Lost, Refused
from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.schedule import Rests, Schedule
from pipeline.operations.scaling.tasks import GB, Task
from pipeline.operations.scaling.watching import Watcher
from pipeline.params.upkeep.scale import Scale
from pipeline.tracking.address import checkout_id, split_credentials
from pipeline.tracking.live.trial import UNTRACKED

OrderMaker = Callable[[Task, Mapping[str, Any]], Order]

LOOKED_EVERY = 1.0  # seconds
PATIENCE = 600.0  # seconds for which no node may have room while nothing runs
LOGS = Path(".kiyas/fanout/logs")
# What decides the bits of a result is as it would be here, whatever a launcher sets on its nodes.
DECIDING = (
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "MKL_NUM_THREADS",
    "TF_ENABLE_ONEDNN_OPTS",
)


@dataclass
class Finished:
    """
    Attributes:
        lock: {stage: entry of dvc.lock} of those that are done, in the order in which they ended.
        failed: what is said of each stage that failed, or whose nodes were lost too often; at last, of the nodes
            themselves where they went away.
        skipped: names of those that wait for a failed one, or for nodes that went away.
    """

    lock: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class Driver:
    """
    Args:
        tasks: whatever they read of other stages is a task, or in `lock`.
        lock: entries of dvc.lock of stages that are no tasks.
        make_order: see `order_maker`.
        retries: how often a task is started again after its node was lost.
        watcher: is told what happens.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        launcher: Launcher,
        make_order: OrderMaker,
        lock: Mapping[str, Any],
        retries: int,
        watcher: Watcher,
    ) -> None:
        self.launcher, self.make_order, self.retries, self.watcher = launcher, make_order, retries, watcher
        self.schedule = Schedule([replace(task, resources=launcher.asked(task)) for task in tasks])
        self.tasks = {task.name: task for task in tasks}
        self.lock = dict(lock)
        self.losses: Counter[str] = Counter()
        self.rests = Rests()
        self.idle_since = time.monotonic()
        self.refusal = ""  # the last one, for the message
        self.finished = Finished()

    def run(self) -> Finished:
        """Until every task is done, has failed or waits for a failed one.

        Raises:
            LauncherError: nothing was started, since there is no node, or a task asks for more than any of them has.
        """
        self._refuse_unfit()
        left: list[str] = []
        try:
            while not self.schedule.is_over:
                self._go_on()
        except LauncherError as error:  # what is done by now may have taken hours, and is kept
            self.finished.failed.append(str(error))
            left = [*self.schedule.running, *self.schedule.waiting]
        self.finished.skipped = self.schedule.skipped + left
        return self.finished

    def _go_on(self) -> None:
        """
        Raises:
            LauncherError: the nodes are gone.
        """
        self._start_what_has_room()
        events = self.launcher.wait(LOOKED_EVERY)
        for node in {self.schedule.running[one.stage].node for one in events if self._is_refused(one)}:
            self.rests.lose(node, time.monotonic())  # once, however many were refused together
        for event in events:
            self._take(event)
        self.watcher.look(self.schedule, self.launcher.nodes())
        if self.schedule.running:
            self.idle_since = time.monotonic()
        elif time.monotonic() - self.idle_since > PATIENCE:
            raise LauncherError(
                f"{self.refusal or 'no node has had room'}, for {PATIENCE:g} seconds; start again once there is room"
            )

    def _start_what_has_room(self) -> None:
        nodes = self.rests.awake(self.launcher.nodes(), time.monotonic())
        for scheduled, node in self.schedule.next_assignments(nodes):
            task = self.tasks[scheduled.name]
            self.launcher.start(task, self._order(task), node)
            self.watcher.started(task.name, self.launcher.host(node))

    def _refuse_unfit(self) -> None:
        nodes = self.launcher.nodes()
        if self.tasks and not nodes:
            raise LauncherError("no node takes part yet; start one, then run this again (`ray status` lists them)")
        if unfit := self.schedule.unfit(nodes.values()):
            needs = unfit[0].resources
            raise LauncherError(
                f"{unfit[0].name}: asks for {needs.cpus:g} processors, {needs.gpus:g} graphics cards and "
                f"{needs.memory / GB:.1f} GB of memory, and no node has as much; lower scale.families in params.yaml, "
                "or add a larger node"
            )

    def _order(self, task: Task) -> Order:
        return self.make_order(task, {name: self.lock[name] for name in task.waits_for})

    def _take(self, event: Event) -> None:
        if (event.outcome.stage if isinstance(event, Ended) else event.stage) not in self.schedule.running:
            return  # it is of an earlier driver that this launcher served, and that the cluster failed
        if isinstance(event, Refused):
            self._wait_for_room(event)
            return
        if isinstance(event, Lost):
            self._lose(event.stage, event.reason)
            return
        outcome = event.outcome
        log = write_log(outcome)
        if outcome.state != "broken":
            self.rests.finish(self.schedule.running[outcome.stage].node)
        if outcome.state == "done":
            self.lock[outcome.stage] = self.finished.lock[outcome.stage] = outcome.lock
            self.schedule.finish(outcome.stage)
            self.watcher.done(outcome)
        elif outcome.state == "broken":
            self._lose(outcome.stage, f"{outcome.host}: {outcome.reason} (log: {log})")
        else:
            self._fail(outcome.stage, f"failed on {outcome.host}: {outcome.reason} (log: {log})")

    def _is_refused(self, event: Event) -> TypeGuard[Refused]:
        return isinstance(event, Refused) and event.stage in self.schedule.running

    def _wait_for_room(self, refused: Refused) -> None:
        """Until others have ended: their places rest meanwhile, longer after each refusal in a row."""
        self.refusal = f"{refused.stage}: {refused.reason}"
        self.schedule.lose(refused.stage)
        self.watcher.refused(refused.stage, refused.reason)

    def _lose(self, name: str, reason: str) -> None:
        self.losses[name] += 1
        self.rests.lose(self.schedule.running[name].node, time.monotonic())
        if self.losses[name] > self.retries:
            self._fail(name, f"was lost {self.losses[name]} times, at last: {reason}")
            return
        self.schedule.lose(name)
        self.watcher.lost(name, reason)

    def _fail(self, name: str, reason: str) -> None:
        skipped = self.schedule.fail(name)
        self.finished.failed.append(f"{name}: {reason}")
        self.watcher.failed(name, reason, skipped)


def write_log(outcome: Outcome) -> Path:
    """What a stage printed on its node, in a file of its name here; the last attempt's."""
    path = LOGS / f"{outcome.stage.replace('/', '_')}.log"
    with replacing(path) as temporary:
        temporary.write_text(outcome.log, encoding="utf-8")
    return path


def order_maker(checkout: Path, commit: str, scale: Scale, server: str | None) -> OrderMaker:
    """What makes the order of a task and of the entries of dvc.lock that it needs, those of trials among them.

    Args:
        server: MLflow's tracking server, which nodes log to; None: they log nothing, and `track` does it afterwards.
            Orders become files, so that a user and a password in this address do not travel with them.
    """
    project = hashlib.sha256(f"{platform.node()}:{checkout.resolve()}".encode()).hexdigest()[:12]
    name = checkout_id()
    environment = {variable: os.environ.get(variable) for variable in DECIDING}
    environment |= {UNWATCHED: "1", "DVC_NO_ANALYTICS": "1"}
    environment |= {"MLFLOW_TRACKING_URI": server and split_credentials(server)[0], UNTRACKED: None if server else "1"}

    def make(task: Task, lock: Mapping[str, Any]) -> Order:
        return Order(
            task.name,
            commit,
            project,
            name,
            task.inputs.paths,
            {stage: lock[stage] for stage in task.inputs.stages},
            scale.cache,
            scale.cache_gb,
            environment,
            task.trial,
            [(trial, lock[of]) for of, trial in task.trials.items()],
            task.shard,
        )

    return make
