"""What a candidate's trials leave behind: each is kept as it finishes, the trial folder is put together at the end.

Kept trials live outside DVC's outs (DVC deletes those before it runs a stage), under the candidate's fingerprint:
a run that was killed, or that gets one seed more, trains only what is missing.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd

from pipeline.files import read_json, replacing, write_json
from pipeline.locks import hold
from pipeline.params.candidates import Candidate
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.trainer import Trainer
from pipeline.training.trial_state import Fit, Row
from pipeline.trials import Trial, model_path, write_trial

FOLDER = Path(".kiyas/trials")

log = logging.getLogger("kiyas")


class Measure(Protocol):
    """A stopwatch that can be read: plain data for cost.json."""

    def cost(self) -> dict[str, Any]: ...


class CandidateRecord:
    """Collects the trials of one candidate and writes results/<candidate>/.

    Args:
        task: "multiclass", "binary" or "regression".
        fingerprint: see `fingerprints.fingerprint`; a trial is this and its seed.
        parameters: everything that could change the result, resolved.
        keep_gb: how much disk finished trials of all candidates may take before the oldest go.
    """

    def __init__(
        self,
        candidate: Candidate,
        task: str,
        fingerprint: str,
        parameters: Mapping[str, Any],
        keep_gb: float,
        folder: Path = FOLDER,
    ) -> None:
        self.candidate, self.task, self.fingerprint = candidate, task, fingerprint
        self.parameters, self.keep_bytes, self.folder = dict(parameters), keep_gb * 1e9, folder

    def train(
        self,
        seeds: list[int],
        make_trainer: Callable[[], Trainer],
        split: Callable[[int], tuple[np.ndarray, np.ndarray]],
        measure: Callable[[], AbstractContextManager[Measure]],
        follow: Callable[[int], AbstractContextManager[Callable[[Row], None]]],
    ) -> None:
        """Train the seeds that are not kept yet.

        Args:
            make_trainer: builds the network; not called when nothing is left to train.
            split: seed → indices of its training and validation examples.
            measure: a stopwatch around one trial.
            follow: seed → where that trial's rows are told while it trains.
        """
        remaining = self.remaining(seeds)
        if kept := [seed for seed in seeds if seed not in remaining]:
            log.info("%s: seeds %s are kept from an earlier run", self.candidate.name, kept)
        trainer = make_trainer() if remaining else None
        for seed in remaining:
            assert trainer is not None
            train, val = split(seed)
            checkpoint = Checkpoint(self.folder / self.fingerprint / f"seed-{seed}.unfinished")
            lock = self.folder.parent / "locks" / f"{self.fingerprint}-seed-{seed}"
            # A killed `dvc repro` leaves its child training: the next one waits for it here and then finds its result.
            with hold(lock, f"{self.candidate.name}, seed {seed} is being trained by another process"):
                if self.remaining([seed]):
                    with follow(seed) as tell, measure() as watch:
                        report = partial(_report, self.candidate.name, tell)
                        fit = trainer.run(seed, train, val, report, checkpoint)
                    self.add(seed, fit, trainer.network.model, watch.cost())
                checkpoint.remove()

    def identity(self, seed: int) -> dict[str, Any]:
        """Who a trial is, in the words of MLflow's tags."""
        return {
            "candidate": self.candidate.name,
            "family": self.candidate.family,
            "backbone": self.candidate.backbone,
            "technique": self.candidate.technique,
            "seed": seed,
            "fingerprint": self.fingerprint,
            "parameters": self.parameters,
        }

    def remaining(self, seeds: list[int]) -> list[int]:
        """The seeds that no earlier run of the very same candidate has finished."""
        return [seed for seed in seeds if not self._facts_path(seed).exists()]

    def add(self, seed: int, fit: Fit, model: keras.Model, cost: Mapping[str, Any]) -> None:
        """Keep one finished trial: its model first, its facts last, so that facts on disk mean a complete trial."""
        self._make_room()
        with replacing(self._model_path(seed)) as temporary:
            model.save(temporary)
        facts = {
            "history": fit.history,
            "best": fit.best,
            "phases": fit.phases,
            "parameters": model.count_params(),
            "cost": _trial_cost(fit, cost),
        }
        write_json(self._facts_path(seed), facts)

    def write(self, seeds: list[int], circumstances: Mapping[str, Any]) -> None:
        """results/<candidate>/ from the kept trials of these seeds: trial.json, history.csv, cost.json, models/."""
        facts = {seed: read_json(self._facts_path(seed)) for seed in seeds}
        first = facts[seeds[0]]
        trial = Trial(
            candidate=self.candidate.name,
            family=self.candidate.family,
            backbone=self.candidate.backbone,
            technique=self.candidate.technique,
            task=self.task,
            parameters=self.parameters | {"seeds": seeds},
            parameter_counts={
                "total": first["parameters"],
                "trainable": max(phase["trainable_parameters"] for phase in first["phases"]),
            },
            phases=first["phases"],
            seeds=[_seed_facts(seed, fact["best"]) for seed, fact in facts.items()],
            fingerprint=self.fingerprint,
        )
        for seed in seeds:
            _link(self._model_path(seed), model_path(self.candidate.name, seed, ".keras"))
        history = pd.DataFrame([row for fact in facts.values() for row in fact["history"]])
        costs = {str(seed): fact["cost"] for seed, fact in facts.items()}
        write_trial(trial, history, {"candidate": self.candidate.name, "seeds": costs, **circumstances})

    def _model_path(self, seed: int) -> Path:
        return self.folder / self.fingerprint / f"seed-{seed}.keras"

    def _facts_path(self, seed: int) -> Path:
        return self.folder / self.fingerprint / f"seed-{seed}.json"

    def _make_room(self) -> None:
        """Remove the oldest trials of other candidates, finished or not, until the rest is within bounds."""
        finished = [[facts.with_suffix(".keras"), facts] for facts in self.folder.glob("*/*.json")]
        unfinished = [list(folder.iterdir()) for folder in self.folder.glob("*/*.unfinished")]
        kept = sorted((files for files in finished + unfinished if files), key=_age)
        total = sum(_size(files) for files in kept)
        for files in kept:
            if total <= self.keep_bytes:
                return
            if self.fingerprint not in files[0].parts:
                total -= _size(files)
                for file in reversed(files):  # facts first: facts on disk mean a complete trial
                    file.unlink(missing_ok=True)


