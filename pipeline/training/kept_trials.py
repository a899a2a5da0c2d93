"""Finished trials of networks are kept until their candidate's results are written from them.

They lie outside DVC's outs, which DVC deletes before it runs a stage, under the candidate's fingerprint: a run that was
killed, or that gets one seed more, trains only what is missing. While settings are tried nothing is kept: a search that
was killed starts again, and ends alike.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import keras

from pipeline.ground.files import DamagedFileError, fault_of, read_json, reading, replacing, write_json
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.progress import Fit, Row
from pipeline.trials import FinishedTrial

FOLDER = Path(".kiyas/trials")
HASH = "sha256"  # the key of seed-<n>.json that holds it

log = logging.getLogger("kiyas")


class KeptTrials:
    """The trials of one candidate: for each seed seed-<n>.keras and seed-<n>.json, and its unfinished trial's folder.

    Where settings are tried: tuning.json, and a folder for each setting that waits.

    Args:
        fingerprint: the candidate's; a trial is this and its seed.
        keep_gb: how much disk the trials of all candidates may take before the oldest ones of others go.
        folder: where the trials of all candidates are kept.
    """

    def __init__(self, fingerprint: str, keep_gb: float, folder: Path = FOLDER) -> None:
        self.fingerprint, self.keep_bytes, self.folder = fingerprint, keep_gb * 1e9, folder

    def missing(self, seeds: list[int]) -> list[int]:
        """The seeds that no earlier run of the very same candidate has finished, or whose trial is damaged by now.

        What is damaged is removed.
        """
        return [seed for seed in seeds if not self._is_whole(seed)]

    def lock_path(self, seed: int | None) -> Path:
        """What a process locks while it trains the trial of a seed, or for None while it tries settings."""
        part = "tuning" if seed is None else f"seed-{seed}"
        return self.folder.parent / "locks" / f"{self.fingerprint}-{part}"

    def checkpoint(self, seed: int) -> Checkpoint:
        return Checkpoint(self.folder / self.fingerprint / f"seed-{seed}.unfinished")

    def checkpoint_of_setting(self, number: int) -> Checkpoint:
        """Where a setting that is tried waits until others have come as far."""
        return Checkpoint(self.folder / self.fingerprint / f"setting-{number}.unfinished")

    def add(self, seed: int, fit: Fit, model: keras.Model, measured: Mapping[str, Any]) -> None:
        """Keep a finished trial: its model first, its facts last, so that facts on disk mean a complete trial.

        Args:
            measured: the stopwatch's entries of cost.json.
        """
        self._make_room()
        with replacing(self.model_path(seed)) as temporary:
            model.save(temporary)
        history = [_with_nulls(row) for row in fit.history]
        best = _with_nulls(fit.best)
        trial = FinishedTrial(history, best, fit.phases, model.count_params(), _cost(fit, measured))
        facts = asdict(trial)
        write_json(self._facts_path(seed), {**facts, HASH: _hash(self.model_path(seed), facts)})

    def add_tuning(self, tuned: Mapping[str, Any]) -> None:
        """Keep what came of trying settings, which the seeds' trials go by."""
        write_json(self._tuning_path, tuned)

    def read_tuning(self) -> dict[str, Any] | None:
        """None where no earlier run has tried all settings, or what came of it is damaged."""
        try:
            return read_json(self._tuning_path) if self._tuning_path.exists() else None
        except DamagedFileError as error:
            log.warning("%s; it is removed, and tuned anew", fault_of(error))
            self._tuning_path.unlink(missing_ok=True)
            return None

    @property
    def _tuning_path(self) -> Path:
        return self.folder / self.fingerprint / "tuning.json"

    def read(self, seed: int) -> FinishedTrial:
        facts = read_json(self._facts_path(seed))
        facts.pop(HASH, None)
        return FinishedTrial(**facts)

    def model_path(self, seed: int) -> Path:
        return self.folder / self.fingerprint / f"seed-{seed}.keras"

    def files(self, seed: int) -> list[Path]:
        """Of a finished trial: its model, then its facts."""
        return [self.model_path(seed), self._facts_path(seed)]

    def copy_model(self, seed: int, target: Path) -> None:
        """A hard link where the file system allows it, which costs no disk: models are large."""
        with replacing(target) as temporary:
            try:
                os.link(self.model_path(seed), temporary)
            except OSError:
                shutil.copyfile(self.model_path(seed), temporary)

    def _is_whole(self, seed: int) -> bool:
        """Whether a trial is kept, and is by its hash what was kept; one that was kept without a hash counts as it."""
        if not all(file.exists() for file in self.files(seed)):
            return False
        try:
            facts = read_json(self._facts_path(seed))
            with reading(self.model_path(seed)):
                expected = facts.pop(HASH, None)
                if expected not in (None, _hash(self.model_path(seed), facts)):
                    raise ValueError("it or its .json is not what was kept, by their hash")
        except DamagedFileError as error:
            log.warning("%s; it is removed, and trained anew", fault_of(error))
            for file in reversed(self.files(seed)):  # facts first: facts on disk mean a complete trial
                file.unlink(missing_ok=True)
            return False
        return True

    def _facts_path(self, seed: int) -> Path:
        return self.folder / self.fingerprint / f"seed-{seed}.json"

    def _make_room(self) -> None:
        """Remove the oldest trials of other candidates, finished or not, until the rest is within bounds."""
        finished = [[facts.with_suffix(".keras"), facts] for facts in self.folder.glob("*/*.json")]
        unfinished = [_inside(folder) for folder in self.folder.glob("*/*.unfinished")]
        kept = sorted((files for files in finished + unfinished if files), key=_age)
        total = sum(_size(files) for files in kept)
        for files in kept:
            if total <= self.keep_bytes:
                return
            if self.fingerprint not in files[0].parts:
                total -= _size(files)
                for file in reversed(files):  # facts first: facts on disk mean a complete trial
                    file.unlink(missing_ok=True)


def _hash(model: Path, facts: Mapping[str, Any]) -> str:
    """SHA-256 of a model's file and of its trial's facts."""
    with model.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()


def _inside(folder: Path) -> list[Path]:
    """Empty where another process has removed it since it was listed."""
    with suppress(FileNotFoundError):
        return list(folder.iterdir())
    return []


def _age(files: list[Path]) -> float:
    """When the newest was written, seconds since 1970; 0 where another process has removed them all."""
    return max((status.st_mtime for status in _statuses(files)), default=0.0)


def _size(files: list[Path]) -> int:
    return sum(status.st_size for status in _statuses(files))


def _statuses(files: list[Path]) -> Iterator[os.stat_result]:
    for file in files:
        with suppress(FileNotFoundError):
            yield file.stat()


def _with_nulls(row: Row) -> Row:
    """A row of the history; JSON has no number for a loss of an epoch that diverged."""
    return {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}


def _cost(fit: Fit, measured: Mapping[str, Any]) -> dict[str, Any]:
    """The trial's entry in cost.json; cost_seconds is what it takes if it is trained alone, so shared work is in it."""
    return {
        **measured,
        "epoch_ended": fit.epoch_ended,
        "fit_seconds": fit.fit_seconds,
        "activation_seconds": fit.activation_seconds,
        "setup_seconds": fit.setup_seconds,
        "cost_seconds": fit.fit_seconds + fit.activation_seconds + fit.setup_seconds,
        "images_per_second": fit.images_seen / fit.fit_seconds,
    }
