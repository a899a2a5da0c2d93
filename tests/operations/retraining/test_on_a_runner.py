"""The generated GitHub workflow, step by step: every run a fresh clone on a machine that keeps nothing.

The shell of its `run:` steps is taken from the file and run as a runner does it (`bash -e`; secrets that are not set
are empty). Only `make setup` is answered by a link to the environment at hand. The champion is a network here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from pipeline.params.schema.reading import read_yaml
from tests.operations.retraining.life import Checkout, Painter
from tests.starts import call
from tests.tracking.servers import TrackingServer

pytestmark = pytest.mark.e2e

NETWORK = {
    "data": {"path": "data/photos"},
    "seeds": [0],
    "baseline": {"models": ["majority"]},
    "cnn": ["tiny"],
    "architectures": {
        "tiny": {
            "blocks": [{"filters": 4, "kernel": 3}],
            "dense": 8,
            "activation": "relu",
            "pooling": "max",
            "dropout": 0.0,
            "epochs": 6,
            "learning_rate": 1e-2,
        }
    },
}


@dataclass(frozen=True)
class Ran:
    """One run of the workflow in a clone of its own."""

    code: int
    told: str
    clone: Path

    @property
    def summary(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.clone.parent / "summary.json").read_text(encoding="utf-8"))
        return found


@dataclass
class Runner:
    """GitHub, as far as the workflow sees it: a bare repository, secrets, and a machine that is new each time."""

    home: Path
    secrets: dict[str, str]
    runs: int = 0

    @property
    def origin(self) -> Path:
        return self.home / "origin.git"

    def run(self) -> Ran:
        self.runs += 1
        machine = self.home / f"machine-{self.runs}"
        clone = machine / "checkout"
        depth = ["--depth", "1", "--branch", "main"]  # as actions/checkout does it
        git(self.home, "clone", "--quiet", *depth, self.origin.as_uri(), str(clone))
        (machine / "bin").mkdir()
        make = machine / "bin/make"
        make.write_text(
            f'#!/bin/sh\n[ "$*" = "setup PYTHON=python" ] && ln -s {Path(sys.prefix)} .venv\n', encoding="utf-8"
        )
        make.chmod(0o755)
        job = read_yaml(clone / ".github/workflows/retrain.yml")["jobs"]["retrain"]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "GITHUB_", "KIYAS_"))}
        environment = kept | {key: self._filled(value) for key, value in job["env"].items()}
        environment |= {
            "PATH": f"{machine / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(machine),
            "GITHUB_STEP_SUMMARY": str(machine / "step-summary.md"),
        }
        told, code = "", 0
        for step in job["steps"]:
            if "run" in step and code == 0:
                command = ["bash", "-e", "-c", step["run"]]
                done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
                told, code = told + done.stdout + done.stderr, done.returncode
        return Ran(code, told, clone)

    def head(self) -> str:
        return git(self.origin, "log", "-1", "--format=%an %s", "main")

    def _filled(self, value: str) -> str:
        return re.sub(r"\$\{\{ secrets\.(\w+) \}\}", lambda found: self.secrets.get(found[1], ""), value)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    folder = tmp_path_factory.mktemp("server")
    server = TrackingServer(f"sqlite:///{folder}/store.db", folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A repository as deploy/schedules.md has it made: photos and results in a DVC remote, the workflow in git."""
    home = tmp_path_factory.mktemp("github")
    made = Checkout(home / "first", NETWORK)
    Painter(faintness=40.0).draw(made.folder / "data/photos", each=40)
    made.succeed("dvc", "add", "--quiet", "data/photos")
    made.succeed("dvc", "remote", "add", "--quiet", "--default", "storage", str(home / "remote"))
    made.succeed("pipeline", "schedule", "--cron", "0 3 * * 1", "--kind", "github", "--from", "remote://storage/new")
    (home / "remote/new").mkdir(parents=True)
    Painter(seed=1, faintness=40.0).draw(home / "remote/new", each=2)
    made.succeed("dvc", "push", "--quiet")
    git(home, "init", "--quiet", "--bare", "--initial-branch=main", str(home / "origin.git"))
    git(made.folder, "checkout", "--quiet", "--orphan", "main")  # the checkout under test may be a shallow clone
    git(made.folder, "add", "--all")
    git(made.folder, "commit", "--quiet", "--message", "Retrain on Mondays")
    git(made.folder, "push", "--quiet", str(home / "origin.git"), "main")
    shutil.rmtree(made.folder)
    return Runner(home, {})


