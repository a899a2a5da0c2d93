"""A checkout in miniature: drawn photos, two classical models or a network of one block, its own DVC and MLflow."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from ruamel.yaml import YAML

from benchmarks.survival.records import held_locks, locked_outs, verdicts
from pipeline.operations.study import merge
from pipeline.operations.workspace import sync_workspace
from pipeline.params.schema.reading import read_yaml

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("apple", "pear", "plum")
SIDE = 16  # pixels
SMALL = {
    "training": {"precision": "float32"},
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
    "tracking": {"experiment": "survival"},
    "retrain": {"shortlist": 1, "latency_ratio": 50.0, "class_margin": 0.5, "calibration_margin": 0.5},
}
TINY = {
    "blocks": [{"filters": 4, "kernel": 3}],
    "dense": 8,
    "activation": "relu",
    "pooling": "max",
    "dropout": 0.0,
    "epochs": 6,
    "learning_rate": 1e-2,
}
NETWORK = {"baseline": {"models": ["majority"]}, "cnn": ["tiny"], "architectures": {"tiny": TINY}}
STUDY = {"description": "Other seeds.", "params": {"seeds": [2, 3]}}

# What must end up nowhere: a key, a token, a password in an address. The word is put together here, since the checkout
# in miniature has this file, too.
PLANTED = "pl4nted" + "-by-the-campaign"
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": f"{PLANTED}-key-of-a-bucket",
    "KIYAS_SECRET_OF_SOMEBODY": f"{PLANTED}-token",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "remote.elsewhere.url",
    "GIT_CONFIG_VALUE_0": f"https://ada:{PLANTED}@git.example/kiyas.git",
}

# Where files come and go that no result depends on, or whose names hold a time or a process. DVC names its state by the
# time at which it was first called; what was forked is told of a `pipeline repro` alone.
UNCOUNTED = (
    ".dvc/",
    ".git/",
    ".kiyas/dvc-state/",
    ".kiyas/forked.log",
    ".kiyas/live/",
    "params.before-start",
    ".kiyas/retrain/",
    ".kiyas/durations",
    "mlartifacts/",
    "pipeline/",
    "mlflow.db",
)
TABLES = ("ranking", "techniques", "paradigms", "pairwise", "permutation", "properties", "label_suspects")
SAME_BITS = ("trial.json", "history.csv", "metrics.json", "predictions.parquet", "dataset.json", "quarantine.csv")


def make_miniature(folder: Path, overlay: dict[str, Any]) -> None:
    """A clone of this checkout with small parameters and 16 drawn photos of each class."""
    sync_workspace(ROOT, folder)
    write_params(folder, overlay)
    (folder / "studies").mkdir(exist_ok=True)
    with (folder / "studies/seeds.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(STUDY, stream)
    draw_photos(folder / "photos", each=16, seed=0)


def write_params(folder: Path, overlay: dict[str, Any]) -> None:
    params = merge(merge(read_yaml(ROOT / "params.yaml"), SMALL), overlay)
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)


def draw_photos(folder: Path, each: int, seed: int) -> None:
    """`each` photos of every class as PNG: noise over a pattern of their class."""
    patterns, drawn = np.random.default_rng(99), np.random.default_rng(seed)
    for name in CLASSES:
        pattern = 128 + patterns.normal(0, 20, (SIDE, SIDE, 3))
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            pixels = pattern + drawn.normal(0, 40, pattern.shape)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{seed}-{number}.png")


def environment(folder: Path) -> dict[str, str]:
    """Of every command in the miniature: nothing of the caller's MLflow, GitHub or webhook."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "GITHUB_", "KIYAS_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "CUDA_VISIBLE_DEVICES": "-1",
        "KIYAS_UNWATCHED": "1",
        **SECRETS,
    }


def leaks(folder: Path) -> list[str]:
    """A line for each file that holds a planted secret."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    found = (file for file in files if PLANTED.encode() in file.read_bytes())
    return [f"{file.relative_to(folder)}: holds a secret of the environment" for file in found]


def restore(kept: Path, folder: Path) -> None:
    """Make a folder what it was when it was kept: paths in MLflow's database are absolute, so its place stays."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder, symlinks=True)