def _age(files: list[Path]) -> float:
    return max(file.stat().st_mtime for file in files if file.exists())


def _size(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.exists())


def _report(name: str, tell: Callable[[Row], None], row: Row) -> None:
    log.info(
        "%s  seed %d  phase %d  epoch %3d  train %.3f %.3f  val %.3f %.3f",
        name,
        *(row[key] for key in ("seed", "phase", "epoch")),
        *(value for key, value in row.items() if key.startswith(("train_", "val_"))),
    )
    tell(row)


def _trial_cost(fit: Fit, measured: Mapping[str, Any]) -> dict[str, Any]:
    """cost_seconds is what the trial takes if it is trained alone: shared work is charged in full."""
    alone = fit.fit_seconds + fit.activation_seconds + fit.setup_seconds
    return {
        **measured,
        "epoch_ended": fit.epoch_ended,
        "fit_seconds": fit.fit_seconds,
        "activation_seconds": fit.activation_seconds,
        "setup_seconds": fit.setup_seconds,
        "cost_seconds": alone,
        "images_per_second": fit.images_seen / fit.fit_seconds,
    }


def _seed_facts(seed: int, best: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "seed": seed,
        "best_epoch": best["epoch"],
        "best_phase": best["phase"],
        **{key: value for key, value in best.items() if key.startswith("val_")},
    }


def _link(source: Path, target: Path) -> None:
    """A copy that costs no disk where the file system allows it: models are large."""
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
