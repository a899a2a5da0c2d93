"""What a run on several machines hangs on, all of it real and on this machine: a Ray cluster of three nodes with a
token, a DVC remote over SSH, and a tracking server on PostgreSQL. Each can be killed and started again.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.survival.miniature import environment
from pipeline.mlflow_environment import set_mlflow_environment
from pipeline.operations.scaling.on_nodes.node import MARK
from tests.operations.scaling.services import SshServer, listens, missing_for_ssh
from tests.tracking import postgres
from tests.tracking.servers import TrackingServer, free_port, start

NODES = 3
HERE = "127.0.0.1"
NAMED = "KIYAS_CLUSTER"  # in the environment of all processes of a cluster: its folder
AGENTS = ("dashboard-agent-grpc", "dashboard-agent-listen", "runtime-env-agent", "metrics-export")
TRIES = 4
PATIENCE = 400.0  # seconds for something to start on a busy machine
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    # Three nodes on two busy processors are slow, and not lost.
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_health_check_timeout_ms": "60000",
    "RAY_gcs_server_request_timeout_seconds": "120",
}


@dataclass
class RayCluster:
    """A head and two more nodes, each a `ray start --block` with the processes that it starts.

    Args:
        folder: of Ray's own files, with a short name as sockets need.
    """

    folder: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    client_port: int = field(default_factory=free_port)
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"ray://{HERE}:{self.client_port}"

    def start(self) -> None:
        """Whatever of it does not run."""
        if self.nodes and self.nodes[0].poll() is not None:
            self.stop()  # nodes go with their head, but some seconds later
        if not self.nodes:
            self._start_head()
        self.nodes = [node for node in self.nodes if node.poll() is None]
        while len(self.nodes) < NODES:
            self.nodes.append(self._start("--address", f"{HERE}:{self.port}"))

    def kill_head(self) -> None:
        """All that runs on the head: the cluster's memory, the server of clients, its raylet."""
        _kill(_tree(self.nodes[0].pid))
        self.nodes[0].wait()

    def kill_raylet(self, number: int) -> bool:
        """Of a node beside the head, which is lost by that; returns whether it ran."""
        for process in _tree(self.nodes[number].pid):
            with contextlib.suppress(psutil.Error):
                if process.name() == "raylet":
                    process.kill()
                    return True
        return False

    def stop(self) -> None:
        """End Ray's own processes; what they had started in clones has to end by itself."""
        stages = {process.pid for process in _with_variable(MARK, "")}
        own = [
            *(process for node in self.nodes for process in _tree(node.pid)),
            *_with_variable(NAMED, str(self.folder)),
        ]
        _kill([process for process in own if process.pid not in stages])
        for node in self.nodes:
            node.wait()
        self.nodes = []

    def _start_head(self) -> None:
        options = ["--head", "--port", str(self.port), "--ray-client-server-port", str(self.client_port)]
        self.nodes = [self._start(*options, "--include-dashboard", "false", "--temp-dir", str(self.folder))]
        _wait(lambda: listens(self.client_port), "Ray's server of clients")

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        """Ray gives a node 30 seconds to start, which may be too few."""
        for _ in range(TRIES):
            if node := self._start_once(*options):
                return node
        raise RuntimeError(f"a node of Ray ended {TRIES} times before it had started: {self.folder}/start-*.log")

    def _start_once(self, *options: str) -> subprocess.Popen[bytes] | None:
        # A raylet waits 15 seconds for its agents to say which ports they took, unless they are told.
        ports = [f"--{name}-port={free_port()}" for name in AGENTS]
        room = [*ports, "--num-cpus", "1", "--num-gpus", "0", "--object-store-memory", str(100 * 1024**2)]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--node-ip-address", HERE]
        given = {**self.environment, **SETTINGS, NAMED: str(self.folder)}
        path = self.folder / f"start-{time.time_ns()}.log"
        with path.open("wb") as log:
            node = subprocess.Popen(
                [*command, *room, *options], env=given, stdout=log, stderr=log, start_new_session=True
            )
        _wait(lambda: b"Ray runtime started" in path.read_bytes() or node.poll() is not None, f"a node of Ray: {path}")
        if node.poll() is None:
            return node
        _kill(_of_session(node.pid))
        return None


