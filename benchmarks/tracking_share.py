"""What share of its time a grid spends on MLflow.

    python -m benchmarks.tracking_share --seconds 4680        (what the grid takes without; see Measured in the README)

Replays every candidate of params.yaml, one seed each, with the most epochs that its phases allow, into a SQLite store
of its own, each epoch as a batch of its own: more than a real grid ever writes. Counted are what training waits for
(MLflow's import in each stage, handing over epochs, the end of each trial), the processor time of the writing thread,
which takes it from training, and making MLflow match the files at the end of `compare` and in `track`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.params import Candidate, Params, load_params
from pipeline.tracking import writer
from pipeline.tracking.live import follow_trial
from pipeline.tracking.store import import_mlflow
from pipeline.tracking.view import sync
from pipeline.trials import Trial, write_trial

ROOT = Path(__file__).resolve().parents[1]
IMPORT = """
import time
from pipeline.tracking.store import import_mlflow
begun = time.time()
import_mlflow()
print(time.time() - begun)
"""
EPOCH_SECONDS = 0.03  # between two epochs of the replay: long enough for a batch each


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4680, help="what the grid takes without MLflow")
    options = parser.parse_args()
    importing = statistics.median(import_seconds() for _ in range(3))
    with checkout():
        params = load_params()
        candidates = params.candidates()
        waited, written = replay(params)
        synced = timed_sync(params)
    seeds, stages = len(params.seeds), len(candidates)
    parts = {
        f"import, {stages} training stages, compare, track": (stages + 2) * importing,
        f"training waits, {stages} candidates, {seeds} seeds": waited * seeds,
        "processor time of the writing thread": written * seeds,
        "making MLflow match the files, twice": 2 * synced * seeds,
    }
    for name, seconds in parts.items():
        print(f"{name:55} {seconds:7.1f} s")
    print(f"of {options.seconds:.0f} s: {sum(parts.values()) / options.seconds:.2%}")


def import_seconds() -> float:
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


@contextmanager
def checkout() -> Iterator[None]:
    """A folder with the parameters and a store that is thrown away."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("params.yaml", "dvc.yaml"):
            shutil.copy(ROOT / name, folder)
        os.chdir(folder)
        os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
        try:
            yield
        finally:
            os.chdir(before)


def replay(params: Params) -> tuple[float, float]:
    """Seconds that the trials waited, and processor seconds of their writing threads, one seed of each candidate."""
    import_mlflow()
    writer.PAUSE = 0.0
    waited = written = 0.0
    for candidate in params.candidates():
        trial, rows = trial_of(candidate, params), epochs_of(candidate, params)
        processor = time.process_time() - time.thread_time()
        begun = time.perf_counter()
        with follow_trial(params.tracking, identity_of(trial)) as tell:
            for row in rows:
                tell(row)
                time.sleep(EPOCH_SECONDS)
        waited += time.perf_counter() - begun - EPOCH_SECONDS * len(rows)
        written += time.process_time() - time.thread_time() - processor
        write_trial(trial, pd.DataFrame(rows), {"seeds": {"0": {"started": now(), "ended": now()}}})
    return waited, written


def timed_sync(params: Params) -> float:
    begun = time.perf_counter()
    sync(params)
    return time.perf_counter() - begun


def epochs_of(candidate: Candidate, params: Params) -> list[dict[str, Any]]:
    phases = [1]
    if candidate.family == "cnn":
        phases = [params.architectures[candidate.model].epochs]
    elif candidate.family == "finetune" and candidate.technique:
        phases = [phase.epochs for phase in params.strategies[candidate.technique].phases]
    row = {"seed": 0, "learning_rate": 0.001, "trainable_parameters": 1000, "train_accuracy": 0.5, "val_accuracy": 0.4}
    numbered = [number for number, epochs in enumerate(phases, 1) for _ in range(epochs)]
    return [
        {**row, "phase": phase, "epoch": epoch, "train_loss": 1 / epoch, "val_loss": 1.1 / epoch}
        for epoch, phase in enumerate(numbered, 1)
    ]


def trial_of(candidate: Candidate, params: Params) -> Trial:
    strategy = params.strategies[candidate.technique].model_dump() if candidate.technique else {}
    return Trial(
        candidate=candidate.name,
        family=candidate.family,
        backbone=candidate.backbone,
        technique=candidate.technique,
        task="multiclass",
        parameters={"training": params.training.model_dump(), "strategy": strategy} if strategy else {},
        parameter_counts={"total": 1, "trainable": 1},
        phases=[{"train": "all"}],
        seeds=[{"seed": 0}],
        fingerprint="replayed",
    )


def identity_of(trial: Trial) -> dict[str, Any]:
    names = ("candidate", "family", "backbone", "technique", "fingerprint", "parameters")
    return {**{name: getattr(trial, name) for name in names}, "seed": 0}


def now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    main()
