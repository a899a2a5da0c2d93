"""A checkout in miniature that lives for weeks in minutes: drawn photos, a classical model, its own DVC and MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from PIL import Image
from ruamel.yaml import YAML

from pipeline.dvc_command import UNWATCHED
from pipeline.operations.study import merge
from pipeline.operations.workspace import sync_workspace
from pipeline.params.schema.reading import read_yaml
from tests.starts import call, repro

ROOT = Path(__file__).resolve().parents[3]
CLASSES = ("apple", "pear", "plum")
SIDE = 24
PARAMS = {
    "training": {"precision": "float32"},  # whatever the machine is made for
    "data": {"fetch": [], "path": "photos", "image_size": SIDE, "test_fraction": 0.5},
    "seeds": [0, 1],
    "baseline": {"models": ["majority", "logistic_pixels"], "probes": [], "folds": 2},
    "cnn": [],
    "finetune": {"backbones": [], "strategies": []},
    "study": {"candidates": []},
    "evaluation": {
        "latency_images": 4,
        "thumbnails": 2,
        "mistakes": 0,
        "robustness": {"examples": 0},
        "explanations": {"examples": 0},
    },
    "compare": {"resamples": 500},
    "tracking": {"experiment": "life"},
    "retrain": {"shortlist": 1, "latency_ratio": 50.0, "class_margin": 0.5, "calibration_margin": 0.5},
}


class Painter:
    """Draws photos: noise over a faint pattern of their class, so that more of them teach more."""

    def __init__(self, seed: int = 0, faintness: float = 4.0) -> None:
        self.random = np.random.default_rng(seed)
        patterns = np.random.default_rng(99).normal(0, faintness, (len(CLASSES), SIDE, SIDE, 3))
        self.patterns = dict(zip(CLASSES, patterns, strict=True))

    def draw(self, folder: Path, each: int, classes: Sequence[str] = CLASSES, brightness: float = 128) -> list[Path]:
        """`each` photos of every class as PNG, in one folder a class."""
        files = []
        for name in classes:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for _ in range(each):
                pixels = brightness + self.patterns[name] + self.random.normal(0, 50, (SIDE, SIDE, 3))
                files.append(folder / name / f"{self.random.integers(1 << 40):010x}.png")
                Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(files[-1])
        return files


@dataclass(frozen=True)
class Ended:
    """A retraining that ended by itself."""

    code: int
    summary: dict[str, Any]

    @property
    def reasons(self) -> str:
        return " ".join([*self.summary["reasons"], *self.summary["drift"]])


class Checkout:
    """A clone with its own parameters, photos, DVC cache and MLflow store; `changes` are laid over PARAMS."""

    def __init__(self, folder: Path, changes: dict[str, Any] | None = None) -> None:
        self.folder = folder
        sync_workspace(ROOT, folder)
        params = merge(merge(read_yaml(ROOT / "params.yaml"), PARAMS), changes or {})
        with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
            YAML(typ="safe", pure=True).dump(params, stream)

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "GITHUB_", "KIYAS_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return kept | {"PATH": path, "DVC_NO_ANALYTICS": "1", "CUDA_VISIBLE_DEVICES": "-1"}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m …` in the checkout. A command of this project runs in this process, which has imported its
        libraries already."""
        if arguments[0] == "pipeline":
            return call(self.folder, self.environment, *arguments[1:])
        return self._in_its_own(*arguments)

    def _in_its_own(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def compare(self) -> None:
        """The first comparison, without the rankings before it is whole."""
        repro(self.folder, self.environment | {UNWATCHED: "1"}, "compare")

    def succeed(self, *arguments: str) -> str:
        done = self.command(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def retrain(self, as_scheduled: bool = False) -> Ended:
        """
        Args:
            as_scheduled: in a process of its own, whose exit status and standard output a scheduler reads.
        """
        done = (self._in_its_own if as_scheduled else self.command)("pipeline", "retrain", "--json")
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        return Ended(done.returncode, json.loads(done.stdout))

    @property
    def client(self) -> MlflowClient:
        uri = f"sqlite:///{self.folder}/mlflow.db"
        return MlflowClient(uri, registry_uri=uri)

    def alias(self, name: str) -> str | None:
        """Our number of the version that has the alias in MLflow's registry."""
        number = self.client.get_registered_model("kiyas").aliases.get(name)
        return self.client.get_model_version("kiyas", number).tags["kiyas.version"] if number else None

    def log(self) -> list[dict[str, Any]]:
        lines = (self.folder / "champions/log.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def decisions(self) -> list[str]:
        """The events of the decision runs in MLflow, oldest first."""
        experiment = self.client.get_experiment_by_name("life")
        assert experiment
        found = self.client.search_runs(
            [experiment.experiment_id],
            "tags.kiyas.kind = 'decision' and tags.kiyas.superseded = 'false'",
            order_by=["attributes.start_time ASC"],
        )
        return [run.data.tags["kiyas.event"] for run in found]