def test_without_a_tracking_server_it_refuses_and_changes_nothing(runner: Runner) -> None:
    before = runner.head()
    ran = runner.run()
    assert ran.code == 1
    assert "this runner keeps nothing, so retraining needs a tracking server" in ran.told
    assert runner.head() == before


def test_the_first_run_trains_a_network_and_pushes_it_as_the_champion(runner: Runner, server: TrackingServer) -> None:
    runner.secrets["MLFLOW_TRACKING_URI"] = server.uri
    ran = runner.run()
    assert (ran.code, ran.summary["ending"]) == (0, "promoted"), ran.told
    assert runner.head().startswith("Kiyas retrain: a new champion.")
    assert (ran.clone / "champions/1/model/data/model/model.keras").is_file()
    assert alias(server) == "1"
    assert ": pipeline evaluate --candidate " in (ran.clone / ".kiyas/forked.log").read_text(encoding="utf-8")
    assert "```json" in (ran.clone.parent / "step-summary.md").read_text(encoding="utf-8")


def test_the_next_clone_leaves_a_few_photos_waiting_and_pushes_nothing(runner: Runner) -> None:
    before = runner.head()
    ran = runner.run()
    assert (ran.code, ran.summary["ending"]) == (0, "nothing"), ran.told
    assert "6 new photos wait in data/incoming for more" in ran.told
    assert runner.head() == before


def test_where_nothing_is_new_neither_tensorflow_nor_mlflow_is_imported(runner: Runner, server: TrackingServer) -> None:
    clone = runner.home / f"machine-{runner.runs}" / "checkout"
    shutil.rmtree(clone / "data/incoming")
    command = [sys.executable, "-X", "importtime", "-m", "pipeline", "retrain"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": server.uri}
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "retrain: nothing to do" in done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "pipeline" in imported
    assert not imported & {"tensorflow", "keras", "mlflow"}


def test_enough_new_photos_make_a_better_network_from_which_predict_and_rollback_go_on(
    runner: Runner, server: TrackingServer
) -> None:
    Painter(seed=2, faintness=40.0).draw(runner.home / "remote/new", each=150)
    ran = runner.run()
    assert (ran.code, ran.summary["ending"]) == (0, "promoted"), ran.told
    photos = [next((ran.clone / "data/photos" / name).iterdir()) for name in ("apple", "plum")]
    elsewhere = os.environ | {"MLFLOW_TRACKING_URI": server.uri}  # on a machine that is no runner
    answers = json.loads(call(ran.clone, elsewhere, "predict", "--json", *map(str, photos)).stdout)
    assert (answers["champion"]["version"], answers["champion"]["candidate"]) == (2, "cnn-tiny")
    assert [one["predicted"] for one in answers["predictions"]] == ["apple", "plum"]
    assert alias(server) == "2", "though the runner before showed version 1"
    assert call(ran.clone, elsewhere, "rollback").returncode == 0
    assert alias(server) == "1"


def test_a_source_that_did_not_change_since_brings_nothing_to_the_next_clone(runner: Runner) -> None:
    ran = runner.run()
    assert (ran.code, ran.summary["ending"], ran.summary["champion"]) == (0, "nothing", 2), ran.told
    assert "data/incoming is empty" in ran.told


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def alias(server: TrackingServer) -> str:
    """Our number of the version that the server's registry calls champion."""
    client = MlflowClient(server.uri, registry_uri=server.uri)
    number = client.get_registered_model("kiyas").aliases["champion"]
    return str(client.get_model_version("kiyas", number).tags["kiyas.version"])
