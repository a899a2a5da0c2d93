"""Ray as the launcher, on this machine: kills in the middle, and the real graph of a small table, both ways."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from rich.console import Console
from ruamel.yaml import YAML

from pipeline.operations import fanout
from pipeline.operations.scaling import ray_launcher
from pipeline.operations.scaling.commit import clean_commit, pack_commit
from pipeline.operations.scaling.driver import Driver, Finished
from pipeline.operations.scaling.launcher import LauncherError
from pipeline.operations.scaling.on_nodes.node import MARK
from pipeline.operations.scaling.on_nodes.worker import read_lock
from pipeline.operations.scaling.ray_launcher import RayLauncher
from pipeline.operations.scaling.tasks import Resources, Task
from pipeline.operations.scaling.watching import Watcher
from pipeline.operations.workspace import sync_workspace
from pipeline.ownership import md5
from pipeline.params.schema.reading import read_yaml
from tests.operations.scaling.conftest import Place
from tests.operations.scaling.graph import ROOT, git, lock_of, orders, tasks_of
from tests.starts import dvc, repro

pytestmark = pytest.mark.skipif(  # not imported here: it reads its settings then
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[scale]'"
)

STAGES = ("train@quick", "train@slow", "evaluate@slow")
DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.operations.scaling.test_ray import drive
drive(Path.cwd(), Path({cache!r}))
"""


def drive(checkout: Path, cache: Path) -> Finished:
    """All of STAGES, two at a time."""
    launcher = RayLauncher(pack_commit(checkout, clean_commit(checkout)), at_once=2)
    try:
        tasks = tasks_of(*STAGES)
        return Driver(tasks, launcher, orders(checkout, cache), read_lock(), 2, Watcher(tasks, Console())).run()
    finally:
        launcher.stop()


def running_in(cache: Path) -> list[psutil.Process]:
    """What runs in the clones of a node."""
    processes = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK, "").startswith(str(cache)) and process.status() != "zombie":
                processes.append(process)
    return processes


def wait_until(condition: Callable[[], Any], seconds: float = 300) -> Any:
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)
    return value


def expected_lock(place: Place) -> dict[str, Any]:
    """What `dvc repro` alone makes of it."""
    (place.outside / "go").touch()
    dvc(place.checkout, "repro", "-q", *STAGES)
    return {name: lock_of(place.checkout)[name] for name in STAGES}


def kill_worker(cache: Path, stage: str) -> bool:
    """Kill the process in a clone that runs DVC for a stage; returns whether it runs."""
    with contextlib.suppress(psutil.Error):
        for process in running_in(cache):
            if f"train.py {stage}" in " ".join(process.cmdline()):
                for above in process.parents():
                    if "scaling.on_nodes.worker" in " ".join(above.cmdline()) and above.name() != "sh":
                        above.kill()
                        return True
    return False


def test_killed_workers_and_a_killed_driver_change_nothing_of_the_end(place: Place) -> None:
    script = DRIVER.format(root=str(ROOT), cache=str(place.cache))
    driver = subprocess.Popen([sys.executable, "-c", script], cwd=place.checkout)
    try:
        wait_until(lambda: place.starts("slow") == 1)
        wait_until(lambda: kill_worker(place.cache, "slow"))
        wait_until(lambda: place.starts("slow") == 2)  # it was lost, and started again
        wait_until(lambda: list((place.outside / "remote/runs").glob("*/*/*")))  # `quick` is pushed
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
    wait_until(lambda: not running_in(place.cache))  # nothing goes on that nobody waits for
    starts = place.starts("quick")
    (place.outside / "go").touch()
    finished = drive(place.checkout, place.cache)
    assert finished.failed == []
    assert place.starts("quick") == starts  # restored from the remote's run cache
    assert finished.lock == expected_lock(place)


