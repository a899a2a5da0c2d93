"""data/accepted/<batch>: examples that were taken in, split once and for all.

data/accepted/<batch>/photos/{train,test}/<class>/…   of photos the folders say who learns and who tests
data/accepted/<batch>/photos/labels.csv               of photos with a number: path, label, split and group of each
data/accepted/<batch>/quarantine/<class>/…            left out, and batch.json says why
data/accepted/<batch>/rows/{train,test}.parquet       of a table the files say it; files/ has what came, as it came
data/accepted/<batch>/steps.parquet                   of a series; its test is the newest stretch, whatever the batch
data/accepted/<batch>/batch.json                      what it holds, and what was measured when it came in
data/accepted/<batch>.dvc                             DVC's pointer to it, which git keeps

A batch is complete or absent, and never changed afterwards; its name ends in a hash of its content, so that taking in
the same files twice is seen.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.datasets.accepted import ACCEPTED
from pipeline.ground.files import read_json, write_json
from pipeline.ground.fingerprints import hash_path
from pipeline.operations.retraining.intake.incoming import INCOMING, Batch, IncomingError

PART = ".accepting-"  # beside data/accepted: a batch that is being written is none yet
FETCHED_PART = ".part-"  # beside data/incoming: what is being brought from elsewhere


def accept(batch: Batch, test_fraction: float, seed: int, measured: Mapping[str, Any]) -> str:
    """Store the batch under data/accepted and take its files out of data/incoming; returns its name.

    Args:
        batch: what lies in data/incoming.
        test_fraction: the share that is sealed as test.
        seed: draws that share.
        measured: what else batch.json is to hold (drift, …).
    """
    name = f"{datetime.now(UTC):%Y-%m-%d}-{batch.content[:8]}"
    part = ACCEPTED.with_name(f"{PART}{name}")
    shutil.rmtree(part, ignore_errors=True)
    sealed = batch.write(part, test_fraction, seed)
    manifest = {
        "batch": name,
        "accepted": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "counts": batch.counts(),
        **({} if sealed is None else {"test": sealed}),
        "left_out": batch.left_out,
        "files": batch.files,
        **measured,
    }
    write_json(part / "batch.json", manifest)
    ACCEPTED.mkdir(parents=True, exist_ok=True)
    os.replace(part, ACCEPTED / name)
    clear_accepted()
    return name


def clear_accepted() -> None:
    """Take out of data/incoming what data/accepted holds; a kill may have left some of it behind."""
    for folder in accepted_batches():
        for path, sha256 in read_json(folder / "batch.json")["files"].items():
            file = INCOMING / path
            if _is_in_incoming(file) and file.is_file() and hash_path(file) == sha256:
                remove_from_incoming([path])


def remove_from_incoming(paths: Iterable[str]) -> None:
    """Take files out, named by their place in data/incoming, and the folders that this empties.

    Raises:
        IncomingError: a path leads out of data/incoming; what lies there is not ours to remove.
    """
    for path in paths:
        if not _is_in_incoming(INCOMING / path):
            raise IncomingError(f"{INCOMING / path}: lies outside {INCOMING}, so it is not removed; correct the path")
        (INCOMING / path).unlink(missing_ok=True)
        _remove_if_empty((INCOMING / path).parent)


def accepted_batches() -> list[Path]:
    """The folders of the batches that are here, in the order of their names."""
    found = ACCEPTED.iterdir() if ACCEPTED.is_dir() else ()
    return sorted(folder for folder in found if (folder / "batch.json").is_file() and not folder.name.startswith("."))


def manifests_since(moment: datetime | None) -> list[dict[str, Any]]:
    """batch.json of the batches that were accepted after a moment, oldest first; None: of all."""
    manifests = [read_json(folder / "batch.json") for folder in accepted_batches()]
    manifests.sort(key=lambda manifest: str(manifest["accepted"]))
    return [one for one in manifests if moment is None or datetime.fromisoformat(one["accepted"]) > moment]


def remove_parts() -> None:
    """What a kill left half copied; its files are still in data/incoming."""
    for pattern in (f"{PART}*", f"{FETCHED_PART}*"):
        for folder in ACCEPTED.parent.glob(pattern):
            shutil.rmtree(folder)


def _is_in_incoming(file: Path) -> bool:
    """Whether the entry itself lies there, wherever it leads as a link."""
    return file.parent.resolve().is_relative_to(INCOMING.resolve())


def _remove_if_empty(folder: Path) -> None:
    while folder != INCOMING:
        with suppress(OSError):
            folder.rmdir()
        if folder.is_dir():
            return
        folder = folder.parent