@dataclass
class Machines:
    """All of it; `variables` is what every process of a run gets in its environment."""

    home: Path
    variables: dict[str, str]
    ray: RayCluster
    ssh: SshServer
    server: TrackingServer

    @property
    def remote(self) -> Path:
        return self.home / "remote"

    @property
    def cache(self) -> Path:
        """The folder of nodes, by `scale.cache`; they share it, as with a shared home."""
        return self.home / "node"

    def ready(self) -> None:
        """Start what does not run."""
        if self.ssh.process is None:
            self.ssh.start()
        if self.server.process is None:
            self.server.start()
        self.ray.start()

    def forget(self) -> None:
        """Empty the remote, the nodes' folder and MLflow's experiment, as if nothing had run yet."""
        for folder in (self.remote, self.cache):
            shutil.rmtree(folder, ignore_errors=True)
        client = _client(self.server.uri)
        for experiment in client.search_experiments():
            if experiment.name == "survival":
                client.rename_experiment(experiment.experiment_id, f"survival-{time.time_ns()}")

    def runs(self) -> tuple[list[tuple[Any, ...]], int]:
        """MLflow's runs that are not superseded: kind, candidate, seed, status, names of metrics; how many RUNNING."""
        client = _client(self.server.uri)
        experiment = client.get_experiment_by_name("survival")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        shown = [
            (
                *(run.data.tags.get(f"kiyas.{key}") for key in ("kind", "candidate", "seed")),
                run.info.status,
                tuple(sorted(run.data.metrics)),
            )
            for run in runs
            if run.data.tags.get("kiyas.superseded") != "true"
        ]
        return sorted(shown, key=str), sum(run.info.status == "RUNNING" for run in runs)


def missing() -> str | None:
    """What keeps the campaign from running here; None where nothing does."""
    return missing_for_ssh() or (None if postgres.programs() else "PostgreSQL is not installed")


@contextlib.contextmanager
def machines(home: Path) -> Iterator[Machines]:
    """
    Args:
        home: an empty folder with a short name.
    """
    for name in ("ssh", "ray", "mlflow", "tmp"):
        (home / name).mkdir()
    ssh = SshServer(home / "ssh")
    ssh.prepare()
    with postgres.cluster() as database:
        server = TrackingServer(database, home / "mlflow")
        variables = {
            **environment(home),
            "HOME": str(ssh.home),
            "TMPDIR": str(home / "tmp"),
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "MLFLOW_TRACKING_URI": server.uri,
        }
        for secret in [name for name in variables if name.startswith("GIT_CONFIG_")]:
            del variables[secret]
        places = Machines(home, variables, RayCluster(home / "ray", variables), ssh, server)
        try:
            places.ready()
            yield places
        finally:
            places.ray.stop()
            ssh.kill()
            server.kill()


def _client(uri: str) -> Any:
    set_mlflow_environment()
    from mlflow import MlflowClient

    return MlflowClient(uri)


def in_clones(cache: Path) -> list[psutil.Process]:
    """What runs in the clones of nodes."""
    return _with_variable(MARK, f"{cache}/")


def start_driver(folder: Path, places: Machines) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pipeline", "fanout", "--address", places.ray.address]
    return start(command, folder, places.home / "driver.log", places.variables)


def _with_variable(name: str, value: str) -> list[psutil.Process]:
    """Processes that have a variable with such a beginning in their environment."""
    wanted, found = f"{name}={value}".encode(), []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            entries = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
            if any(entry.startswith(wanted) for entry in entries) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _of_session(leader: int) -> list[psutil.Process]:
    """What a process that led a session has left behind in it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == leader:
                found.append(process)
    return found


def _tree(process: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        top = psutil.Process(process)
        return [*top.children(recursive=True), top]
    return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def _wait(condition: Any, what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.3)