def test_a_local_cluster_listens_to_this_machine_alone_with_a_token_and_tells_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:1")  # another cluster is left alone
    me = psutil.Process()
    others = set(me.children(recursive=True))  # of tests before this one
    launcher = RayLauncher(b"", at_once=1)
    try:
        sockets = [
            socket.laddr.ip
            for process in set(me.children(recursive=True)) - others
            for socket in process.net_connections("tcp")
            if socket.status == psutil.CONN_LISTEN
        ]
        assert sockets and set(sockets) <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
        assert os.environ["RAY_AUTH_MODE"] == "token" and len(os.environ["RAY_AUTH_TOKEN"]) == 64
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    finally:
        launcher.stop()
    wait_until(lambda: not set(me.children(recursive=True)) - others)
    started: list[Any] = []
    monkeypatch.setattr(launcher.ray, "init", lambda *arguments, **options: started.append(arguments))
    launcher._started["a task"] = "train"
    for ask in (launcher.nodes, lambda: launcher.wait(1.0)):
        with pytest.raises(LauncherError, match=r"^the Ray cluster is gone"):
            ask()
    launcher.stop()
    assert not started, "none is started in place of one that is gone"


def test_a_cluster_without_a_token_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LauncherError, match=r"~/\.ray/auth_token: is missing.*`ray get-auth-token --generate`"):
        RayLauncher(b"", address="ray://127.0.0.1:10001")


@contextlib.contextmanager
def client_server(refuses: bool) -> Iterator[str]:
    """What answers a ping as the server of a cluster with or without a token does; its address."""
    os.environ.update(ray_launcher.SETTINGS | ray_launcher.LOOPBACK)  # which Ray reads when it is imported
    grpc = importlib.import_module("grpc")
    messages = importlib.import_module("ray.core.generated.ray_client_pb2")
    services = importlib.import_module("ray.core.generated.ray_client_pb2_grpc")

    class Servicer(services.RayletDriverServicer):  # type: ignore[misc, name-defined]
        def ClusterInfo(self, request: Any, context: Any) -> Any:
            if refuses:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid or missing authentication token")
            return messages.ClusterInfoResponse(json="{}")

    server = grpc.server(ThreadPoolExecutor(1))
    services.add_RayletDriverServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"ray://127.0.0.1:{port}"
    finally:
        server.stop(None)


def test_a_cluster_that_answers_without_a_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    with client_server(refuses=True) as address:
        ray_launcher._refuse_open_cluster(address)
    with (
        client_server(refuses=False) as address,
        pytest.raises(LauncherError, match=rf"^--address {address}: the cluster answers without a token.*`ray start`"),
    ):
        RayLauncher(b"", address=address)


def test_an_address_that_is_none_of_a_client_is_refused() -> None:
    with pytest.raises(LauncherError, match=r"--address head:6379: is to be ray://HOST:PORT"):
        RayLauncher(b"", address="head:6379")


def test_whatever_ray_raises_once_its_cluster_is_gone_is_one_error_and_stopping_raises_none() -> None:
    def raise_error(*arguments: Any, **options: Any) -> None:
        raise ConnectionError("the head does not answer\nand more of it")

    launcher = RayLauncher.__new__(RayLauncher)
    launcher.ray = SimpleNamespace(nodes=raise_error, wait=raise_error, cancel=raise_error, shutdown=raise_error)
    launcher._started = {"a task": "train"}
    for ask in (launcher.nodes, lambda: launcher.wait(1.0)):
        with pytest.raises(
            LauncherError, match=r"^the Ray cluster is gone \(the head does not answer\); run this again"
        ):
            ask()
    launcher.stop()


