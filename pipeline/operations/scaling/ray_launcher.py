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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.operations.scaling.launcher import ALLOW_GROWTH, Ended, Event, LauncherError, Lost, card_settings
from pipeline.operations.scaling.on_nodes import node as node_module
from pipeline.operations.scaling.orders import Order, Outcome
from pipeline.operations.scaling.tasks import Resources, Task

STORE_BYTES = 100 * 1024**2  # of Ray's shared memory on this machine: orders and answers are small
HERE = "127.0.0.1"
CLIENT = "ray://"
ANSWERED_WITHIN = 20.0  # seconds
TOKEN_FILE = Path("~/.ray/auth_token")
SETTINGS = {  # before Ray is imported, which reads them then
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",  # off by default in clusters; whoever reaches one without it can run anything there
    "RAY_TQDM_PATCH_PRINT": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a call after the cluster's end starts one on this machine, open to networks
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a stage that asks for no card sees none
}
LOOPBACK = {  # of a cluster on this machine
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on Linux too: else Ray listens to every network of the machine
    # A raylet waits so long for its agent, which takes more than Ray's own 30 seconds to start on a busy machine.
    "RAY_agent_register_timeout_ms": "180000",
}


class RayLauncher:
    """
    Args:
        archive: of the commit, see `commit.pack_commit`.
        address: of a cluster, such as ray://head:10001; None: one on this machine, which listens to this machine alone.
        at_once: on this machine: how many stages run at the same time, whatever they ask for.
        run_stage: what a node does; benchmarks/scaling.py puts a sleep in its place.

    Raises:
        LauncherError: Ray is not installed, no cluster answers, or it answers without a token, too.
    """

    def __init__(
        self,
        archive: bytes,
        address: str | None = None,
        at_once: int = 1,
        run_stage: Callable[[dict[str, Any], bytes], dict[str, Any]] = node_module.run_stage,
    ) -> None:
        if address:
            _refuse_without_token(address)
        os.environ.update(SETTINGS if address else SETTINGS | LOOPBACK)
        self.ray = _import_ray()
        if address:
            _refuse_open_cluster(address)
        self.at_once = None if address else at_once
        self._connect(address, at_once)
        # Nodes have nothing of this project but its commit, so that the function itself travels.
        self.ray.cloudpickle.register_pickle_by_value(sys.modules[run_stage.__module__])
        self._run = self.ray.remote(max_retries=0)(run_stage)  # the driver decides where it starts again
        self._archive = self.ray.put(archive)
        self._hosts: dict[str, str] = {}
        self._started: dict[Any, str] = {}  # what Ray gives for a started task → its stage

    def nodes(self) -> Mapping[str, Resources]:
        with _connected():
            entries = self.ray.nodes()
        known = {}
        for entry in entries:
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
        order = replace(order, environment={**order.environment, **self._cards(task)})
        affinity = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        with _connected():
            reference = self._run.options(
                name=task.name,
                num_cpus=needs.cpus,
                num_gpus=needs.gpus,
                memory=needs.memory or None,
                scheduling_strategy=affinity,
            ).remote(asdict(order), self._archive)
        self._started[reference] = task.name

    def _cards(self, task: Task) -> dict[str, str | None]:
        """Variables: on this machine a stage sees the cards that it would see without Ray, and shares them."""
        if not self.at_once:
            return {**card_settings(task.resources.gpus)}
        return {"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES")} | (
            ALLOW_GROWTH if self.at_once > 1 else {}
        )

    def wait(self, seconds: float) -> list[Event]:
        if not self._started:
            time.sleep(seconds)
            return []
        with _connected():
            ready, _ = self.ray.wait(list(self._started), num_returns=1, timeout=seconds)
            if ready:  # and what has come at the same time
                ready, _ = self.ray.wait(list(self._started), num_returns=len(self._started), timeout=0)
            return [self._answer(reference) for reference in ready]

    def stop(self) -> None:
        with suppress(LauncherError), _connected():
            for reference in self._started:
                self.ray.cancel(reference, force=True)
        with suppress(LauncherError), _connected():
            self.ray.shutdown()

    def _answer(self, reference: Any) -> Ended | Lost:
        stage = self._started.pop(reference)
        try:
            return Ended(Outcome(**self.ray.get(reference)))
        except self.ray.exceptions.RayError as error:
            return Lost(stage, _first_line(error))

    def _connect(self, address: str | None, at_once: int) -> None:
        if address:
            try:
                self.ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            except Exception as error:  # see `_connected`
                raise LauncherError(
                    f"--address {address}: no Ray cluster answers there ({_first_line(error)}); `ray status` on its "
                    "head says how it is, and both sides need the same version of Ray and Python, and the same token"
                ) from None
            return
        # For this process, which Ray reads it once in.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        try:
            self.ray.init(
                address="local",  # a cluster that RAY_ADDRESS names is left alone
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
            raise LauncherError(
                f"--local: Ray did not start ({_first_line(error)}); try again when the machine is less busy"
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


@contextmanager
def _connected() -> Iterator[None]:
    """What a call to the cluster raises has no ancestor in common: it may come from Ray, its client or gRPC.

    Raises:
        LauncherError: in place of any of them.
    """
    try:
        yield
    except Exception as error:
        raise LauncherError(f"the Ray cluster is gone ({_first_line(error)}); run this again when it is back") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _refuse_open_cluster(address: str) -> None:
    """Ask as a stranger would, since a cluster that asks for no token takes a driver that has one, too.

    Raises:
        LauncherError: there is an answer, so that whoever reaches the cluster can run programs there.
    """
    grpc = importlib.import_module("grpc")
    messages = importlib.import_module("ray.core.generated.ray_client_pb2")
    services = importlib.import_module("ray.core.generated.ray_client_pb2_grpc")
    with grpc.insecure_channel(address.removeprefix(CLIENT)) as channel:
        ping = messages.ClusterInfoRequest(type=messages.ClusterInfoType.PING)
        try:
            services.RayletDriverStub(channel).ClusterInfo(ping, timeout=ANSWERED_WITHIN)
        except grpc.RpcError:  # refused, or nobody is there: Ray says that better
            return
    raise LauncherError(
        f"--address {address}: the cluster answers without a token, so that whoever reaches it can run programs there; "
        "set RAY_AUTH_MODE=token in the environment of `ray start` on each of its machines, and start it again"
    )


def _refuse_without_token(address: str) -> None:
    """
    Raises:
        LauncherError: this is no address of a client, or nothing says the cluster's token.
    """
    if not address.startswith(CLIENT):
        raise LauncherError(f"--address {address}: is to be {CLIENT}HOST:PORT, with the port of Ray's client server")
    named = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    if not named and not TOKEN_FILE.expanduser().is_file():
        raise LauncherError(
            f"{TOKEN_FILE}: is missing, and a cluster is used only with a token; `ray get-auth-token --generate` "
            "writes one, which every node needs too, with RAY_AUTH_MODE=token in its environment before `ray start`"
        )