@dataclass(frozen=True)
class State:
    """What there is in a miniature after a command.

    Attributes:
        results: file → digest of what must be the same bits in every run.
        files: every file by its name, hidden ones among them.
        runs: in MLflow, that are not superseded: kind, candidate, seed, event, status, how many metrics.
        running: how many runs MLflow takes for running.
        log: events and champions of champions/log.jsonl.
        records: of each verdict.json and each out in dvc.lock what no clock decides, as a digest.
        locks: a line for each lock of DVC that somebody still has, or that the next run could not read.
    """

    results: dict[str, str]
    files: frozenset[str]
    runs: list[tuple[Any, ...]]
    running: int
    log: list[tuple[str, int | None]]
    records: dict[str, str] = field(default_factory=dict)
    locks: list[str] = field(default_factory=list)

    def differences(self, undisturbed: State) -> list[str]:
        """One line for each thing that is not as it would have been."""
        wrong = [name for name, digest in undisturbed.results.items() if self.results.get(name) != digest]
        told = [f"{name}: other bits" for name in wrong]
        told += [f"{name}: a stray file" for name in sorted(self.files - undisturbed.files)]
        told += [f"{name}: is missing" for name in sorted(undisturbed.files - self.files)]
        if self.runs != undisturbed.runs:
            told.append(f"MLflow: {sorted(set(self.runs) ^ set(undisturbed.runs), key=str)[:6]}")
        if self.running:
            told.append(f"MLflow: {self.running} runs are RUNNING")
        if self.log != undisturbed.log:
            told.append(f"champions: {self.log}, not {undisturbed.log}")
        ours, theirs = self.records, undisturbed.records
        told += [f"{name}: is another" for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
        return told + self.locks


def state_of(folder: Path) -> State:
    files = frozenset(_names(folder))
    results = {name: _digest(folder / name) for name in sorted(files) if _is_result(name)}
    runs, running = _runs(folder / "mlflow.db")
    records = verdicts(folder) | {f"dvc.lock: {path}": digest for path, digest in locked_outs(folder).items()}
    decisions = list(_decisions(folder / "champions/log.jsonl"))
    return State(results, files, runs, running, decisions, records, list(held_locks(folder)))


def _names(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for file in files:
            name = Path(place, file).relative_to(folder).as_posix()
            if not any(part in f"/{name}" for part in (f"/{uncounted}" for uncounted in UNCOUNTED)):
                yield name


def _is_result(name: str) -> bool:
    if name.startswith(("data/accepted/", "champions/")):
        return False  # their folders carry dates
    return name == "params.yaml" or (
        (name.endswith((*SAME_BITS, ".npy")) or _is_comparison(Path(name))) and not name.startswith(".kiyas/")
    )


def _is_comparison(file: Path) -> bool:
    """Whether it is a table of a comparison that no clock changes but for its costs, here or in a study's workspace."""
    return file.parent.name == "comparison" and file.suffix == ".csv" and file.stem in TABLES


def _digest(file: Path) -> str:
    if _is_comparison(file):  # what is derived from a clock is left out
        table = pd.read_csv(file)
        content = table[[name for name in table if "cost" not in str(name)]].to_csv(index=False).encode()
    else:
        content = file.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _runs(database: Path) -> tuple[list[tuple[Any, ...]], int]:
    if not database.is_file():
        return [], 0
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        statuses = dict(connection.execute("select run_uuid, status from runs where lifecycle_stage = 'active'"))
        counts = dict(connection.execute("select run_uuid, count(*) from metrics group by run_uuid"))
        tags: dict[str, dict[str, str]] = {}
        for run, key, value in connection.execute("select run_uuid, key, value from tags where key like 'kiyas.%'"):
            tags.setdefault(run, {})[key.removeprefix("kiyas.")] = value
    finally:
        connection.close()
    shown = [
        (*(tags[run].get(key) for key in ("kind", "candidate", "seed", "event")), status, counts.get(run, 0))
        for run, status in statuses.items()
        if run in tags and tags[run].get("superseded") != "true"
    ]
    return sorted(shown, key=str), sum(status == "RUNNING" for status in statuses.values())


def _decisions(log: Path) -> Iterator[tuple[str, int | None]]:
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else ():
        entry = json.loads(line)
        yield entry["event"], entry["champion"]