@pytest.mark.parametrize(
    ("at_once", "gpus", "cards"),
    [
        (None, 0.0, {"CUDA_VISIBLE_DEVICES": "-1"}),
        (None, 0.5, {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
        (None, 1.0, {}),
        (1, 0.5, {"CUDA_VISIBLE_DEVICES": "0,1"}),
        (2, 0.0, {"CUDA_VISIBLE_DEVICES": "0,1", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
    ],
)
def test_a_stage_sees_the_cards_it_asked_for_and_shares_those_of_this_machine(
    at_once: int | None, gpus: float, cards: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    launcher = RayLauncher.__new__(RayLauncher)
    launcher.at_once = at_once
    assert launcher._cards(Task("train", 1.0, Resources(1.0, gpus))) == cards


# The graph of the project itself, of a table, the floor and a network whose seeds are trained apart.
TARGETS = ["evaluate-classical@majority", "evaluate-mlp@tiny"]
PARAMS = {
    "data": {"fetch": [], "target": "species"},
    "seeds": [0, 1],
    "baseline": {"models": ["majority"], "probes": [], "folds": 2},
    "cnn": [],
    "finetune": {"backbones": [], "strategies": []},
    "mlp": ["tiny"],
    "mlp_architectures": {
        "tiny": {"hidden": [4], "activation": "relu", "dropout": 0.0, "epochs": 3, "learning_rate": 1e-2}
    },
    "scale": {"trial_seconds": 0.001},
}
OTHER_BITS = ("cost.json", "/models")  # times; archives of models, which hold addresses in memory


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Path]:
    """A clone of this checkout as it stands, committed, with a table of two kinds of flowers and a remote."""
    folder = tmp_path / "serial"
    sync_workspace(ROOT, folder)
    rows = [f"{kind},{kind * 2 + number % 7},{number % 5}" for kind in range(2) for number in range(60)]
    (tmp_path / "flowers.csv").write_text("\n".join(["species,length,width", *(f"kind{row}" for row in rows)]) + "\n")
    params = read_yaml(ROOT / "params.yaml")
    for section, values in PARAMS.items():
        params[section] = {**params[section], **values} if isinstance(values, dict) else values
    params["data"]["path"] = str(tmp_path / "flowers.csv")  # which no node sees
    params["scale"]["cache"] = str(tmp_path / "node")
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)
    dvc(folder, "remote", "add", "-q", "--default", "storage", str(tmp_path / "remote"))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "flowers")
    yield folder


def outs_of(folder: Path) -> dict[str, str]:
    """{path of an out: its hash} by dvc.lock, of those that come out alike in any two runs."""
    return {
        out["path"]: out["md5"]
        for entry in lock_of(folder).values()
        for out in entry.get("outs", [])
        if not out["path"].endswith(OTHER_BITS)
    }


def causes_of(folder: Path) -> dict[str, Any]:
    """{stage: what dvc.lock has of its command, deps and parameters}, save deps that are others in any two runs."""
    return {
        name: [
            entry["cmd"],
            entry.get("params"),
            [dep for dep in entry["deps"] if not dep["path"].endswith(OTHER_BITS)],
        ]
        for name, entry in lock_of(folder).items()
    }


def test_the_real_graph_on_two_places_is_the_serial_run_to_the_bit(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = tmp_path / "spread"
    git(tmp_path, "clone", "-q", str(real), str(spread))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    repro(real, os.environ | {"PATH": path, "KIYAS_UNTRACKED": "1"}, "-q", *TARGETS)
    monkeypatch.chdir(spread)
    assert fanout.run(TARGETS, local=2) == 0, capsys.readouterr()
    assert outs_of(spread) == outs_of(real)
    assert causes_of(spread) == causes_of(real)
    for path in outs_of(real):
        if (real / path).is_file():
            assert md5(spread / path) == md5(real / path), path
    told = capsys.readouterr().out
    assert "starts on" in told and "[6/6] evaluate-" in told
    assert all(f"mlp@tiny:seed-{seed}: done on " in told for seed in (0, 1))
    assert "Running stage 'baseline" not in told  # what nodes did is not done again here
    joined = (spread / ".kiyas/fanout/logs/mlp@tiny.log").read_text()
    assert "seeds [0, 1] are kept from an earlier run" in joined and "epoch" not in joined
    assert git(spread, "status", "--porcelain").split() == ["??", "dvc.lock"]
