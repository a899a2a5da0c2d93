"""What share of its processor time a grid spends on MLflow.

    python -m benchmarks.tracking_share --cpu-minutes 104        (what the grid takes; see Measured in the README)

Replays every candidate of params.yaml, one seed each, with the most epochs that its phases allow, into a SQLite store
of its own, each epoch as a batch of its own: more than a real grid ever writes. Counted is the processor time of
MLflow's import in each stage, of handing over and writing epochs, and of making MLflow match the files at the end of
`compare` and in `track`: wall time would tell more about what else the machine does.
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

from pipeline.configuration.loading import load_params
from pipeline.configuration.whole import Params
from pipeline.params.schema.families import families
from pipeline.params.training.candidates import Candidate
from pipeline.tracking.live import writer
from pipeline.tracking.live.trial import follow_trial
from pipeline.tracking.store import import_mlflow
from pipeline.tracking.sync import sync
from pipeline.trials import Trial, write_trial

ROOT = Path(__file__).resolve().parents[1]
IMPORT = """
import time
from pipeline.tracking.store import import_mlflow
begun = time.process_time()
import_mlflow()
print(time.process_time() - begun)
"""
EPOCH_SECONDS = 0.03  # between two epochs of the replay: long enough for a batch each


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cpu-minutes", type=float, default=104, help="processor time of the grid, MLflow included")
    options = parser.parse_args()
    importing = statistics.median(import_seconds() for _ in range(3))
    with checkout():
        params = load_params()
        import_mlflow()
        written, synced = replay(params), sync_seconds(params)
    seeds, stages = len(params.seeds), len(params.candidates())
    parts = {
        f"import, {stages} training stages, compare, track": (stages + 2) * importing,
        f"live, {stages} candidates, {seeds} seeds": written * seeds,
        "making MLflow match the files, twice": 2 * synced * seeds,
    }
    for name, seconds in parts.items():
        print(f"{name:50} {seconds:6.1f} s")
    print(f"of {options.cpu_minutes:.0f} minutes: {sum(parts.values()) / 60 / options.cpu_minutes:.2%}")


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


def replay(params: Params) -> float:
    """Processor seconds of following one seed of each candidate; training itself takes none here."""
    writer.PAUSE = 0.0
    spent = 0.0
    for candidate in params.candidates():
        trial, rows = trial_of(candidate, params), epochs_of(candidate, params)
        begun = time.process_time()
        with follow_trial(params.tracking, trial, 0) as tell:
            for row in rows:
                tell(row)
                time.sleep(EPOCH_SECONDS)
        spent += time.process_time() - begun
        write_trial(trial, pd.DataFrame(rows), {"seeds": {"0": {"started": now(), "ended": now()}}})
    return spent


def sync_seconds(params: Params) -> float:
    begun = time.process_time()
    sync(params)
    return time.process_time() - begun


def epochs_of(candidate: Candidate, params: Params) -> list[dict[str, Any]]:
    phases = [1]
    if candidate.family == "cnn":
        phases = [params.architectures_of(families()["cnn"])[candidate.model].epochs]
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


def now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    main()
