"""Stages on a Ray cluster: one that runs already, or one on this machine that lives as long as the run.

Ray is an optional package (`pip install -e '.[scale]'`), and imported only here. It places a task where the schedule
said, holds its processors, cards and memory, and tells whether the node still lives. No data pass through it.
"""

from __future__ import annotations

import importlib
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.operations.scaling import node as node_module
from pipeline.operations.scaling.launcher import Ended, LauncherError, Lost
from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.tasks import Resources, Task

STORE_BYTES = 100 * 1024**2  # of Ray's shared memory on this machine: orders and answers are small
HERE = "127.0.0.1"
TOKEN_FILE = Path("~/.ray/auth_token")
SETTINGS = {  # before Ray is imported, which reads them then
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",  # off by default in clusters; whoever reaches one without it can run anything there
    "RAY_TQDM_PATCH_PRINT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a stage that asks for no card sees none
}
LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # on Linux too: else Ray listens to every network of the machine


class RayLauncher:
    """
    Args:
        archive: of the commit, see `commit.pack_commit`.
        address: of a cluster, such as ray://head:10001; None: one on this machine, which listens to this machine alone.
        at_once: on this machine: how many stages run at the same time, whatever they ask for.
        run_stage: what a node does; benchmarks/scaling.py puts a sleep in its place.

    Raises:
        LauncherError: Ray is not installed, no cluster answers, or it has no token.
    """

    def __init__(
        self,
        archive: bytes,
        address: str | None = None,
        at_once: int = 1,
        run_stage: Callable[[dict[str, Any], bytes], dict[str, Any]] = node_module.run_stage,
    ) -> None:
        if address:
            _refuse_without_token()
        os.environ.update(SETTINGS if address else SETTINGS | LOOPBACK)
        self.ray = _import_ray()
        self.at_once = None if address else at_once
        self._connect(address, at_once)
        # Nodes have nothing of this project but its commit, so that the function itself travels.
        self.ray.cloudpickle.register_pickle_by_value(sys.modules[run_stage.__module__])
        self._run = self.ray.remote(max_retries=0)(run_stage)  # the driver decides where it starts again
        self._archive = self.ray.put(archive)
        self._hosts: dict[str, str] = {}
        self._started: dict[Any, str] = {}  # what Ray gives for a started task → its stage

    def nodes(self) -> Mapping[str, Resources]:
        known = {}
        for entry in self.ray.nodes():
            has = entry["Resources"]
            if entry["Alive"] and has.get("CPU"):
                known[entry["NodeID"]] = Resources(has["CPU"], has.get("GPU", 0.0), has.get("memory", 0.0))
                self._hosts[entry["NodeID"]] = entry["NodeManagerHostname"]
        return known

    def asked(self, task: Task) -> Resources:
        """On this machine a stage takes one of so many places; on a cluster what `scale` says."""
        return Resources(1.0) if self.at_once else task.resources

    def host(self, node: str) -> str:
        return self._hosts.get(node, node)

    def start(self, task: Task, order: Order, node: str) -> None:
        needs = self.asked(task)
        if self.at_once:  # it sees the cards that it would see without Ray
            cards = {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES")}
            order = replace(order, environment={**order.environment, **cards})
        reference = self._run.options(
            name=task.name,
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            memory=needs.memory or None,
            scheduling_strategy=self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(asdict(order), self._archive)
        self._started[reference] = task.name

    def wait(self, seconds: float) -> list[Ended | Lost]:
        if not self._started:
            time.sleep(seconds)
            return []
        ready, _ = self.ray.wait(list(self._started), num_returns=1, timeout=seconds)
        if ready:  # and what has come at the same time
            ready, _ = self.ray.wait(list(self._started), num_returns=len(self._started), timeout=0)
        return [self._answer(reference) for reference in ready]

    def stop(self) -> None:
        for reference in self._started:
            self.ray.cancel(reference, force=True)
        self.ray.shutdown()

    def _answer(self, reference: Any) -> Ended | Lost:
        stage = self._started.pop(reference)
        try:
            return Ended(Outcome(**self.ray.get(reference)))
        except self.ray.exceptions.RayError as error:
            return Lost(stage, (str(error).strip().splitlines() or [type(error).__name__])[0])

    def _connect(self, address: str | None, at_once: int) -> None:
        if address:
            try:
                self.ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            except (ConnectionError, RuntimeError, ValueError) as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise LauncherError(
                    f"--address {address}: no Ray cluster answers there ({reason}); `ray status` on its head says how "
                    "it is, and both sides need the same version of Ray and Python, and the same token"
                ) from None
            return
        # For this process, which Ray reads it once in.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        try:
            self.ray.init(
                num_cpus=at_once,
                num_gpus=0,
                object_store_memory=STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                _node_ip_address=HERE,
            )
        except Exception as error:  # Ray raises nothing narrower where its processes take longer to start than it waits
            self.ray.shutdown()
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise LauncherError(
                f"--local: Ray did not start ({reason}); try again when the machine is less busy"
            ) from None
        if {entry["NodeManagerAddress"] for entry in self.ray.nodes()} != {HERE}:
            self.ray.shutdown()
            raise LauncherError("Ray would listen to other machines too; was it imported before by something else?")


def _import_ray() -> ModuleType:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.util.scheduling_strategies")
    except ImportError:
        raise LauncherError(
            "Ray is not installed, and it starts the stages; `.venv/bin/python -m pip install -e '.[scale]'`"
        ) from None
    return ray


def _refuse_without_token() -> None:
    """
    Raises:
        LauncherError: nothing says the cluster's token; one without is open to whoever reaches it.
    """
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    if not named and not TOKEN_FILE.expanduser().is_file():
        raise LauncherError(
            f"{TOKEN_FILE}: is missing, and a cluster is used only with a token; `ray get-auth-token --generate` "
            "writes one, which every node needs too, with RAY_AUTH_MODE=token in its environment before `ray start`"
        )
